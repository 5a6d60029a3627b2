"""A draft of a new card, with every required field and section in place."""

from __future__ import annotations

import re
from pathlib import Path

from tlzoo.cards.schema import SECTIONS
from tlzoo.cards.vocabulary import task_facts
from tlzoo.errors import InputError

_DRAFT = """---
license: unknown
library_name: timm
pipeline_tag: {tag}
tags: [{task}, transfer-learning]
tlzoo:
  id: {id}
  name: {name}
  domain: {domain}
  task: {task}
  summary: One sentence on what it is and when it helps.
  listed_as: What the list that names it says.
  provenance:
    authors: [Given Family]
    organization: Who published it
    year: {year}
    framework: pytorch
    training_data: [Name of the data set]
    license: {{code: unknown, weights: unknown}}
  input:
    kind: {kind}
    description: What preprocessing does to a person's file.
  output:
    description: What the published model returns.
  outputs: [{outputs}]
  variants:
    - id: official
      kind: official
      description: The published configuration.
      adapter: timm
      model: name_in_the_library
    - id: nano
      kind: nano
      description: The same architecture, made small.
      adapter: timm
      model: name_in_the_library
  transfer:
    strategies: [scratch, probe, partial, full]
    freeze: What to freeze first.
    advice: What a person with 300 labelled examples should do.
---
# {name}
{sections}"""


def write(card_id: str, task: str, root: Path) -> Path:
    """Write a draft that validates, and return where it is.

    Args:
        card_id: Id of the card.
        task: Its task.
        root: Folder of cards.

    Raises:
        InputError: The id is no slug, the task is unknown, or the card exists.
    """
    facts = task_facts(task)
    if not re.fullmatch(r"[a-z0-9]+(?:[-.][a-z0-9]+)*", card_id):
        raise InputError(f"card id {card_id!r}: use lower-case letters, digits and single hyphens, such as 'my-model'")
    path = root / facts.domain / task / f"{card_id}.md"
    if path.exists():
        raise InputError(f"{path}: exists already; choose another id, or edit that card")
    sections = "".join(f"\n## {name}\n\nTo be written.\n" for name in SECTIONS)
    from datetime import UTC, datetime

    text = _DRAFT.format(
        id=card_id,
        name=card_id.replace("-", " ").title(),
        task=task,
        domain=facts.domain,
        tag=facts.pipeline_tag,
        kind=sorted(facts.inputs, key=lambda k: k != facts.domain)[0],
        outputs=", ".join(sorted(facts.needs[0])),
        year=datetime.now(UTC).year,
        sections=sections,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path
