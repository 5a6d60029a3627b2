"""Try it: the prediction of the best small model for a visitor's file, or for an example of the task's data."""

from __future__ import annotations

import asyncio
import json
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from tlzoo.data.media.limits import Limits, within
from tlzoo.errors import InputError, TlzooError
from tlzoo.space.answers import shown
from tlzoo.space.boards import Boards
from tlzoo.space.ready import Ready, announced, example, from_lines, making
from tlzoo.vocabulary import task_facts

MAX_CHARACTERS = 5000
"""Maximum length of a text; the rest is not read."""
CANDIDATES = "candidates"
"""A column of several texts, one a line; there may be none."""
VISITORS = Limits(
    image_pixels=25_000_000,
    seconds=60,
    samples=60 * 96_000 * 2,  # stereo
    frame_pixels=4096 * 2304,  # 4K
    frames=2_000,
    video_pixels=1_000_000_000,  # 16 s of full HD
    taken_pixels=40_000_000,
    ratio=200,
)
"""Limits of a visitor's file, while others wait."""
MAX_PIXELS = 2_000_000
"""Maximum size of a picture that a model is given: memory and time may grow with a hundred times the picture."""
MAX_WAITING = 100
"""Maximum number of visitors who wait for a model or an answer at a time; others stand in the queue."""
HEIGHT = 320
"""Height of an input, pixels: the answer below it stays in view."""


_ONE_AT_A_TIME = threading.Lock()
_NOTHING = "<div class=tlzoo aria-live=polite></div>"


def page(boards: Boards, task: gr.Dropdown) -> None:
    """Make the page.

    Args:
        boards: The boards.
        task: The choice of a task that all pages share.
    """
    kind = boards.domain
    first = boards.tasks[0]
    who = gr.Markdown(_announced(boards, first))
    texts: list[gr.Textbox] = []
    if kind == "text":
        for label, (is_shown, name) in zip(("Text", "Second text"), _labels(first), strict=True):
            texts.append(gr.Textbox(label=name or label, lines=3, max_length=MAX_CHARACTERS, visible=is_shown))
        given: list[Any] = list(texts)
    else:
        makers: dict[str, Callable[[], Any]] = {
            "image": _picture,
            "audio": lambda: gr.Audio(type="filepath", label="Sound"),
            "video": lambda: gr.Video(label="Video", height=HEIGHT),
        }
        given = [makers[kind]()]
    with gr.Row():
        take = gr.Button("Take an example")
        go = gr.Button("Try it", variant="primary")
    answer = gr.HTML(_NOTHING)

    def taken(name: str) -> list[Any]:
        try:
            values = example(boards, name, task_facts(name).input_columns)
        except TlzooError as error:
            raise gr.Error(str(error), print_exception=False) from None
        return [*values, *[None] * (len(given) - len(values)), _NOTHING]

    take.click(taken, [task], [*given, answer], concurrency_limit=1)

    async def asked(progress: Any = gr.Progress(), *values: Any) -> str:  # noqa: B008 - so Gradio takes it
        return await tried(boards, values[0], values[1:], progress)

    go.click(asked, [task, *given], [answer], concurrency_limit=MAX_WAITING, api_name="try")
    for change in (task.change, answer.change):
        change(lambda name: _announced(boards, name), [task], [who], show_progress="hidden")
    if texts:
        task.change(
            lambda name: [gr.Textbox(label=label, visible=is_shown, value="") for is_shown, label in _labels(name)],
            [task],
            texts,
            show_progress="hidden",
        )


def _picture() -> gr.Image:
    """A picture whose file is not looked at before :func:`tried` does: Gradio would decode it, however large it is."""
    picture = gr.Image(type="filepath", label="Picture", height=HEIGHT)
    setattr(picture, "preprocess", lambda payload: payload and payload.path)  # noqa: B010 - a method of the class
    return picture


def _announced(boards: Boards, task: str) -> str:
    try:
        return announced(boards, task)
    except InputError as error:
        return str(error)


def _labels(task: str) -> list[tuple[bool, str]]:
    """Whether each of two text boxes is shown, and its label."""
    labels = {CANDIDATES: r"Candidates: replies to choose from, one a line; a line break inside of one is \n"}
    names = [labels.get(name, name.capitalize()) for name in task_facts(task).input_columns]
    return [(i < len(names), names[i] if i < len(names) else "") for i in range(2)]


async def tried(boards: Boards, task: str, values: Sequence[str | None], progress: Callable[..., Any]) -> str:
    """As :func:`answered`, without blocking other visitors while a model is made ready.

    Args:
        boards: The boards.
        task: The task.
        values: The input.
        progress: Shows the current step, as ``gradio.Progress``.
    """
    try:
        given = await asyncio.to_thread(_read, boards, task, values)
        made = await asyncio.to_thread(making, boards, task)
        began = time.monotonic()
        while not made.model.done():
            progress((round(time.monotonic() - began), None), desc=f"The model {made.step}", unit="s")
            await asyncio.sleep(0.2)
        return await asyncio.to_thread(_answer, boards.domain, made.model.result(), given)
    except TlzooError as error:
        return _alert(str(error))


def answered(boards: Boards, task: str, values: Sequence[str | None]) -> str:
    """The prediction for an input, drawn where possible, with its time, or the reason why there is none, as HTML."""
    try:
        given = _read(boards, task, values)
        return _answer(boards.domain, making(boards, task).model.result(), given)
    except TlzooError as error:
        return _alert(str(error))


def _read(boards: Boards, task: str, values: Sequence[str | None]) -> dict[str, str]:
    """The columns of an input, after quick checks.

    Raises:
        InputError: One is missing, or the file is too large or cannot be read.
    """
    columns = task_facts(task).input_columns
    given = {column: value for column, value in zip(columns, values, strict=False) if value}
    if set(columns) - set(given) - {CANDIDATES}:
        raise InputError("Nothing to try yet: give an input, or take an example.")
    if boards.domain != "text":
        from tlzoo.data.media.inputs import check_size

        try:
            with within(VISITORS):
                check_size({boards.domain: {"bytes": None, "path": given[boards.domain]}}, boards.domain)
        except InputError as error:
            raise InputError(_unreadable(error, given)) from None
    return given


def _answer(domain: str, model: Ready, given: Mapping[str, str]) -> str:
    """Predict an input; one at a time, so that the memory for one is enough."""
    with tempfile.TemporaryDirectory(prefix="tlzoo-try-") as name, _ONE_AT_A_TIME, within(VISITORS):
        try:
            source = _input(domain, given, Path(name))
            began = time.perf_counter()
            predicted = model.predict(source, Path(name))
            seconds = time.perf_counter() - began
            if predicted.error is not None:
                raise InputError(predicted.error)
        except InputError as error:
            raise InputError(_unreadable(error, {**given, "folder": f"{name}/"})) from None
        return shown(predicted, model.name, seconds)


def _unreadable(error: object, places: Mapping[str, str]) -> str:
    """Why an input cannot be read, without the folders of this machine."""
    message = str(error)
    for place in places.values():
        message = message.replace(place, Path(place).name if not place.endswith("/") else "")
    return f"This cannot be read: {message}"


def _input(domain: str, given: Mapping[str, str], folder: Path) -> Path | str:
    """The input for ``tlzoo.run.predict``: a file, one text, or a table with one row of texts.

    Raises:
        InputError: A picture cannot be read.
    """
    if domain == "image":
        return _smaller(Path(given["image"]), folder)
    if domain != "text":
        return Path(given[domain])
    row = {column: text[:MAX_CHARACTERS] for column, text in given.items()}
    if len(row) == 1:
        return row["text"]
    path = folder / "input.jsonl"
    path.write_text(json.dumps(row | ({CANDIDATES: from_lines(row[CANDIDATES])} if CANDIDATES in row else {})))
    return path


def _smaller(path: Path, folder: Path) -> Path:
    """A copy with at most ``MAX_PIXELS`` pixels; the same file if it has no more."""
    from tlzoo.data.media.image import decode, placement
    from tlzoo.data.media.stored import Stored

    source: Stored = {"bytes": None, "path": str(path)}
    width, height = placement(source).seen
    if (scale := (MAX_PIXELS / (width * height)) ** 0.5) >= 1:
        return path
    picture = decode(source)
    picture.thumbnail((round(width * scale), round(height * scale)))
    smaller = folder / f"{path.stem}.png"
    picture.save(smaller)
    return smaller


def _alert(message: str) -> str:
    return f"<div class=tlzoo role=alert>{escape(message)}</div>"
