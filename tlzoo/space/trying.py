"""Try it: a visitor's file, or an example of the task's data, and what the best small model makes of it."""

from __future__ import annotations

import base64
import json
import mimetypes
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from tlzoo.errors import InputError, TlzooError
from tlzoo.space.boards import Boards
from tlzoo.space.ready import Ready, announced, example, ready

LONGEST = 5000
"""Characters of a text that are read."""
CANDIDATES = "candidates"
"""A column of several texts, one a line; there may be none."""
TEXTS = {
    "question-answering": ("question", "context"),
    "text-embedding": ("sentence1", "sentence2"),
    "text-generation": ("text", CANDIDATES),
}
"""Columns of tasks that read two texts."""
MOST = {"image": (25_000_000, "pixels"), "audio": (60, "seconds"), "video": (2_000, "frames")}
"""How much of each kind of file is read: a small file may hold hours of silence."""
HEIGHT = 320
"""Of an input, in pixels: the answer below it is seen too."""
MOST_SHOWN = 4000
"""Characters of a prediction's numbers."""


def page(boards: Boards, task: gr.Dropdown) -> None:
    """Make the page.

    Args:
        boards: What there is.
        task: The choice of a task that all pages share.
    """
    kind = boards.domain
    first = boards.tasks[0]
    who = gr.Markdown(_announced(boards, first))
    texts: list[gr.Textbox] = []
    if kind == "text":
        for label, (shown, said) in zip(("Text", "Second text"), _labels(first), strict=True):
            texts.append(gr.Textbox(label=said or label, lines=3, max_length=LONGEST, visible=shown))
        given: list[Any] = list(texts)
    else:
        makers: dict[str, Callable[[], Any]] = {
            "image": lambda: gr.Image(type="filepath", label="Picture", height=HEIGHT),
            "audio": lambda: gr.Audio(type="filepath", label="Sound"),
            "video": lambda: gr.Video(label="Video", height=HEIGHT),
        }
        given = [makers[kind]()]
    with gr.Row():
        take = gr.Button("Take an example")
        go = gr.Button("Try it", variant="primary")
    answer = gr.HTML("<div class=tlzoo aria-live=polite></div>")

    def taken(name: str) -> Any:
        try:
            found = example(boards, name, TEXTS.get(name, (kind,)))
        except TlzooError as error:
            raise gr.Error(str(error)) from None
        return [*found, *[None] * (len(given) - len(found))] if len(given) > 1 else found[0]

    take.click(taken, [task], given, concurrency_limit=1)
    go.click(
        lambda name, *values: answered(boards, name, values),
        [task, *given],
        [answer],
        concurrency_limit=10,
        api_name="try",
    )
    for change in (task.change, answer.change):
        change(lambda name: _announced(boards, name), [task], [who], show_progress="hidden")
    if texts:
        task.change(
            lambda name: [gr.Textbox(label=said, visible=shown, value="") for shown, said in _labels(name)],
            [task],
            texts,
            show_progress="hidden",
        )


def _announced(boards: Boards, task: str) -> str:
    try:
        return announced(boards, task)
    except InputError as error:
        return str(error)


def _labels(task: str) -> list[tuple[bool, str]]:
    """Whether each of two texts is wanted, and how it is called."""
    told = {CANDIDATES: "Candidates: replies to choose from, one a line"}
    names = [told.get(name, name.capitalize()) for name in TEXTS.get(task, ("text",))]
    return [(i < len(names), names[i] if i < len(names) else "") for i in range(2)]


def answered(boards: Boards, task: str, values: Sequence[str | None]) -> str:
    """What the model makes of an input, drawn where it can be, with its time; or why it cannot, as HTML."""
    columns = TEXTS.get(task, (boards.domain,))
    given = {column: value for column, value in zip(columns, values, strict=False) if value}
    if set(columns) - set(given) - {CANDIDATES}:
        return _told("Nothing to try yet: give an input, or take an example.")
    with tempfile.TemporaryDirectory(prefix="tlzoo-try-") as name:
        folder = Path(name)
        try:
            model = ready(boards, task)
            start = time.perf_counter()
            answer = model.predict(_input(boards.domain, given, folder), folder)
            seconds = time.perf_counter() - start
        except TlzooError as error:
            return _told(str(error))
        if "error" in answer:
            return _told(f"This cannot be read: {answer['error'].replace(name, '')}")
        return _shown(answer, model, seconds)


def _input(domain: str, given: Mapping[str, str], folder: Path) -> Path | str:
    """What ``tlzoo.run.predict`` reads: a file, one text, or a table of a row of texts.

    Raises:
        InputError: The file holds too much.
    """
    if domain != "text":
        most, unit = MOST[domain]
        if (amount := _amount(domain, given[domain])) > most:
            raise InputError(f"this {domain} has {amount:,.0f} {unit}; at most {most:,} are read here")
        return Path(given[domain])
    row = {column: text[:LONGEST] for column, text in given.items()}
    if len(row) == 1:
        return row["text"]
    path = folder / "input.jsonl"
    path.write_text(json.dumps(row | ({CANDIDATES: row[CANDIDATES].splitlines()} if CANDIDATES in row else {})))
    return path


def _amount(domain: str, path: str) -> float:
    """Pixels of a picture, seconds of a sound, or frames of a video; 0 of what cannot be read, which is said later."""
    import av
    import soundfile
    from PIL import Image

    from tlzoo.data.video import length

    try:
        if domain == "audio":
            return float(soundfile.info(path).duration)
        if domain == "video":
            return length({"path": path})
        with Image.open(path) as picture:
            return picture.width * picture.height
    except Image.DecompressionBombError:
        return float("inf")
    except (OSError, ValueError, soundfile.LibsndfileError, av.FFmpegError):
        return 0


def _shown(answer: Mapping[str, Any], model: Ready, seconds: float) -> str:
    """A prediction: its picture or film, its numbers, and who gave it in what time."""
    drawn = answer.get("drawn")
    picture = ""
    if drawn is not None:
        path = Path(drawn)
        mime = mimetypes.guess_type(path.name)[0] or ""
        data = base64.b64encode(path.read_bytes()).decode()
        if mime.startswith("image/"):
            picture = f'<p><img src="data:{mime};base64,{data}" alt="the prediction, drawn"></p>'
        elif mime.startswith("video/"):
            picture = f'<p><video src="data:{mime};base64,{data}" controls autoplay loop muted></video></p>'
    facts = {key: value for key, value in answer.items() if key not in ("input", "drawn")}
    head = ""
    if "label" in facts:
        score = f" ({facts['score']:.0%})" if "score" in facts else ""
        head = f"<h3>{escape(str(facts['label']))}{score}</h3>"
    elif "text" in facts:
        head = f"<h3>{escape(str(facts['text']))}</h3>"
    text = json.dumps(facts, ensure_ascii=False, indent=1)
    text = text if len(text) < MOST_SHOWN else text[:MOST_SHOWN] + " ..."
    return (
        f"<div class=tlzoo aria-live=polite>{head}{picture}"
        f"<p class=quiet>{escape(model.name)}, {seconds * 1000:.0f} ms</p>"
        f"<details><summary>All that it gives</summary><pre>{escape(text)}</pre></details></div>"
    )


def _told(message: str) -> str:
    return f"<div class=tlzoo role=alert>{escape(message)}</div>"
