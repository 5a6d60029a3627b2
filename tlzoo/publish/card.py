"""A card as a model repository: its prose and facts, and what was measured, as the Hub reads results."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc
from huggingface_hub import EvalResult, EvalResultEntry, eval_result_entries_to_yaml
from huggingface_hub.repocard_data import eval_results_to_model_index

from tlzoo.cards.reader import CardFile
from tlzoo.cards.render import markdown
from tlzoo.data.named import DATASETS
from tlzoo.leaderboard.identity import CLOCK, DATA, Titles, grouped, of
from tlzoo.leaderboard.metrics import METRICS
from tlzoo.leaderboard.row import ScoredRow, rows_of, scored
from tlzoo.leaderboard.views.render import to_markdown
from tlzoo.publish import front
from tlzoo.publish.commit import Publication
from tlzoo.publish.hub import Repository
from tlzoo.publish.own import Selection, data
from tlzoo.vocabulary import TASKS

RESULTS = "tlzoo-results"
"""Name of the repository that ``tlzoo publish results`` fills: the source of the numbers on a card."""
EVAL_RESULTS = ".eval_results"


def repository_name(card_id: str) -> str:
    """Name of a card's repository."""
    return f"tlzoo-{card_id}"


def publication(
    file: CardFile, selected: Selection, created: Mapping[str, datetime], repository: Repository, endpoint: str
) -> Publication:
    """The files of a card's repository.

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
    rows = scored(rows_of(mine))
    source = f"{endpoint}/datasets/{repository.owner}/{RESULTS}"
    files = {"README.md": readme(file, mine, rows, source)}
    for task in dict.fromkeys(row.task for row in rows):
        entries = [entry(row, created, repository.owner, source) for row in rows if row.task == task]
        files[f"{EVAL_RESULTS}/{task}.yaml"] = front.dump(eval_result_entries_to_yaml(entries)).encode()
    sets = data(((row.dataset, row.run_ids or ()) for row in rows), selected.own)
    return Publication(repository, f"Card of {file.card.name}", files, owned=(f"{EVAL_RESULTS}/*.yaml",), data=sets)


def dates(results: pa.Table) -> dict[str, datetime]:
    """When each run was made, by its id."""
    return {
        run: date
        for run, date in zip(results["run_id"].to_pylist(), results["created"].to_pylist(), strict=True)
        if date is not None
    }


def readme(file: CardFile, board: pa.Table, rows: Sequence[ScoredRow], source: str) -> bytes:
    """The model card: the card's own front matter with ``model-index``, its prose, its facts, its part of the boards.

    Args:
        file: The card.
        board: The card's rows that have a value.
        rows: The same, typed.
        source: Address of the results.
    """
    header = file.header.model_dump(mode="json", exclude_unset=True)
    facts = header.pop("tlzoo")
    if rows:
        header["model-index"] = [{"name": file.card.name, "results": index(rows, source)}]
    measured = (
        f"\n## Measured\nBy tlzoo; every run is in [{RESULTS}]({source}). Ranks are among all models. `official` "
        "weights are the published ones; `stand-in`: a small variant of the same architecture, that tlzoo pretrained "
        f"and ships; `none`: trained from scratch.\n\n{to_markdown(board)}"
    )
    return front.document(header | {"tlzoo": facts}, markdown(file) + (measured if rows else ""))


def index(rows: Sequence[ScoredRow], source: str) -> list[Mapping[str, object]]:
    """Results as ``model-index`` lists them: one element a task and data set, with a metric for each of its rows.

    Data with the same name and another content are another data set; where rows are of several machines, each names
    its own.
    """
    titles, machines = Titles(rows), {of(row, CLOCK) for row in rows}
    elements: list[Mapping[str, object]] = []
    for alike in grouped(rows, ("task", *DATA)):
        results = [_result(row, source, titles, is_clock_named=len(machines) > 1) for row in alike]
        elements += eval_results_to_model_index("", results)[0]["results"]
    return elements


def _result(row: ScoredRow, source: str, titles: Titles, is_clock_named: bool) -> EvalResult:
    """One result as ``model-index`` has it."""
    clock = f", {titles.clock(row)}" if is_clock_named else ""
    repository, revision = _dataset(row.dataset)
    return EvalResult(
        task_type=TASKS[row.task].pipeline_tag,
        task_name=row.task,
        dataset_type=repository,
        dataset_name=titles.data(row).removeprefix("hub:"),
        dataset_revision=revision,
        dataset_split="test",
        metric_type=row.metric,
        metric_value=_rounded(row.value),
        metric_name=f"{METRICS[row.metric].label} ({setting(row)}{clock})",
        source_name="tlzoo",
        source_url=source,
    )


def entry(row: ScoredRow, created: Mapping[str, datetime], owner: str, source: str) -> EvalResultEntry:
    """One result as ``.eval_results/*.yaml`` has it.

    A data set of the Hub is named by its id; for data that are rendered or packaged here, the repository of the results
    is named, and the task's id holds the name of the data.
    """
    repository, revision = _dataset(row.dataset)
    on_hub = "/" in repository
    dates = [date for run in row.run_ids or () if (date := created.get(run))]
    return EvalResultEntry(
        dataset_id=repository if on_hub else f"{owner}/{RESULTS}",
        task_id=f"{row.task}_{row.metric}" if on_hub else f"{row.task}_{repository}_{row.metric}",
        dataset_revision=revision if on_hub else None,
        value=_rounded(row.value),
        date=max(dates).isoformat(timespec="seconds") if dates else None,
        source_url=source,
        source_name="tlzoo",
        notes=f"{METRICS[row.metric].label} on {row.dataset}: {setting(row)}",
    )


def setting(row: ScoredRow) -> str:
    """What a value was measured with: strategy, weights, variant, share of the labels, interval, examples."""
    share = "" if row.on_all_labels else f"{row.fraction:.0%} of the labels"
    interval = "" if row.ci_low is None else f"95% interval {row.ci_low:.4g} to {row.ci_high:.4g}"
    tier = "" if row.weights == "none" else f"{row.weights} weights"
    parts = [row.strategy, tier, f"variant {row.variant}", share, interval, f"{row.n_test} test examples"]
    return ", ".join(part for part in parts if part)


def _dataset(name: str) -> tuple[str, str | None]:
    """Id on the Hub (else the name, in letters that an id may have) and revision of a data set of the boards."""
    wanted = name.removeprefix("hub:") if name.startswith("hub:") else DATASETS[name].hub if name in DATASETS else None
    if wanted:
        repository, _, revision = wanted.partition("@")
        return repository, revision or None
    return re.sub(r"[^\w.-]+", "-", name), None


def _rounded(value: float) -> float:
    return round(value, 6)
