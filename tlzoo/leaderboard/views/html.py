"""A board as HTML: a fragment of a page, or one self-contained page.

Columns are sorted in the browser by a few lines of script; without it everything is still readable.
"""

from __future__ import annotations

from collections.abc import Collection
from html import escape
from itertools import groupby
from math import isfinite

import pyarrow as pa

from tlzoo.leaderboard.curves import curves_of, lacking
from tlzoo.leaderboard.identity import Titles
from tlzoo.leaderboard.metrics import METRICS
from tlzoo.leaderboard.row import ScoredRow, rows_of, scored
from tlzoo.leaderboard.views import learning
from tlzoo.leaderboard.views.table import Column, Section, absences, legend, sections

STYLE = """
.tlzoo {--line: light-dark(#d8dee4, #3a424b); --quiet: light-dark(#57606a, #9aa4af);
  --band: light-dark(#f6f8fa, #1c2128); --mark: light-dark(#0072b2, #56b4e9);
  --good: light-dark(#00694c, #3fcf9f); --bad: light-dark(#a33b00, #ff9a5c);
  color: light-dark(#1f2328, #e6edf3); font-family: system-ui, sans-serif; font-size: 0.9rem; line-height: 1.4}
.tlzoo .wide {overflow-x: auto; border: 1px solid var(--line); border-radius: 8px; margin-bottom: 1.5rem}
.tlzoo .wide:focus-visible, .tlzoo button:focus-visible {outline: 2px solid var(--mark); outline-offset: 1px}
.tlzoo table {border-collapse: collapse; width: 100%; margin: 0}
.tlzoo table, .tlzoo thead, .tlzoo tbody, .tlzoo tr {border: 0}
.tlzoo caption {text-align: left; font-weight: 600; padding: 0.6rem 0.7rem; caption-side: top}
.tlzoo th, .tlzoo td {padding: 0.35rem 0.7rem; border: 0; border-top: 1px solid var(--line); white-space: nowrap;
  text-align: right; font-variant-numeric: tabular-nums}
.tlzoo th.text, .tlzoo td.text {text-align: left}
.tlzoo th button {all: unset; cursor: pointer; font-weight: 600; color: var(--quiet)}
.tlzoo th[aria-sort] button {color: inherit}
.tlzoo th[aria-sort=ascending] button::after {content: " \\25B4"}
.tlzoo th[aria-sort=descending] button::after {content: " \\25BE"}
.tlzoo tr.band {background: var(--band)}
.tlzoo p.note {margin: 0 0 0.4rem; color: var(--bad)}
.tlzoo td.positive {color: var(--good)} .tlzoo td.negative {color: var(--bad)}
.tlzoo .bar {display: block; position: relative; height: 3px; background: var(--line); border-radius: 2px;
  margin-top: 3px}
.tlzoo .bar i {position: absolute; top: 0; height: 3px; background: var(--mark); border-radius: 2px; min-width: 2px}
.tlzoo .quiet, .tlzoo ul.absent {color: var(--quiet)}
.tlzoo ul.absent {padding-left: 1.2rem; overflow-wrap: anywhere}
"""
SCRIPT = """
document.addEventListener("click", event => {
  const head = event.target.closest(".tlzoo th button")?.parentElement;
  if (!head) return;
  const body = head.closest("table").tBodies[0], place = head.cellIndex;
  const down = head.getAttribute("aria-sort") === "ascending";
  for (const other of head.parentElement.cells) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", down ? "descending" : "ascending");
  const value = row => row.cells[place].dataset.value;
  const compare = (a, b) => {
    const [x, y] = [value(a), value(b)];
    if (x === "" || y === "") return (x === "") - (y === "");
    const order = isNaN(x) || isNaN(y) ? x.localeCompare(y) : x - y;
    return down ? -order : order;
  };
  body.append(...[...body.rows].sort(compare));
});
"""


def fragment(board: pa.Table, hidden: Collection[str] = ()) -> str:
    """Tables of a board, then its rows without a result; styled by :data:`STYLE`.

    Args:
        board: Ranked rows.
        hidden: Columns of ``schema.BOARD`` that are not shown.
    """
    parts = [_table(section, hidden) for section in sections(board)]
    if parts:
        parts.append(f"<p class=quiet>{escape(legend(board))}</p>")
    if listed := missing(board):
        parts.append(f"<p>Without a result:</p>{listed}")
    return f"<div class=tlzoo>{''.join(parts)}</div>"


def missing(board: pa.Table) -> str:
    """A list of the rows without a result, and why; empty where all have one."""
    lines = "".join(f"<li>{escape(line)}</li>" for line in absences(board))
    return f"<ul class=absent>{lines}</ul>" if lines else ""


def learning_curves(board: pa.Table) -> str:
    """Pictures of the learning curves of a board, and how to get those that it lacks; with :data:`learning.STYLE`."""
    rows = rows_of(board)
    titles, views = Titles(rows), curves_of(scored(rows))
    parts = [
        learning.figure(curves, f"{curves.first.task} on {titles.panel(curves.first)}")
        for curves in views
        if curves.has_several_shares
    ]
    if few := lacking(views, titles):
        parts.append(f"<p class=quiet>{escape(few)}</p>")
    return f"<div class=tlzoo>{''.join(parts)}</div>" if parts else ""


def page(board: pa.Table, title: str = "tlzoo leaderboard") -> str:
    """One HTML page that needs nothing else, in light and dark."""
    return (
        '<!doctype html><html lang=en><head><meta charset=utf-8><meta name=viewport content="width=device-width">'
        f"<title>{escape(title)}</title><style>:root {{color-scheme: light dark}} body {{margin: 1.5rem auto; "
        f"padding: 0 1rem; max-width: 100rem}} {STYLE}{learning.STYLE}</style></head><body>"
        f"<h1 class=tlzoo>{escape(title)}</h1>"
        f"{fragment(board)}{learning_curves(board)}<script>{SCRIPT}</script></body></html>"
    )


def _table(section: Section, hidden: Collection[str]) -> str:
    shown = [column for column in section.columns if column.by not in hidden]
    heads = "".join(
        f"<th scope=col{_class(column)}><button type=button>{escape(section.head(column))}</button></th>"
        for column in shown
    )
    rows, low, high = [], *_range(section)
    for number, (_, neighbours) in enumerate(groupby(section.rows, key=lambda row: row.rank)):
        for row in neighbours:
            cells = "".join(_cell(column, row, low, high) for column in shown)
            rows.append(f"<tr{' class=band' if number % 2 else ''}>{cells}</tr>")
    notes = "".join(f"<p class=note>{escape(note)}</p>" for note in section.notes)
    return (
        f'{notes}<div class=wide tabindex=0 role=region aria-label="{escape(section.title)}"><table><caption>'
        f"{escape(section.title)}</caption><thead><tr>{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def _cell(column: Column, row: ScoredRow, low: float, high: float) -> str:
    value, text = getattr(row, column.by), escape(column.cell(row))
    if column.by == "value" and high > low and row.ci_low is not None and row.ci_high is not None:
        start, end = ((end - low) / (high - low) * 100 for end in (row.ci_low, row.ci_high))
        text += f'<span class=bar><i style="left:{start:.1f}%;width:{end - start:.1f}%"></i></span>'
    sorted_by = "" if value is None else escape(str(value), quote=True)
    return f'<td{_class(column, row)} data-value="{sorted_by}">{text}</td>'


def _class(column: Column, row: ScoredRow | None = None) -> str:
    names = ["text"] * column.is_text
    if row is not None and column.by == "verdict" and row.verdict in ("positive", "negative"):
        names.append(row.verdict)
    return f' class="{" ".join(names)}"' if names else ""


def _range(section: Section) -> tuple[float, float]:
    """Ends of the bars of intervals: the metric's own range where it is finite, else that of the rows."""
    metric = METRICS[section.metric]
    ends = [end for row in section.rows for end in (row.value, row.ci_low, row.ci_high) if end is not None]
    low, high = min(ends), max(ends)
    return (metric.low if isfinite(metric.low) else low), (metric.high if isfinite(metric.high) else high)
