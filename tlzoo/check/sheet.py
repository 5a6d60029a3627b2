"""What was found, as a CSV to act on and as a page to look at: pictures, sounds to listen to, texts."""

from __future__ import annotations

import base64
import csv
import io
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from tlzoo.check import Report
from tlzoo.data.suspects import KINDS, REMEDIES, Suspect
from tlzoo.errors import InputError

if TYPE_CHECKING:
    from tlzoo.data.media.stored import Stored

TABLE, PAGE = "check.csv", "check.html"
COLUMNS = ("kind", "example", "class", "other", "score", "what")
MAX_SHOWN = 60
"""Maximum number of examples of a kind on the page."""
SIDE = 160
"""Longer side of a picture on the page, pixels."""
SECONDS = 10
"""Length of a sound on the page."""
MAX_CHARACTERS = 300
_STYLE = """
:root {color-scheme: light dark; font: 0.95rem/1.4 system-ui, sans-serif}
body {max-width: 72rem; margin: 2rem auto; padding: 0 1rem}
h2 {margin-top: 2.5rem} ul {list-style: none; padding: 0; display: flex; flex-wrap: wrap;
  gap: 1rem}
li {width: 15rem; overflow-wrap: anywhere} li.text {width: 100%} img {display: block; height: 8rem; max-width: 15rem}
audio {width: 15rem} .quiet {opacity: 0.7}
"""


def write(report: Report, folder: Path) -> list[Path]:
    """Write both files.

    Args:
        report: What was found.
        folder: Where to; it exists.

    Returns:
        Their paths.
    """
    table, page = folder / TABLE, folder / PAGE
    with table.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for each in report.suspects:
            score = "" if each.score is None else f"{each.score:.3f}"
            label = report.labels.get(each.example, "")
            writer.writerow((each.kind, each.example, label, each.other, score, each.message))
    page.write_text(_page(report), encoding="utf-8")
    return [table, page]


def _page(report: Report) -> str:
    parts = [f"<p>{escape(report.read)}</p>"]
    for kind in KINDS:
        mine = [each for each in report.suspects if each.kind == kind]
        if not mine:
            continue
        more = f" <span class=quiet>(the first {MAX_SHOWN} are shown)</span>" if len(mine) > MAX_SHOWN else ""
        parts.append(f"<h2>{kind}: {len(mine):,}{more}</h2><p>{escape(REMEDIES[kind])}</p><ul>")
        parts += [_item(each, report) for each in mine[:MAX_SHOWN]]
        parts.append("</ul>")
    title = "<!doctype html><html lang=en><meta charset=utf-8><title>What may be wrong with the data</title>"
    return f"{title}<style>{_STYLE}</style><h1>What may be wrong with the data</h1>{''.join(parts)}</html>\n"


def _item(suspect: Suspect, report: Report) -> str:
    names = [suspect.example] + ([suspect.other] if suspect.other in report.inputs else [])
    shown = "".join(_shown(report.inputs[name], report.kind) for name in names if name in report.inputs)
    style = " class=text" if report.kind not in ("audio", "image") else ""
    return f"<li{style}>{shown}<b>{escape(suspect.example)}</b><br>{escape(suspect.message)}</li>"


def _shown(value: str | Stored, kind: str) -> str:
    """An example as HTML; empty where it cannot be shown."""
    if isinstance(value, str):
        return f"<p>{escape(value[:MAX_CHARACTERS])}{'...' if len(value) > MAX_CHARACTERS else ''}</p>"
    try:
        if kind == "image":
            return f'<img alt="" src="{_address("image/jpeg", _picture(value))}">'
        if kind == "audio":
            return f'<audio controls src="{_address("audio/wav", _sound(value))}"></audio>'
    except InputError:
        return ""
    return ""


def _address(form: str, data: bytes) -> str:
    return f"data:{form};base64,{base64.b64encode(data).decode()}"


def _picture(stored: Stored) -> bytes:
    from tlzoo.data.media.image import decode

    picture = decode(stored, at_least=SIDE)
    picture.thumbnail((SIDE, SIDE))
    picture.save(file := io.BytesIO(), "JPEG")
    return file.getvalue()


def _sound(stored: Stored) -> bytes:
    from tlzoo.data.media.audio import decode, encode_wav

    rate = 16_000
    return encode_wav(decode(stored, rate)[: SECONDS * rate], rate)
