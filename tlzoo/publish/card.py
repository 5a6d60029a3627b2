"""A card as a model repository: its prose and facts, and what was measured, as the Hub reads results."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from tlzoo.cards.reader import CardFile
from tlzoo.cards.render import markdown
from tlzoo.data.named import DATASETS
from tlzoo.leaderboard.identity import CLOCK, DATA, Titles, grouped, of
from tlzoo.leaderboard.metrics import METRICS
from tlzoo.leaderboard.render import to_markdown
from tlzoo.leaderboard.table import rows_of
from tlzoo.publish import front
from tlzoo.publish.commit import Publication
from tlzoo.publish.hub import Repository
from tlzoo.publish.own import Selection, data
from tlzoo.vocabulary import TASKS

Row = dict[str, Any]
RESULTS = "tlzoo-results"
"""Name of the repository that ``tlzoo publish results`` fills: where the numbers on a card come from."""
EVAL_RESULTS = ".eval_results"


def repository_name(card_id: str) -> str:
    """Name of a card's repository."""
    return f"tlzoo-{card_id}"


def publication(
    file: CardFile, selected: Selection, created: Mapping[str, datetime], repository: Repository, endpoint: str
) -> Publication:
    """What a card's repository is to hold.

    Args:
        file: The card.
        selected: Results of any models; those of this card that have a value are shown.
        created: When each run was made, by its id.
        repository: Where it goes.
        endpoint: The Hub's address, for the link to the results.

    Returns:
        ``README.md`` and, for each task with a result, ``.eval_results/<task>.yaml``.
    """
    board = selected.board
    mine = board.filter(pc.and_(pc.equal(board["card"], file.card.id), pc.equal(board["status"], "ok")))
    mine = mine.filter(pc.is_valid(mine["value"]))
    rows = [row for row in rows_of(mine) if row["value"] is not None]
    source = f"{endpoint}/datasets/{repository.owner}/{RESULTS}"
    files = {"README.md": readme(file, mine, rows, source)}
    for task in dict.fromkeys(row["task"] for row in rows):
        entries = [entry(row, created, repository.owner, source) for row in rows if row["task"] == task]
        files[f"{EVAL_RESULTS}/{task}.yaml"] = front.dump(entries).encode()
    told = data(((row["dataset"], row["run_ids"]) for row in rows), selected.own)
    return Publication(repository, f"Card of {file.card.name}", files, owned=(f"{EVAL_RESULTS}/*.yaml",), data=told)


def dates(results: pa.Table) -> dict[str, datetime]:
    """When each run was made, by its id."""
    return {
        run: date
        for run, date in zip(results["run_id"].to_pylist(), results["created"].to_pylist(), strict=True)
        if date is not None
    }


def readme(file: CardFile, board: pa.Table, rows: list[Row], source: str) -> bytes:
    """The model card: the card's own front matter with ``model-index``, its prose, its facts, its part of the boards.

    Args:
        file: The card.
        board: The card's rows that have a value.
        rows: The same as plain values.
        source: Address of the results.
    """
    header = file.header.model_dump(mode="json", exclude_unset=True)
    facts = header.pop("tlzoo")
    if rows:
        header["model-index"] = [{"name": file.card.name, "results": index(rows, source)}]
    measured = (
        f"\n## Measured\nBy tlzoo; every run is in [{RESULTS}]({source}). Ranks are among all models. `official` "
        "weights are the published ones; `stand-in`: a small variant of the same architecture, pretrained on rendered "
        f"or packaged data; `none`: trained from scratch.\n\n{to_markdown(board)}"
    )
    return front.document(header | {"tlzoo": facts}, markdown(file) + (measured if rows else ""))


def index(rows: list[Row], source: str) -> list[dict[str, Any]]:
    """Results as ``model-index`` has them: one element a task and data set, a metric each for its rows.

    Data of one name and another content are another data set; where rows are of several machines, each names its own.
    """
    titles, machines = Titles(rows), {of(row, CLOCK) for row in rows}
    return [
        {
            "task": {"type": TASKS[alike[0]["task"]].pipeline_tag, "name": alike[0]["task"]},
            "dataset": {"type": ""}
            | _dataset(alike[0]["dataset"])
            | {"name": titles.data(alike[0]).removeprefix("hub:"), "split": "test"},
            "metrics": [
                {
                    "type": row["metric"],
                    "value": _rounded(row["value"]),
                    "name": f"{METRICS[row['metric']].label} ({setting(row)}"
                    + (f", {titles.clock(row)})" if len(machines) > 1 else ")"),
                }
                for row in alike
            ],
            "source": {"name": "tlzoo", "url": source},
        }
        for alike in grouped(rows, ("task", *DATA))
    ]


def entry(row: Row, created: Mapping[str, datetime], owner: str, source: str) -> dict[str, Any]:
    """One result as ``.eval_results/*.yaml`` has them (``huggingface_hub.EvalResultEntry``).

    A data set of the Hub is named by its id; one that is rendered or packaged here by the repository of the results,
    and then the task's id names it.
    """
    dataset = _dataset(row["dataset"])
    on_hub = "/" in dataset["type"]
    task = f"{row['task']}_{row['metric']}" if on_hub else f"{row['task']}_{dataset['type']}_{row['metric']}"
    where = {"id": dataset["type"] if on_hub else f"{owner}/{RESULTS}", "task_id": task}
    if on_hub and "revision" in dataset:
        where["revision"] = dataset["revision"]
    dates = [date for run in row["run_ids"] if (date := created.get(run))]
    return {
        "dataset": where,
        "value": _rounded(row["value"]),
        **({"date": max(dates).isoformat(timespec="seconds")} if dates else {}),
        "source": {"url": source, "name": "tlzoo"},
        "notes": f"{METRICS[row['metric']].label} on {row['dataset']}: {setting(row)}",
    }


def setting(row: Row) -> str:
    """What a value needs beside it to be read: strategy, weights, variant, share of the labels, interval, examples."""
    share = f"{row['fraction']:.0%} of the labels" if row["fraction"] not in (None, 1.0) else ""
    bounds = [row["ci_low"], row["ci_high"]]
    interval = f"95% interval {bounds[0]:.4g} to {bounds[1]:.4g}" if None not in bounds else ""
    tier = "" if row["weights"] == "none" else f"{row['weights']} weights"
    parts = [row["strategy"], tier, f"variant {row['variant']}", share, interval, f"{row['n_test']} test examples"]
    return ", ".join(part for part in parts if part)


def _dataset(name: str) -> dict[str, str]:
    """``type`` (the Hub's id, where it has one) and ``revision`` of a data set by its name on the boards."""
    wanted = name.removeprefix("hub:") if name.startswith("hub:") else DATASETS[name].hub if name in DATASETS else None
    if wanted:
        repo, _, revision = wanted.partition("@")
        return {"type": repo, **({"revision": revision} if revision else {})}
    return {"type": re.sub(r"[^\w.-]+", "-", name)}


def _rounded(value: float) -> float:
    return round(value, 6)
