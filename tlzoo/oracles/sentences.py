"""Similarity of sentences, as MTEB measures it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from tlzoo.adapters.weights import resolve
from tlzoo.blobs import Blob, fetch
from tlzoo.cards import catalogue
from tlzoo.core.batch import Row
from tlzoo.core.model import Model
from tlzoo.tasks.text_embedding import TextEmbedding
from tlzoo.transfer.assemble import assemble
from tlzoo.transfer.inference import predict, statistics, value

_STS = "https://raw.githubusercontent.com/brmson/dataset-sts/e1d3375f5b3bc24f21aa4e46f96eb379e9fc1081/data/sts/"
_BENCHMARK = (
    "https://raw.githubusercontent.com/zhangzhenhu/Semantic-Texual-Similarity-Toolkits/"
    "c55a72f51bd15a8bd75114247c06984b432050f9/data/stsbenchmark/"
)
Pair = tuple[str, str, float]


def _sick(name: str, sha256: str, size: int) -> Blob:
    return Blob(name, (f"{_STS}sick2014/{name}",), sha256, size)


def _sts13(name: str, sha256: str, size: int) -> Blob:
    return Blob(name, (f"{_STS}semeval-sts/2013/{name}",), sha256, size)


def similarity(card: str, variant: str, name: str) -> list[float]:
    """Spearman's correlation of a sentence encoder's cosines with people's scores.

    Args:
        card: The card's id.
        variant: Its variant, with official weights.
        name: Which pairs, of `PAIRS`.

    Raises:
        UnavailableError: The weights or the pairs are not available.
    """
    files, read = PAIRS[name]
    pairs = [pair for blob in files for pair in read(fetch(blob).read_text("utf-8").splitlines())]
    task = TextEmbedding(TextEmbedding.features_of())
    model = assemble(resolve(catalogue.get(card), "official", variant), task).for_zero_shot(task)
    assert isinstance(model, Model)
    rows: list[Row] = [
        {"sentence1": one, "sentence2": two, "score": score, "id": str(place)}
        for place, (one, two, score) in enumerate(pairs)
    ]
    predictions = predict(model, map(model.encode, rows), progress=f"{card} on {name}")
    return [value("spearman", statistics(task, predictions, rows)["spearman"])]


def _of_benchmark(lines: Iterable[str]) -> Iterator[Pair]:
    """Lines of genre, file, year, number, score, and both sentences; some have a source behind."""
    for line in lines:
        fields = line.split("\t")
        yield fields[5], fields[6], float(fields[4])


def _of_sick(lines: Iterable[str]) -> Iterator[Pair]:
    """Lines of number, both sentences, score, and judgment, below a header."""
    for line in list(lines)[1:]:
        _, one, two, score, *_ = line.split("\t")
        yield one, two, float(score)


def _of_sts(lines: Iterable[str]) -> Iterator[Pair]:
    """Lines of score and both sentences."""
    for line in lines:
        score, one, two = line.split("\t")
        yield one, two, float(score)


PAIRS: dict[str, tuple[tuple[Blob, ...], Callable[[Iterable[str]], Iterator[Pair]]]] = {
    "stsbenchmark": (
        (
            Blob(
                "sts-test.csv",
                (f"{_BENCHMARK}sts-test.csv",),
                "affe45928a66ee5a708531233c95b7dacbbdc57f974f002a3d32ea0180cf816a",
                282419,
            ),
        ),
        _of_benchmark,
    ),
    "sick-r": (
        (
            _sick("SICK_train.txt", "266cf8047149bd1d68138dd30439f3122bff30069740ac6705bb6197d9f1b48e", 506243),
            _sick("SICK_trial.txt", "5a88cfb62f8c6bd2a3cce0f2421ba2cb8c2be5ab4a800f6f01e2c64aafb7db56", 57225),
            _sick(
                "SICK_test_annotated.txt", "2b8aa806658d6fc23c6824c83776c2d4fee7556000817b5ec0f982861413b7d0", 559979
            ),
        ),
        _of_sick,
    ),
    "sts13": (
        (
            _sts13("headlines.test.tsv", "9b40330c1b70017b62a48404bf050211f5cfd990e249fc1b8146163bdcb9924a", 71836),
            _sts13("OnWN.test.tsv", "66aeefda9084f544e2d54e51026d2952e2cb05bd9b5fcf4c6d4efe57dfa3e4fc", 49248),
            _sts13("FNWN.test.tsv", "ac1fcaf6042fc7f8984b0d6145b5a4028da10c9adc55754ea1ad64d6dd3f6633", 46412),
        ),
        _of_sts,
    ),
}
"""Files of pairs, by name, and how a line is read. SICK is CC BY-NC-SA 3.0, the others as SemEval published them."""
