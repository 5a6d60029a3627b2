"""Cards as table, text, Markdown and JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from tlzoo import terminal
from tlzoo.cards.reader import CardFile
from tlzoo.cards.schema import Card, FrontMatter, Input, Variant, Weights
from tlzoo.terminal import Column


def listing(files: Sequence[CardFile]) -> list[dict[str, object]]:
    """The objects of ``tlzoo list --json``, one a card."""
    return [
        {
            "id": file.card.id,
            "name": file.card.name,
            "domain": file.card.domain,
            "task": file.card.task,
            "license": file.card.provenance.license.weights,
            "params": file.card.default.params,
            "size_bytes": file.card.default.size_bytes,
            "formats": list(file.card.formats),
            "variants": [v.id for v in file.card.variants],
            "path": str(file.path),
        }
        for file in files
    ]


def _columns(card: Card) -> list[str]:
    size = card.default.size_bytes
    return [
        card.id,
        card.task,
        _millions(card.default.params),
        f"{size / 1e6:.1f}" if size else "",
        " ".join(card.formats),
        card.provenance.license.weights,
        ", ".join(v.id for v in card.variants),
    ]


_COLUMNS = (
    Column("model", 0, is_text=True, least=14),
    Column("task", 1, is_text=True, least=14),
    Column("params M", 2),
    Column("size MB", 3),
    Column("formats", 6, is_text=True, is_essential=False),
    Column("licence", 4, is_text=True, least=10),
    Column("variants", 5, is_text=True, is_essential=False),
)
_HEAD = [column.head for column in _COLUMNS]


_ITEM = re.compile(r"\s*(?:[-*+]|\d+\.) ")


def _millions(params: int | None) -> str:
    return f"{params / 1e6:.2f}" if params else ""


def table(files: Sequence[CardFile], width: int | None = None) -> str:
    """A table for a terminal, grouped by domain; columns without room are named below it.

    Args:
        files: The cards.
        width: Columns of the terminal; ``None`` shows all columns of the table.
    """
    laid = terminal.table(_COLUMNS, [_columns(file.card) for file in files], width)
    lines = list(laid.head)
    for domain in dict.fromkeys(file.card.domain for file in files):
        lines += ["", domain.upper()]
        lines += [
            line for file, row in zip(files, laid.rows, strict=True) if file.card.domain == domain for line in row
        ]
    if laid.hidden:
        lines += ["", terminal.hidden([column.head for column in laid.hidden], width)]
    return "\n".join(lines)


def _input(facts: Input) -> str:
    shape = {
        "height": "height {} px",
        "width": "width {} px",
        "frames": "{} frames",
        "sample_rate": "{} Hz",
        "window_seconds": "window {} s",
        "max_tokens": "at most {} tokens",
    }
    values = [form.format(value) for name, form in shape.items() if (value := getattr(facts, name)) is not None]
    return f"{facts.kind}{' (' + ', '.join(values) + ')' if values else ''}: {facts.description}"


def _weights(weights: Weights) -> str:
    if weights.recipe is not None:
        learnt = (f"{s.data} ({s.task}{f', with {s.teacher}' if s.teacher else ''})" for s in weights.recipe.sources)
        return f"stand-in, pretrained by tlzoo on {', '.join(learnt)}"
    places = sorted({place.partition(":")[0] for file in weights.files for place in file.places})
    pinned = all(file.sha256 for file in weights.files)
    state = "pinned by sha256" if pinned else "not pinned by hash"
    return f"official, {weights.format}, {len(weights.files)} file(s) from {', '.join(places)}, {state}"


def _variant(variant: Variant) -> list[str]:
    params = f"{variant.params:,} parameters" if variant.params else "parameters not counted"
    weights = [f"    weights: {_weights(w)}" for w in variant.weights] or ["    weights: none that can be fetched"]
    gone = variant.retired
    end = [f"    shut down on {gone.date} ({gone.source}); its provider names {gone.successor}"] if gone else []
    head = [f"    published head, for zero-shot: {', '.join(variant.heads)}"] if variant.heads else []
    return [f"  {variant.id} ({variant.kind}): {variant.description} {params}.", *end, *weights, *head]


def facts(card: Card) -> list[str]:
    """The facts, one a line."""
    made = card.provenance
    lines = [
        f"{card.name} ({card.id}): {card.summary}",
        f"domain: {card.domain}   task: {card.task}   outputs for heads: {', '.join(card.outputs)}",
        f"made by: {', '.join(made.authors)} ({made.organization}, {made.year}), {made.framework}",
        f"trained on: {', '.join(made.training_data)}",
        f"licence: code {made.license.code}, weights {made.license.weights}"
        + (f" ({made.license.note})" if made.license.note else ""),
        *(f"paper: {p.title}, {p.url}" for p in made.papers),
        f"input: {_input(card.input)}",
        f"output: {card.output.description}",
        "variants:",
        *(line for variant in card.variants for line in _variant(variant)),
        f"strategies: {', '.join(card.transfer.strategies)}",
        f"freeze: {card.transfer.freeze}",
        f"advice: {card.transfer.advice}",
    ]
    if card.published:
        lines.append("published results:")
        for p in card.published:
            lines.append(
                f"  {p.dataset} {p.metric} {p.value:g}{p.unit or ''} ({p.source})" + (f"; {p.note}" if p.note else "")
            )
    if card.listed_as:
        lines.append(f"the list says: {card.listed_as}")
    if card.correction:
        lines.append(f"correction: {card.correction}")
    return lines


def text(file: CardFile, width: int | None = None) -> str:
    """Facts, then prose, wrapped to the width of a terminal."""
    prose = file.prose.strip()
    return terminal.wrap("\n".join([*facts(file.card), "", prose if width is None else _reflowed(prose)]), width)


def _reflowed(prose: str) -> str:
    """Markdown with each paragraph and each item of a list on one line; headings, tables and code do not change."""
    lines: list[str] = []
    is_code = is_open = False
    for line in prose.split("\n"):
        fence = line.lstrip().startswith("```")
        is_code ^= fence
        alone = fence or is_code or not line.strip() or line.startswith(("#", "|", ">"))
        if is_open and not alone and not _ITEM.match(line):
            lines[-1] += f" {line.strip()}"
        else:
            lines.append(line)
        is_open = not alone
    return "\n".join(lines)


def markdown(file: CardFile) -> str:
    """The card as a page of Markdown: its prose, then the facts as a list."""
    listed = "\n".join(f"- {line.strip()}" for line in facts(file.card)[1:])
    return f"{file.prose.strip()}\n\n## Facts\n{listed}\n"


def markdown_table(files: Sequence[CardFile]) -> str:
    """All cards as one Markdown table."""
    lines = ["| " + " | ".join(["domain", *_HEAD]) + " |", "|" + "---|" * (len(_HEAD) + 1)]
    lines += ["| " + " | ".join([file.card.domain, *_columns(file.card)]) + " |" for file in files]
    return "\n".join(lines) + "\n"


def json_schema() -> str:
    """JSON Schema of the front matter."""
    return json.dumps(FrontMatter.model_json_schema(), indent=1, ensure_ascii=False) + "\n"
