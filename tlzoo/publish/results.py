"""The results as a dataset repository: the ranked rows, the raw ones, and a card that shows both in the viewer."""

from __future__ import annotations

import pyarrow as pa

from tlzoo.errors import InputError
from tlzoo.leaderboard.identity import DATA, MACHINE, Titles, grouped
from tlzoo.leaderboard.row import rows_of, scored
from tlzoo.leaderboard.schema import BOARD, RESULT
from tlzoo.publish import front, parquet
from tlzoo.publish.commit import Publication
from tlzoo.publish.hub import Repository
from tlzoo.publish.own import OPTION, Selection, data

LEADERBOARD, RESULTS = "data/leaderboard.parquet", "data/results.parquet"
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))


def publication(selected: Selection, repository: Repository) -> Publication:
    """The files of the repository of the results.

    Args:
        selected: The results.
        repository: Where it goes.

    Raises:
        InputError: There are no rows.
    """
    results, board = selected.results, selected.board
    if selected.left_out and not results.num_rows:
        names = ", ".join(data_set.name for data_set in selected.left_out)
        raise InputError(f"all results are on your own data ({names}), which stay here; {OPTION} publishes them")
    if not results.num_rows:
        raise InputError("no results to publish yet; make some with: tlzoo eval --task audio-classification")
    order = [(name, "ascending") for name in ("task", *DATA, *MACHINE, "rank", "weights")]
    files = {
        "README.md": readme(results, board, repository),
        LEADERBOARD: parquet.write(board.select(BOARD.names).sort_by(order)),
        RESULTS: parquet.write(results),
    }
    rows = zip(results["dataset"].to_pylist(), ([run] for run in results["run_id"].to_pylist()), strict=True)
    return Publication(
        repository,
        "Results of tlzoo",
        files,
        owned=("data/*.parquet",),
        data=data(rows, selected.own),
        left_out=selected.left_out,
    )


def readme(results: pa.Table, board: pa.Table, repository: Repository) -> bytes:
    """The dataset card: ``configs`` for the viewer, what the rows are, and how they are read."""
    configs = [("leaderboard", LEADERBOARD), ("results", RESULTS)]
    header = {
        "license": "apache-2.0",
        "pretty_name": "tlzoo: transfer learning, measured",
        "tags": ["leaderboard", "benchmark", "transfer-learning", "tlzoo"],
        "size_categories": [next((name for limit, name in _SIZES if results.num_rows < limit), "n>1M")],
        "configs": [
            {
                "config_name": name,
                **({"default": True} if name == "leaderboard" else {}),
                "data_files": [{"split": "test", "path": path}],
            }
            for name, path in configs
        ],
    }
    rows = rows_of(board)
    titles = Titles(rows)
    lines = ["| task | data set | models | rows with a value |", "|---|---|---:|---:|"]
    parts = grouped(scored(rows), ("task", *DATA, *MACHINE))
    for part in sorted(parts, key=lambda part: (part[0].task, titles.data(part[0]), titles.machine(part[0]))):
        machine = titles.machine(part[0])
        data = f"{titles.data(part[0])}{f' ({machine})' if machine else ''}"
        lines.append(f"| {part[0].task} | {data} | {len({row.card for row in part})} | {len(part)} |")
    body = f"""
# tlzoo: transfer learning, measured

Pretrained models, fine-tuned on small data sets and measured: how good, how fast, how large, and how much the
pretrained weights gave over the same architecture trained from scratch.

{chr(10).join(lines)}

## Leaderboard
`{LEADERBOARD}`: one row for each model, variant, weights, task, data set, strategy, share of the labels and
machine. `value` is the mean over `seeds`, with a 95% interval from `ci_low` to `ci_high`; `gain` is the paired
difference to `scratch_value`. `rank` and `rank_worst` are the best and the worst place that the evidence allows within
one task, data set (`dataset` and `dataset_fingerprint`), machine (`origin`, `hardware` and `device`) and share of the
labels. `weights` are `official` (the published ones), `stand-in` (a small variant that tlzoo pretrained and
ships), `none` (scratch) or `baseline` (no model). A row without a value has a `status` and a `reason`.

Columns: {_columns(BOARD)}.

## Results
`{RESULTS}`: one row for each run and metric, with the statistics of every test example, from which all
intervals can be computed again. In the folder `results` of `tlzoo leaderboard --out`, it gives the same boards.

Columns: {_columns(RESULT)}.

## Read them
```python
from datasets import load_dataset

board = load_dataset("{repository.name}", "leaderboard", split="test")
```
"""
    return front.document(header, body)


def _columns(schema: pa.Schema) -> str:
    return ", ".join(f"`{name}`" for name in schema.names)
