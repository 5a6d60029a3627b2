"""Write the documentation that can be generated, or check that it is fresh.

Usage: python scripts/make_docs.py [--check]
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable, Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import get_args, get_type_hints

import numpy as np
import pyarrow as pa
import typer
from models_page import models_page
from typer.main import get_command

from tlzoo.blobs.places import server
from tlzoo.cards.render import json_schema
from tlzoo.cli import app
from tlzoo.core.predictions import (
    About,
    AnswerSpan,
    Boxes,
    ClassScores,
    Clip,
    Completion,
    DnaTracks,
    Embedding,
    Entities,
    Entity,
    Mask,
    PitchTrack,
    Poses,
    Prediction,
    Reply,
    Request,
    Similarity,
    Span,
    Transcript,
    Word,
)
from tlzoo.data.named import DATASETS, Entry
from tlzoo.leaderboard.metrics import METRICS, Metric
from tlzoo.leaderboard.schema import BOARD_FIELDS, RESULT_FIELDS, Field
from tlzoo.oracles import check as oracles
from tlzoo.tasks import prediction_type
from tlzoo.vocabulary import TASKS

ROOT = Path(__file__).resolve().parents[1]
_USAGE = {"prompt_tokens": 61, "completion_tokens": 2}
EXAMPLES: tuple[Prediction, ...] = (
    ClassScores("cat", 0.75, {"cat": 0.75, "dog": 0.25}),
    Boxes([[12.5, 8.0, 96.0, 80.25]], [0.91], ["cat"]),
    Mask(np.array([[0, 0, 1], [0, 1, 1]], np.uint8), ["background", "cat"]),
    Poses([[[31.0, 20.5], [44.0, 61.0]]], [[0.97, 0.88]], [0.925], ["nose", "left_shoulder"]),
    PitchTrack([0.0, 0.01], [220.4, 221.0], [0.94, 0.95]),
    Transcript("four two", [Word("four", 0.21, 0.5), Word("two", 0.55, 0.8)]),
    Clip(np.zeros((2, 64, 64, 3), np.uint8), [3, 4], [0, 1, 2], 2.25),
    AnswerSpan("in 1843", 19, 26, 0.8, "short", 0.15, [Span("in 1843", 19, 26, 0.8)]),
    Entities([Entity(0, 9, "Anna Berg", "person", 0.96)]),
    Reply("You are welcome", candidate_scores=[0.0, 1.0], request=Request(_USAGE, 0.35)),
    Completion("whale", 1.5),
    DnaTracks(np.array([[0.5, 2.0], [1.5, 0.0]], np.float32), ["heart", "liver"], 128, 0),
    Embedding([0.5, -0.25, 0.125]),
    Similarity(0.83),
)
"""One prediction of each type, for the lines of the documentation."""


def commands() -> Iterator[tuple[str, str]]:
    """Every command with its help, as a terminal of 100 columns shows it."""

    def walk(command: typer.core.TyperCommand, name: str, above: typer.Context | None) -> Iterator[tuple[str, str]]:
        context = command.make_context(name, [], parent=above, resilient_parsing=True, terminal_width=100)
        yield context.command_path, command.get_help(context)
        for part, sub in getattr(command, "commands", {}).items():
            yield from walk(sub, part, context)

    yield from walk(get_command(app), "tlzoo", None)


def predictions_of_tasks() -> dict[type[Prediction], list[str]]:
    """The tasks, with the kind of input where it matters, that each type of prediction belongs to."""
    tasks: dict[type[Prediction], list[str]] = {type(example): [] for example in EXAMPLES}
    for name, facts in TASKS.items():
        for kind in sorted(facts.inputs, key=lambda kind: kind != facts.domain):
            prediction = prediction_type(name, kind)
            has_own_class = facts.code_of(kind) != facts.code
            if kind == facts.domain or has_own_class:
                tasks[prediction].append(f"{name} ({kind})" if has_own_class else name)
    return tasks


def rows_of(kind: type, names: tuple[str, ...], above: str = "") -> Iterator[tuple[str, About]]:
    """Yield each documented name of a type with its documentation; the names of parts follow those of the whole."""
    hints = get_type_hints(kind, include_extras=True)
    for name in names:
        hint = hints.get(name)
        if hint is None:
            hint = get_type_hints(getattr(kind, name).fget, include_extras=True)["return"]
        value, about = get_args(hint)
        types = [value, *get_args(value), *(part for each in get_args(value) for part in get_args(each))]
        part = next((each for each in types if is_dataclass(each)), None)
        if part is Request:  # its values stand beside the others
            yield from rows_of(Request, tuple(field.name for field in fields(Request)), above)
            continue
        yield above + name, about
        if part is not None:
            dot = "." if part is value else "[]."
            yield from rows_of(part, tuple(field.name for field in fields(part)), above + name + dot)


def prediction_table(rows: Iterator[tuple[str, About]]) -> str:
    """A Markdown table of fields."""
    cells = [(f"`{name}`", about.meaning.replace("``", "`"), about.unit, about.range) for name, about in rows]
    lines = [("field", "meaning", "unit", "range"), ("---",) * 4, *cells]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def predictions_page() -> str:
    """The types of predictions, and their JSON lines."""
    parts = [
        "# Predictions\n",
        "Generated by `make docs` from `tlzoo/core/predictions.py`.\n",
        "`tlzoo predict` prints one JSON object for each input: `input`, its name, and whatever else identifies it, "
        "such as the `id` and `question` of a question; then the fields below, without those that do not apply to the "
        "model; and with `--draw` the file `drawn`. An input without a prediction has `error`, the reason, instead.\n",
    ]
    tasks = predictions_of_tasks()
    for example in EXAMPLES:
        kind = type(example)
        about = (kind.__doc__ or "").replace("``", "`")
        parts.append(f"## {kind.__name__}\n\n{about}\n\nTasks: {', '.join(tasks[kind])}.\n")
        parts.append(prediction_table(rows_of(kind, kind.json_names())) + "\n")
        others = tuple(field.name for field in fields(kind) if field.name not in kind.json_names())
        if kind.written and others:
            parts.append(f"In Python only:\n\n{prediction_table(rows_of(kind, others))}\n")
        parts.append(f"```json\n{json.dumps(example.to_json())}\n```\n")
    return "\n".join(parts)


def board_page() -> str:
    """The columns of boards and results, and the metrics."""
    return f"""# The board

Generated by `make docs` from `tlzoo/leaderboard/schema.py` and `tlzoo/leaderboard/metrics.py`.

## Ranked rows

`tlzoo leaderboard --format json` and `--format csv`, `tlzoo eval --json`, `tlzoo.Leaderboard().table()` and
`results/board.parquet` have one row for each configuration of a model, and these columns in this order:

{field_table(BOARD_FIELDS)}

## Results

Every run writes one Parquet file to `.tlzoo/results`, with one row for each metric. A row with an unknown column, or
without one that is never null, is refused.

{field_table(RESULT_FIELDS)}

## Metrics

A board is ranked by the first metric of its task. `tlzoo.metric(TASK)` gives a task's metrics as an `evaluate.Metric`
for training code of your own, with the numbers that a board has.

{metric_table()}
"""


def field_table(fields: Iterable[Field]) -> str:
    """Columns with type, unit, range and meaning."""
    lines = ["| column | type | unit | range | meaning | null |", "|---|---|---|---|---|---|"]
    for field in fields:
        null = f"where {field.null}" if field.null else "never"
        cells = (f"`{field.name}`", type_name(field.type), field.unit, field.range, field.meaning, null)
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def type_name(kind: pa.DataType) -> str:
    """An Arrow type in words."""
    if pa.types.is_list(kind):
        return f"list of {type_name(kind.value_type)}"
    if pa.types.is_struct(kind):
        return f"struct of {', '.join(f'{part.name}: {type_name(part.type)}' for part in kind)}"
    return str(kind)


def metric_table() -> str:
    """Metrics with direction, range, tasks and source."""
    lines = ["| metric | title | better | range | unit | meaning | defined in | tasks |"]
    lines.append("|---|---|---|---|---|---|---|---|")
    for name, metric in METRICS.items():
        kinds = {
            task: {name for kind in facts.inputs for name in facts.metrics_of(kind)} for task, facts in TASKS.items()
        }
        tasks = ", ".join(task for task, names in kinds.items() if name in names)
        better = "higher" if metric.higher else "lower"
        cells = (
            f"`{name}`",
            metric.label,
            better,
            ends(metric),
            metric.unit,
            metric.description,
            metric.citation,
            tasks,
        )
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def ends(metric: Metric) -> str:
    """The range of a metric."""
    low = "any" if math.isinf(metric.low) else f"{metric.low:g}"
    if math.isinf(metric.high):
        return "any" if low == "any" else f">= {low}"
    return f"{low} to {metric.high:g}"


def data_page() -> str:
    """The named data sets of each task."""
    parts = [
        "# The data sets\n",
        "Generated by `make docs` from `tlzoo/data/named.py`.\n",
        "`tlzoo eval --task TASK --data NAME` takes these names, besides a data set of the Hub and your own files "
        "([evaluate-your-data.md](evaluate-your-data.md)). `--data auto` takes the one marked *standard*, and the one "
        "marked *offline* where that cannot be loaded; for a task without a standard one no data set of the Hub is "
        "known that is read. Of a data set of the Hub the commit given whole is read; where there is none, the newest, "
        "and `seen at` names the one at which columns and files were last seen. Published files are fetched once and "
        "known by their sha256; a mirror folder serves them too (`TLZOO_MIRROR`).\n",
    ]
    for task, facts in TASKS.items():
        named = {name: entry for name, entry in DATASETS.items() if entry.task == task}
        standards = [facts.standard_of(kind) for kind in sorted(facts.inputs)]
        roles = {name: "*offline*" for _, name in standards} | {name: "*standard*" for name, _ in standards if name}
        lines = ["| data set | what it is | from | licence |", "|---|---|---|---|"]
        for name, entry in named.items():
            role = f", {roles[name]}" if name in roles else ""
            lines.append(f"| `{name}`{role} | {entry.about} | {origin(entry)} | {entry.license} |")
        parts.append(f"## {task}\n\n" + "\n".join(lines) + "\n")
    return "\n".join(parts)


def origin(entry: Entry) -> str:
    """Where the rows of a data set come from, and how much is fetched where that is known."""
    if entry.hub:
        config = f", configuration `{entry.config}`" if entry.config else ""
        commit = f", `{entry.revision}`" if entry.revision else f", seen at `{entry.seen}`" if entry.seen else ""
        return f"the Hub, [{entry.hub}](https://huggingface.co/datasets/{entry.hub}){config}{commit}"
    if entry.files:
        sources = " or ".join(dict.fromkeys(server(file.places[-1]) for file in entry.files))
        return f"{sum(file.bytes or 0 for file in entry.files) / 1e6:.1f} MB of published files, {sources}"
    return "rendered here" if ".rendered." in str(entry.loader) else "files of a package"


def pages() -> dict[Path, str]:
    """Generated files and their content."""
    parts = ["# The command line\n", "Generated by `make docs` from the commands' own help.\n"]
    for name, text in commands():
        parts.append(f"## {name}\n\n```text\n{text.rstrip()}\n```\n")
    return {
        ROOT / "docs" / "board.md": board_page(),
        ROOT / "docs" / "data.md": data_page(),
        ROOT / "docs" / "cli.md": "\n".join(parts),
        ROOT / "docs" / "models.md": models_page(),
        ROOT / "docs" / "oracles.md": oracles_page(),
        ROOT / "docs" / "predictions.md": predictions_page(),
        ROOT / "zoo_cards" / "schema.json": json_schema(),
    }


def oracles_page() -> str:
    """The published numbers, and what the shipped check of them gave."""
    checks = oracles.recorded(ROOT / "results")
    intro = (
        "A harness can be trusted as far as it gives the numbers that others have published. `tlzoo oracle` measures "
        "each of these again, by the protocol of its source; in parentheses is what counts as reproduced."
    )
    head = "# Published numbers\n\nGenerated by `make docs` from `tlzoo.oracles` and `results/oracles.json`."
    return f"{head}\n\n{intro}\n\n**{oracles.summary(checks)}.**\n\n{oracles.markdown(checks)}"


def main() -> int:
    """Write, or with ``--check`` name what is stale."""
    wanted = pages()
    stale = [path for path, text in wanted.items() if not path.is_file() or path.read_text(encoding="utf-8") != text]
    if "--check" in sys.argv[1:]:
        for path in stale:
            print(f"{path.relative_to(ROOT)}: stale; run: make docs", file=sys.stderr)
        return 1 if stale else 0
    for path in stale:
        path.parent.mkdir(exist_ok=True)
        path.write_text(wanted[path], encoding="utf-8")
        print(f"written: {path.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
