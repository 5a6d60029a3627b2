"""The same random weights, in the published file format, through the original implementation and through ours.

The originals were run outside of the project; ``parity/*.json`` holds what they computed and how. Here the weights are
drawn again from their seed, written as the published file has them, loaded by the reader that loads it, and run.
"""

import gzip
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tests.architectures.parity import seeded, tensorflow_files
from tests.architectures.parity.fixtures import FOLDER, difference, fixture
from tests.support import keras_files, tflite_files
from tests.support.published import official
from tlzoo.adapters.text_encoder import TextEncoder
from tlzoo.architectures.crepe import CREPE, frequency
from tlzoo.architectures.openl3 import OpenL3
from tlzoo.architectures.trill import TRILLsson
from tlzoo.architectures.videoflow import VideoFlow
from tlzoo.architectures.yamnet import YAMNet
from tlzoo.cards import catalogue
from tlzoo.checkpoints import bert_joint
from tlzoo.checkpoints.tensorflow import Checkpoint
from tlzoo.errors import InputError


def check(card: str, *computed: np.ndarray) -> None:
    assert difference(card, *computed) < fixture(card)["tolerance"]


def test_openl3(tmp_path: Path) -> None:
    path = tmp_path / "openl3_audio_mel256_env-v0_4_0.h5.gz"
    keras_files.write(path, seeded.arrays(tensorflow_files.openl3(), 1))
    embeddings = []
    for size in (512, 6144):
        model = OpenL3(embedding_size=size).eval()
        model.load_official({path.name: path})
        patches = model.encode(seeded.sound(48_000, 2))["patches"]
        with torch.no_grad():
            embeddings.append(model.embed(patches)[0].numpy())
    check("openl3", patches[0, 0, ::40, ::30].numpy(), embeddings[0][::4], embeddings[1][::96])


def bert_files(folder: Path) -> dict[str, Path]:
    """The index that TensorFlow 2.21 wrote, and its data, which are the arrays one after the other, by name."""
    index = FOLDER / "bert_joint.ckpt.index"
    arrays = seeded.arrays(tensorflow_files.bert_joint(), 1) | {"global_step": np.array(0)}
    data = folder / "bert_joint.ckpt.data-00000-of-00001"
    data.write_bytes(b"".join(arrays[name].tobytes() for name in sorted(arrays)))
    return {path.name: path for path in (index, data)}


def test_bert_joint(tmp_path: Path) -> None:
    card = catalogue.get("tf2nq")
    joint = next(v for v in card.variants if v.id == "joint")
    files = bert_files(tmp_path)
    encoder = TextEncoder(joint.model_copy(update={"config": joint.config | tensorflow_files.BERT}), card.input).eval()
    encoder.load_official(files)
    heads = bert_joint.read(files)
    ids, segments, lengths = tensorflow_files.bert_inputs()
    with torch.no_grad():
        batch = {"ids": torch.tensor(ids), "segments": torch.tensor(segments), "ids_lengths": torch.tensor(lengths)}
        tokens = encoder(batch)["tokens"]
        spans = tokens @ heads["qa_outputs.weight"].T + heads["qa_outputs.bias"]
        pooled = encoder.network.pooler(torch.stack([part[:1] for part in tokens.split(lengths)]))
        kinds = pooled @ heads["answer_types.weight"].T + heads["answer_types.bias"]
    check("tf2nq", tokens[:, ::5].numpy(), spans.numpy(), kinds.numpy())


def test_trillsson3(tmp_path: Path) -> None:
    path = tmp_path / "pytorch_model.bin"
    arrays = seeded.arrays(tensorflow_files.trillsson3(), 1, out=0)
    torch.save({name: torch.from_numpy(array) for name, array in arrays.items()}, path)
    model = TRILLsson().eval()
    model.load_official({path.name: path})
    with torch.no_grad():
        patches = model.encode(seeded.sound(33_000, 2))["patches"][:2]
        embeddings = model.embed(patches)
        exact = model.double().embed(patches.double())
    rounding = float((embeddings - exact).abs().max() / exact.abs().max())
    if rounding > fixture("trill")["tolerance"]:
        pytest.skip(f"the random network amplifies rounding: single precision alone changes {rounding:.0%} of it")
    check("trill", embeddings[:, ::8].numpy())


def test_crepe(tmp_path: Path) -> None:
    path = tmp_path / "tiny.pth"
    arrays = seeded.arrays(tensorflow_files.crepe(), 1, out=0)
    torch.save({name: torch.from_numpy(array) for name, array in arrays.items()}, path)
    model = CREPE("tiny", hop_seconds=0.1).eval()
    model.load_official({path.name: path})
    frames = model.encode(seeded.sound(4000, 2))["frames"]
    with torch.no_grad():
        activations = model({"frames": frames, "frames_lengths": torch.tensor([len(frames)])})["activations"]
    check("crepe", activations[:, ::3].numpy(), frequency(activations).numpy())


def yamnet_file(path: Path) -> None:
    """Write YAMNet's weights with norms folded, as TensorFlow Lite does, in its order of axes."""
    arrays = seeded.arrays(tensorflow_files.yamnet(), 1)
    layers: list[tflite_files.Layer] = []
    for name, kernel in arrays.items():
        if "kernel" in name and not name.startswith("dense"):
            beta, mean, variance = (
                arrays[f"{name.rpartition('/')[0]}/bn/{part}"] for part in ("beta", "moving_mean", "moving_variance")
            )
            scale = (variance + 1e-4) ** -0.5
            if "depthwise" in name:
                layers.append((tflite_files.DEPTHWISE, (kernel[..., 0] * scale)[None], beta - mean * scale))
            else:
                layers.append((tflite_files.CONV, (kernel * scale).transpose(3, 0, 1, 2), beta - mean * scale))
    layers.append((tflite_files.DENSE, arrays["dense/kernel"].T, arrays["dense/bias"]))
    tflite_files.write(path, layers, [f"class {i}" for i in range(521)], "yamnet_label_list.txt")


def test_yamnet(tmp_path: Path) -> None:
    path = tmp_path / "yamnet.tflite"
    yamnet_file(path)
    model = YAMNet(activation="relu").eval()
    model.load_official({path.name: path})
    assert model.classifier is not None
    patches = model.encode(seeded.sound(20_000, 2))["patches"]
    with torch.no_grad():
        embeddings = model.embed(patches)
        scores = model.classifier(embeddings).sigmoid()
    check("yamnet", patches[0, 0, ::16, ::8].numpy(), embeddings[:, ::16].numpy(), scores[:, ::8].numpy())


def flow_files(folder: Path, coupling: str) -> dict[str, Path]:
    """A checkpoint of ``next_frame_glow``: the index that TensorFlow 2.21 wrote, and the data that it describes."""
    files = {f"flow.ckpt.{part}": folder / f"{coupling}.{part}" for part in ("index", "data-00000-of-00001")}
    index, data = files.values()
    index.write_bytes(gzip.decompress((FOLDER / f"flow_{coupling}.ckpt.index.gz").read_bytes()))
    data.touch()
    checkpoint = Checkpoint(files)
    arrays = tensorflow_files.videoflow_arrays({name: checkpoint.shape(name) for name in checkpoint}, 1)
    data.write_bytes(b"".join(arrays[name].tobytes() for name in sorted(arrays)))
    return files


@pytest.mark.parametrize(("card", "coupling"), [("videoflow-encoder", "affine"), ("videoflow-generator", "additive")])
def test_videoflow(tmp_path: Path, card: str, coupling: str) -> None:
    settings = {"gated": True, "additive": coupling == "additive"}
    config = catalogue.get(card).default.config
    assert {name: config.get(name, False) for name in settings} == settings
    flow = VideoFlow(**tensorflow_files.VIDEOFLOW, **settings).eval()
    flow.load_official(flow_files(tmp_path, coupling))
    frames = torch.from_numpy(tensorflow_files.video()).permute(0, 1, 4, 2, 3)
    with torch.no_grad():
        *before, last = [flow.to_latents(frame) for frame in frames]
        latents = [own for own, _ in before]
        bits = flow.bits_per_dim(*last, latents)
        top, _ = flow.priors[1]([own[1] for own in latents], None)
        fine, _ = flow.priors[0]([own[0] for own in latents], flow._above([top], 0))
        frame = flow.to_frames([fine, top])
        assert (flow.to_frames(last[0]) - frames[3]).abs().max() < 1e-4
    maps = [values[0].permute(1, 2, 0).numpy() for values in (last[0][1], last[0][0], top, frame)]
    check(card, *(m[::r, ::r, ::c] for m, r, c in zip(maps, (4, 6, 4, 10), (3, 2, 3, 1), strict=True)), bits.numpy())


def test_videoflow_of_other_settings(tmp_path: Path) -> None:
    files = flow_files(tmp_path, "affine")
    with pytest.raises(InputError, match="gated, and this one is not"):
        VideoFlow(2, 1, 6, 4, 1).load_official(files)
    with pytest.raises(InputError, match="without codec/revnet_0/revnet_step_0/additive/nn"):
        VideoFlow(**tensorflow_files.VIDEOFLOW, gated=True, additive=True).load_official(files)
    with pytest.raises(InputError, match="without codec/revnet_0/revnet_step_1"):
        VideoFlow(**tensorflow_files.VIDEOFLOW | {"depth": 2}, gated=True).load_official(files)
    with pytest.raises(InputError, match=r"not the weights of VideoFlow as configured: of another shape"):
        VideoFlow(**tensorflow_files.VIDEOFLOW | {"coupling_width": 8}, gated=True).load_official(files)


def test_movenet() -> None:
    model = official("movenet", "lightning")
    example = model.encode({"image": Image.fromarray(tensorflow_files.picture(192))})
    batch = model.collate([example])
    with torch.no_grad():
        maps = {name: values[0].permute(1, 2, 0).numpy() for name, values in model(batch).items()}
    (pose,) = model.predict(batch)
    places = np.array(pose.keypoints[0])[:, ::-1] / 192
    check(
        "movenet",
        maps["center"][::6, ::6],
        *(maps[name][::12, ::12, ::3] for name in ("heatmap", "offset", "regress")),
        np.concatenate([places, np.array(pose.keypoint_scores[0])[:, None]], 1),
    )


def test_smartreply() -> None:
    """The published table: an answer's scores, as the package that runs the authors' operators documents them."""
    suggested = official("smartreply", catalogue.get("smartreply").default.id).suggest("Hello")
    check("smartreply", np.array([suggested[reply] for reply in sorted(suggested)]))
