"""``tlzoo leaderboard`` and ``tlzoo select``."""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from tlzoo import terminal
from tlzoo.cli.network import Offline
from tlzoo.cli.own_data import Group, Label, NoSplits, Text, columns, words
from tlzoo.errors import InputError, UnavailableError
from tlzoo.leaderboard import Format
from tlzoo.vocabulary import TASKS, Strategy, Tier

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

    from tlzoo.run.plan import Run

Wide = Annotated[bool, typer.Option("--wide", help="Show all columns, even where the terminal is too narrow.")]


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command("leaderboard")(leaderboard)
    app.command("select")(select)


def leaderboard(
    task: Annotated[str | None, typer.Option(help="One task; by default all that have results.")] = None,
    sort: Annotated[str | None, typer.Option(help="Column to sort by, such as gain, latency_ms_p50 or params.")] = None,
    weights: Annotated[Tier | None, typer.Option(help="Only rows with weights of this tier.")] = None,
    strategy: Annotated[Strategy | None, typer.Option(help="Only rows of this strategy.")] = None,
    form: Annotated[Format, typer.Option("--format", help="How the board is printed.")] = "table",
    plot: Annotated[
        Path | None, typer.Option(help="Also plot score against latency, and learning curves, into this picture.")
    ] = None,
    wide: Wide = False,
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path(".tlzoo"),
) -> None:
    """Rank existing results; runs nothing."""
    import pyarrow.compute as pc

    from tlzoo.api import Leaderboard
    from tlzoo.leaderboard.views import render
    from tlzoo.vocabulary import task_facts

    if task is not None:
        task_facts(task)
    board = whole = Leaderboard(out).table(task)
    for column, value in (("weights", weights), ("strategy", strategy)):
        if value is not None:
            board = board.filter(pc.equal(board[column], value))
    if sort is not None:
        board = render.sort(board, sort)
    if plot is not None:
        from tlzoo.leaderboard.curves import curves_of, lacking
        from tlzoo.leaderboard.identity import Titles
        from tlzoo.leaderboard.row import rows_of, scored
        from tlzoo.leaderboard.views.plot import plot as draw

        draw(board, plot)
        terminal.say(f"drawn: {plot}")
        rows = rows_of(board)
        if few := lacking(curves_of(scored(rows)), Titles(rows)):
            terminal.say(few)
    if not board.num_rows and form == "table":
        where = f" for {task}" if task else ""
        raise InputError(
            f"no results{where} in {out} yet; make some with: tlzoo eval --task {task or next(iter(TASKS))}"
        )
    shown = render.render(board, form, None if wide else terminal.width())
    _say_whose(out)
    terminal.put(shown)
    if task is not None and form == "table":
        put_summary(whole)
        has_own = "local" in whole["origin"].to_pylist()
        elsewhere = f" --out {quote(str(out))}" if has_own and out != Path(".tlzoo") else ""
        terminal.say(f"Next: tlzoo select --task {task}{elsewhere}")


def put_summary(board: pa.Table) -> None:
    """Print what transfer gave, a sentence for each data set of a board."""
    from tlzoo.leaderboard.summary import sentences

    for text in sentences(board):
        terminal.put("\n" + terminal.wrap(text, terminal.width()))


def _say_whose(out: Path) -> None:
    """Print a notice where the folder has no results: another one may have been meant."""
    from tlzoo.leaderboard.store import Store

    if not Store(out / "results").count():
        terminal.say(f"--out {out}: no results there; showing those that ship with tlzoo")


def select(
    task: Annotated[str, typer.Option(help="The task.")],
    data: Annotated[
        str | None, typer.Option(help="A data set or your own data; by default all that were evaluated.")
    ] = None,
    max_size_mb: Annotated[float | None, typer.Option(help="Maximum size of the parameters in MB.", min=0)] = None,
    max_latency_ms: Annotated[
        float | None, typer.Option(help="Maximum median latency of one example in ms.", min=0)
    ] = None,
    min_score: Annotated[float | None, typer.Option(help="Minimum score (maximum, for error metrics).")] = None,
    license_: Annotated[
        list[str] | None, typer.Option("--license", help="An accepted licence, such as mit; may be repeated.")
    ] = None,
    budget: Annotated[
        float, typer.Option(help="Maximum minutes to look at data of yours that were not evaluated yet.", min=0)
    ] = 1.0,
    no_training: Annotated[
        bool,
        typer.Option(
            "--no-training", help="Do not fine-tune the models that may be the best with what is left of the budget."
        ),
    ] = False,
    group: Group = None,
    text: Text = None,
    label: Label = None,
    no_splits: NoSplits = False,
    plot: Annotated[
        Path | None, typer.Option(help="Also draw what is expected of each model on data that were not evaluated yet.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the rows, licences and reasons as JSON.")] = False,
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path(".tlzoo"),
    offline: Offline = False,
) -> None:
    """Recommend a model from existing results: the best within limits, and why.

    Of data of yours that were not evaluated yet, it says what a classifier on the frozen vectors of each model reaches,
    what fine-tuning gives of those that may be the best, as far as the budget lasts, what more labels would give, and
    how well it has predicted so far.
    """
    import json
    from dataclasses import asdict

    from tlzoo.api import Leaderboard
    from tlzoo.cards import catalogue
    from tlzoo.leaderboard.selection import Limits, described
    from tlzoo.leaderboard.selection import select as choose
    from tlzoo.vocabulary import task_facts

    task_facts(task)
    board = Leaderboard(out).table(task)
    command = f"tlzoo eval --task {task}" + (f" --data {data}" if data else "")
    if out != Path(".tlzoo"):
        command += f" --out {out}"
    if data is not None:
        board = _rows_on(data, task, board, command)
        if not board.num_rows and Path(data).expanduser().exists():
            accepted = frozenset(each.lower() for each in license_ or ())
            given = columns(group, text, label, no_splits)
            if max_latency_ms is not None or min_score is not None:
                terminal.say("--max-latency-ms and --min-score are not used, as nothing was evaluated on these data")
            place = Path(data).expanduser()
            _forecast(task, place, given, budget, not no_training, max_size_mb, accepted, as_json, plot)
            return
    if plot is not None:
        raise InputError("--plot: is for --data PATH that was not evaluated yet; of results: tlzoo leaderboard --plot")
    limits = Limits(max_size_mb, max_latency_ms, min_score, frozenset(each.lower() for each in license_ or ()))
    selections = choose(board, limits, catalogue.license_of)
    if not selections:
        on = f" --data {data}" if data else ""
        raise InputError(f"no results for {task}{on} in {out} yet; make some with: {command}")
    _say_whose(out)
    if as_json:
        terminal.put(json.dumps([asdict(selection) for selection in selections], indent=1))
    for selection in selections if not as_json else ():
        head, *reasons = described(selection)
        for line in (head, *(f"  - {reason}" for reason in reasons)):
            terminal.put(terminal.wrap(line, terminal.width()))
    if all(selection.row is None for selection in selections):
        raise typer.Exit(1)


def _forecast(
    task: str,
    path: Path,
    given: Mapping[str, str],
    minutes: float,
    tune: bool,
    max_size_mb: float | None,
    licenses: frozenset[str],
    as_json: bool,
    plot: Path | None,
) -> None:
    """Print what is expected of each model on data that nobody has evaluated."""
    import json

    from tlzoo.cards import catalogue
    from tlzoo.check.views import params_of
    from tlzoo.forecast import forecast
    from tlzoo.forecast.compare import MIN_BEST
    from tlzoo.forecast.more import more_labels
    from tlzoo.forecast.plot import plot as draw
    from tlzoo.forecast.record import record

    def accepts(run: Run) -> bool:
        size = 4e-6 * params_of(run)  # MB, of float32
        parts = run.checkpoint.parts or (run.checkpoint,)
        own = {catalogue.license_of(part.card, part.tier).lower() for part in parts}
        return (max_size_mb is None or size <= max_size_mb) and (not licenses or own <= licenses)

    done = forecast(task, path, given, minutes, tune=tune, accepts=accepts, say=terminal.say)
    if plot is not None:
        draw(done, path.name, plot)
        terminal.say(f"drawn: {plot}")
    if as_json:
        terminal.put(json.dumps([each.to_json() for each in done.models], indent=1))
        return
    terminal.put(f"{path}: {done.read}")
    heads = (
        "model",
        "weights",
        "accuracy ↑ [90%]",
        "best in",
        "fine-tuned ↑ (folds)",
        "kNN ↑",
        "LogME ↑",
        "H-score ↑",
        "parameters",
        "seconds",
    )
    priorities = (0, 1, 2, 3, 4, 7, 8, 9, 5, 6)
    cells = [
        terminal.Column(head, priority, is_text=place < 2)
        for place, (head, priority) in enumerate(zip(heads, priorities, strict=True))
    ]
    rows = [
        (
            each.model,
            each.weights,
            f"{each.accuracy:.3f} [{each.low:.3f}, {each.high:.3f}]",
            f"{each.best:.0%}",
            "" if each.tuned is None else f"{each.tuned:.3f} ({each.folds})",
            f"{each.neighbours:.3f}",
            f"{each.log_evidence:.3f}",
            f"{each.h_score:.2f}",
            f"{each.params / 1e6:.2f} M",
            f"{each.seconds:.1f}",
        )
        for each in done.models
    ]
    shown = terminal.table(cells, rows, terminal.width())
    terminal.put("\n".join(shown.lines))
    notes = (
        "accuracy of a linear classifier on frozen vectors, cross-fitted, or of the whole network where fine-tuning it "
        "gave more; concat: the vectors of several models side by side, where that is better for certain; intervals "
        "and 'best in' are over resamples of the examples and what forecasts lacked on other data; kNN, LogME and "
        "H-score do not decide on the order",
        more_labels(done.models[0]),
        record().sentence(),
    )
    for note in notes:
        terminal.put(terminal.wrap(note, terminal.width()))
    for line in done.skipped:
        terminal.say(f"not looked at: {line}")
    for line in done.untrained:
        terminal.say(f"not fine-tuned to the end: {line}")
    few = dict.fromkeys(each.card for each in done.models if each.best >= MIN_BEST)
    models = " ".join(f"--model {quote(card)}" for card in few)
    terminal.say(" ".join([f"Next: tlzoo eval --task {task} --data {quote(str(path))} {models}", *words(given)]))


def _rows_on(data: str, task: str, board: pa.Table, command: str) -> pa.Table:
    """Rows of a board on a data set; of a person's own data, on their present version.

    Raises:
        InputError: Only other versions were evaluated; names the ``command`` that evaluates this one.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    from tlzoo.data.catalogue import find
    from tlzoo.data.files.readers import title
    from tlzoo.data.named import DATASETS
    from tlzoo.vocabulary import task_facts

    if data in DATASETS or not Path(data).exists():
        return board.filter(pc.equal(board["dataset"], data))
    named = board.filter(pc.equal(board["dataset"], title(Path(data))))
    try:
        versions = {find(task, data, kind=kind).fingerprint for kind in task_facts(task).inputs}
    except (InputError, UnavailableError) as error:
        terminal.say(f"--data {data} cannot be read now, so rows are chosen by its name: {error}")
        return named
    now = board.filter(pc.is_in(board["dataset_fingerprint"], pa.array(sorted(versions))))
    others = len(named.filter(pc.is_valid(named["value"]))["dataset_fingerprint"].unique())
    if others and now["value"].null_count == now.num_rows:
        raise InputError(
            f"--data {data}: its present version was not evaluated, only {others} other{'s' * (others > 1)}; "
            f"evaluate it with: {command}"
        )
    return now
