"""``tlzoo eval``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

import typer

from tlzoo import terminal
from tlzoo.cli import own_data
from tlzoo.cli.boards import Wide, put_summary
from tlzoo.cli.device import Device, Precision
from tlzoo.cli.network import Offline
from tlzoo.cli.own_data import Group, Label, NoSplits, Text
from tlzoo.errors import InputError

if TYPE_CHECKING:
    import pyarrow as pa

    from tlzoo.run.request import EvaluationRequest

T = TypeVar("T", int, float)
Strict = Annotated[
    bool,
    typer.Option(
        "--strict", help="End with code 2 if any input is unreadable. Default: only if more than a tenth of them are."
    ),
]
ExecutorOption = Annotated[
    Literal["local", "ray"],
    typer.Option(
        "--executor",
        help="local: one run after the other on this machine; ray: as many at a time as a Ray cluster has room for.",
    ),
]
Address = Annotated[
    str | None,
    typer.Option(
        metavar="HOST:PORT",
        help="Address of the Ray cluster, or auto for the one that runs on this machine. Default: that of RAY_ADDRESS, "
        "or a new one of this machine alone.",
    ),
]
FEW = 0.1
"""Share of inputs that may be unreadable where the work was done all the same."""


def register(app: typer.Typer) -> None:
    """Add this group's commands."""
    app.command("eval")(evaluate)


def evaluate(
    task: Annotated[str, typer.Option(help="The task, such as audio-classification.")],
    model: Annotated[
        list[str] | None,
        typer.Option(
            help="Id of a card, timm:NAME, hub:OWNER/NAME[@REVISION], concat:CARD/VARIANT+CARD/VARIANT (two or three "
            "models side by side, frozen), or a folder with a model; repeat for several. Default: all cards that fit."
        ),
    ] = None,
    strategy: Annotated[
        list[str] | None,
        typer.Option(
            help="scratch, probe, partial, full, lora, zero-shot or few-shot; repeat for several. Default: probe, "
            "scratch, full, partial; for models with a head of their own zero-shot and few-shot first."
        ),
    ] = None,
    weights: Annotated[
        Literal["auto", "official", "stand-in", "none"], typer.Option(help="Tier of the weights to start from.")
    ] = "auto",
    pretrain: Annotated[
        bool, typer.Option("--pretrain", help="Pretrain stand-ins here instead of reading the files that ship.")
    ] = False,
    variant: Annotated[str | None, typer.Option(help="Only this variant of each model.")] = None,
    data: Annotated[
        str, typer.Option(help="auto, the name of a data set, hub:ID[:CONFIG][@REVISION], or a folder.")
    ] = "auto",
    group: Group = None,
    text: Text = None,
    label: Label = None,
    no_splits: NoSplits = False,
    folds: Annotated[
        int | None,
        typer.Option(
            help="Number of folds of cross-validation; 1 splits the data once. Default: 5 for fewer than 1,000 "
            "examples of your own without a test, else 1.",
            min=1,
        ),
    ] = None,
    seeds: Annotated[str, typer.Option(help="Seeds of what is trained, separated by commas.")] = "0,1,2",
    fractions: Annotated[str, typer.Option(help="Shares of the labels, separated by commas.")] = "0.1,1",
    budget: Annotated[
        float,
        typer.Option(
            help="Time budget in minutes, counting runs already finished. Runs that do not fit are skipped and "
            "recorded."
        ),
    ] = 10.0,
    max_cost: Annotated[
        float | None,
        typer.Option(
            help="Maximum spend in US dollars on API models. Runs that would exceed it are skipped and recorded."
        ),
    ] = None,
    device: Device = "auto",
    precision: Precision = "no",
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path(".tlzoo"),
    resume: Annotated[bool, typer.Option("--resume/--fresh", help="Keep finished runs, or run them again.")] = True,
    runtime: Annotated[
        list[str] | None,
        typer.Option(
            help="Also export each trained model, and predict the test examples in ONNX Runtime: onnx, or int8, which "
            "is onnx in 8 bits; may be repeated. Each is a row, made after the budget."
        ),
    ] = None,
    report: Annotated[
        Literal["trackio", "tensorboard", "mlflow", "wandb"] | None,
        typer.Option(help="Also write each run, with its curve on validation, to this tracker of experiments."),
    ] = None,
    baselines: Annotated[
        bool, typer.Option("--baselines/--no-baselines", help="Run the task's trivial and classical baseline first.")
    ] = True,
    executor: ExecutorOption = "local",
    address: Address = None,
    shard: Annotated[
        str, typer.Option(metavar="I/N", help="Only part I of N parts of the models, such as 1/4, to share the work.")
    ] = "1/1",
    strict: Strict = False,
    offline: Offline = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the rows as JSON on standard output.")] = False,
    wide: Wide = False,
) -> None:
    """Fine-tune models on small data; rank accuracy, speed, size and what transfer gained."""
    from tlzoo.leaderboard.views.render import render
    from tlzoo.run.evaluate import run_evaluation
    from tlzoo.run.request import EvaluationRequest

    request = EvaluationRequest(
        task=task,
        models=tuple(model or ()),
        strategies=tuple(strategy or ()),
        weights=weights,
        pretrain=pretrain,
        variant=variant,
        data=data,
        group=group,
        text=text,
        label=label,
        no_splits=no_splits,
        folds=folds,
        seeds=numbers("--seeds", seeds, int),
        fractions=numbers("--fractions", fractions, float),
        device=device,
        precision=precision,
        budget=budget,
        max_cost=max_cost,
        out=out,
        fresh=not resume,
        baselines=baselines,
        report=report,
        executor=executor,
        address=address,
        shard=_part(shard),
    )
    if runtime:
        from tlzoo.export.rows import add_exported, check_runtimes

        check_runtimes(runtime)
        if executor != "local":
            raise InputError("--runtime: is for --executor local; repeat the command there, and finished runs are kept")
    with interruptible(out):
        done = run_evaluation(request, terminal.say)
        if runtime:
            done = add_exported(done, request, runtime, terminal.say)
    terminal.put(render(done.board, "json" if as_json else "table", None if wide else terminal.width()))
    if not as_json:
        put_summary(done.board)
    terminal.say(f"{done.executed} runs executed, {done.resumed} taken from {out / 'results'}")
    for notice in done.notices:
        terminal.say(notice)
    if not as_json:
        terminal.say(f"Next: {next_command(request, done.board)}")
    left_out(f"--data {data}", done.problems, done.used, strict, out)
    if done.failed:
        raise typer.Exit(1)


def next_command(request: EvaluationRequest, board: pa.Table) -> str:
    """What to type after an evaluation: the command that keeps the model that ``tlzoo select`` would take."""
    from tlzoo.cards import catalogue
    from tlzoo.leaderboard.selection import Limits, select
    from tlzoo.vocabulary import TRAINED, is_ad_hoc

    row = next((each.row for each in select(board, Limits(), catalogue.license_of) if each.row), None)
    if row is None and 1 not in request.fractions:
        shares = ",".join(f"{share:g}" for share in (*request.fractions, 1))
        return f"the same command with --fractions {shares}, since a model is chosen by what it does with all labels"
    if row is None:
        return f"the same command with --budget {max(1.0, 2 * request.budget):g}; finished runs are kept"
    if is_ad_hoc(row.card) and len(request.models) > 1:
        return f"tlzoo select --task {request.task} --out {quote(str(request.out))}"  # which was which is not known
    model = quote(request.models[0] if is_ad_hoc(row.card) else row.card)
    if row.strategy not in TRAINED or row.strategy == "further":
        return f"tlzoo predict {model} FILE"
    words = ["tlzoo finetune", model, "--task", request.task]
    words += ["--data", quote(row.dataset if request.data == "auto" else request.data), "--strategy", row.strategy]
    if row.weights == "stand-in" and request.weights != "auto":
        words += ["--weights", "stand-in"]
    if not is_ad_hoc(row.card) and request.variant:
        words += ["--variant", request.variant]
    return " ".join([*words, *own_data.words(request.columns), "--out my_model"])


def left_out(where: str, problems: Sequence[str], used: int, strict: bool, folder: Path) -> None:
    """Say which examples were left out, when the work is done; a file in the folder names all.

    Raises:
        InputError: They are many, or none may be.
    """
    if not problems:
        return
    from tlzoo.data.problems import FILE

    line = f"{where}: {len(problems)} unreadable example(s) left out, named in {folder / FILE}: {examples(problems)}"
    if strict or len(problems) > FEW * (len(problems) + used):
        raise InputError(line)
    terminal.say(f"tlzoo: {line}")


def examples(problems: Sequence[str]) -> str:
    """The first few of some lines."""
    return "; ".join(problems[:3]) + (" ..." if len(problems) > 3 else "")


@contextmanager
def interruptible(out: Path) -> Iterator[None]:
    """Say on Ctrl-C what is kept."""
    try:
        yield
    except KeyboardInterrupt:
        raise KeyboardInterrupt(
            f"finished runs are kept in {out / 'results'}, and the same command goes on from there"
        ) from None


def _part(text: str) -> tuple[int, int]:
    part, slash, count = text.partition("/")
    if not (slash and part.isdecimal() and count.isdecimal()):
        raise InputError(f"--shard {text}: expected a part and of how many, such as 1/4")
    return int(part), int(count)


def numbers(option: str, text: str, kind: Callable[[str], T]) -> tuple[T, ...]:
    """The numbers that an option names, separated by commas.

    Raises:
        InputError: It names something else.
    """
    try:
        return tuple(kind(part) for part in text.split(","))
    except ValueError:
        raise InputError(f"{option} {text!r}: expected numbers separated by commas, such as 0,1,2") from None
