"""TensorFlow's checkpoints: an index that TensorFlow 2.21 wrote, its data written here, and damaged ones."""

import base64
import random
from pathlib import Path

import numpy as np
import pytest

from tests.architectures.parity import seeded, tensorflow_files
from tests.architectures.parity.fixtures import FOLDER
from tlzoo.checkpoints import bert_joint
from tlzoo.checkpoints.tensorflow import Checkpoint
from tlzoo.errors import InputError

INDEX = FOLDER / "bert_joint.ckpt.index"
MERGED = {  # by TensorFlow 2.21: tensors of two files, a string, an empty tensor, and a part of a larger one
    "few.index": (
        "AAAGCAIaAggBAA0XAHBhcnQAAQECgIKAfwgBEggSAggCEgIIAxgBIBAoGDVrPjqoAAYPYS9oYWxmCBMSBBICCAIoBDWTLzNNAgQV"
        "bG9uZwgJEggSAggBEgIIAhgBKBA1p0pfOQAFE2VtcHR5CAESBhIAEgIIAxgBIBA12OqCogAFDWdyYXBoCAcSACAEKAo1GKWpggAE"
        "FnBhcnQIARIIEgIIBBICCAMYAToGCgIQAgoAAAAAAAEAAAAAMYeitAAAAAABAAAAAMDyobAAAQNxALkBAAAAAAEAAAAAIT6zDb4B"
        "CMsBDwAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABX+4CLJHVH2w=="
    ),
    "few.data-00000-of-00002": ("ADgAwAXZxpxDZ3JhcGg="),
    "few.data-00001-of-00002": ("AQAAAAAAAAAAAAAAAP///wAAgD8AAIA/AACAPwAAgD8AAIA/AACAPw=="),
}
DATA = "bert_joint.ckpt.data-00000-of-00001"


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    arrays = seeded.arrays(tensorflow_files.bert_joint(), 1) | {"global_step": np.array(7)}
    (tmp_path / DATA).write_bytes(b"".join(arrays[name].tobytes() for name in sorted(arrays)))
    (tmp_path / INDEX.name).write_bytes(INDEX.read_bytes())
    return {name: tmp_path / name for name in (INDEX.name, DATA)}


def test_tensors_by_name(files: dict[str, Path]) -> None:
    checkpoint, arrays = Checkpoint(files), seeded.arrays(tensorflow_files.bert_joint(), 1)
    assert list(checkpoint) == sorted([*arrays, "global_step"])
    for name, array in arrays.items():
        assert checkpoint.shape(name) == array.shape and checkpoint[name].dtype == np.float32
        np.testing.assert_array_equal(checkpoint[name], array)
    assert checkpoint["global_step"].shape == () and checkpoint["global_step"] == 7
    assert "global_step" in checkpoint and "step" not in checkpoint
    with pytest.raises(
        InputError, match="without tensor bert/pooler/dense/kernels; it has 44, such as bert/pooler/dense/kernel,"
    ):
        checkpoint["bert/pooler/dense/kernels"]


def test_kinds_of_tensors(tmp_path: Path) -> None:
    for name, content in MERGED.items():
        (tmp_path / name).write_bytes(base64.b64decode(content))
    checkpoint = Checkpoint({name: tmp_path / name for name in MERGED})
    assert list(checkpoint) == ["a/half", "a/long", "empty", "part"]  # and no string
    assert checkpoint["a/half"].tolist() == [0.5, -2.0] and checkpoint["a/half"].dtype == np.float16
    assert checkpoint["a/long"].tolist() == [[1, -(2**40)]]
    assert checkpoint["empty"].shape == (0, 3) and checkpoint.shape("part") == (4, 3)
    with pytest.raises(InputError, match="part is stored in slices, which are not read"):
        checkpoint["part"]


def test_names_of_transformers(files: dict[str, Path]) -> None:
    import transformers

    tensors = bert_joint.read(files)
    model = transformers.BertForQuestionAnswering(transformers.BertConfig(**tensorflow_files.BERT))
    body = {f"bert.{name}" for name in transformers.BertModel(model.config).state_dict()}
    heads = {f"{head}.{part}" for head in ("qa_outputs", "answer_types") for part in ("weight", "bias")}
    assert set(tensors) == body | heads
    kernel = Checkpoint(files)["bert/encoder/layer_1/intermediate/dense/kernel"]
    np.testing.assert_array_equal(tensors["bert.encoder.layer.1.intermediate.dense.weight"], kernel.T)


def test_files_that_are_absent_or_cut(files: dict[str, Path]) -> None:
    with pytest.raises(InputError, match=r"needs its \.index file; given: bert_joint\.ckpt\.data"):
        Checkpoint({DATA: files[DATA]})
    with pytest.raises(InputError, match=f"needs {DATA} beside it"):
        Checkpoint({INDEX.name: INDEX})
    files[DATA].write_bytes(files[DATA].read_bytes()[:1000])
    with pytest.raises(InputError, match="ends before the end of tensor cls/nq/output_weights"):
        Checkpoint(files)["cls/nq/output_weights"]


def test_a_damaged_index_is_one_line(files: dict[str, Path]) -> None:
    """Any byte may be wrong: the index is refused, or tensors are of another name or refused one by one."""
    path, whole, draw = files[INDEX.name], INDEX.read_bytes(), random.Random(0)
    for content in (b"", whole[:-1], whole[48:], b"x" * 500):
        path.write_bytes(content)
        with pytest.raises(InputError, match="damaged, or not the index of a TensorFlow checkpoint"):
            Checkpoint(files)
    for _ in range(500):
        content = bytearray(whole)
        content[draw.randrange(len(whole))] = draw.randrange(256)
        path.write_bytes(content)
        try:
            checkpoint = Checkpoint(files)
        except InputError:
            continue
        for name in checkpoint:
            try:
                assert checkpoint[name].nbytes < 100_000
            except InputError as error:
                assert "\n" not in str(error)
