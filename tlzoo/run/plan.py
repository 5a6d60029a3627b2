"""What is to be run: a list of runs, each with a content key, and rows for what cannot be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import cast

from tlzoo.adapters.weights import Checkpoint, Wanted, resolve, variant_of
from tlzoo.cards import catalogue
from tlzoo.cards.schema import Card, Variant
from tlzoo.data.catalogue import Source, find
from tlzoo.errors import InputError, UnavailableError, unknown
from tlzoo.keys import changed, key
from tlzoo.leaderboard.schema import VERSION, Status
from tlzoo.transfer import standin
from tlzoo.transfer.recipe import NetworkFacts, Recipe, recipe
from tlzoo.vocabulary import STRATEGIES, TRAINED, UNTRAINED, Strategy, task_facts

DEFAULT_STRATEGIES: tuple[Strategy, ...] = ("probe", "scratch", "full", "partial")
"""In the order in which they are run, so that a short budget still says what transfer gained."""


@dataclass(frozen=True)
class Run:
    """One cell of the plan; everything that decides its result is a field.

    Attributes:
        checkpoint: Variant and weights.
        task: The task.
        source: The data.
        strategy: What is trained.
        seed: Seed of head, shuffling and subset.
        fraction: Share of the training examples.
        recipe: Hyperparameters.
        card_hash: Hash of the variant's facts.
        device: ``cpu`` or ``cuda``; does not decide the key.
    """

    checkpoint: Checkpoint
    task: str
    source: Source
    strategy: Strategy
    seed: int
    fraction: float
    recipe: Recipe
    card_hash: str
    device: str = "cpu"

    @property
    def is_asked(self) -> bool:
        """Whether the model is behind an API."""
        return variant_of(catalogue.get(self.checkpoint.card), self.checkpoint.variant).is_asked

    @property
    def is_to_be_pretrained(self) -> bool:
        """Whether the checkpoint is a stand-in that has to be made first."""
        checkpoint = self.checkpoint
        is_standin = checkpoint.tier == "stand-in" and not checkpoint.served_by
        return is_standin and not standin.kept(checkpoint.sha256).is_file()

    @property
    def tier(self) -> str:
        """Tier of the weights that the row names."""
        return "none" if self.strategy == "scratch" else self.checkpoint.tier

    @property
    def id(self) -> str:
        """Content key: equal keys give equal results."""
        weights = "" if self.tier == "none" else self.checkpoint.sha256
        model = (self.checkpoint.card, self.checkpoint.variant, self.card_hash, self.tier, weights)
        how = (self.strategy, self.seed, self.fraction, changed(self.recipe))
        return key(*model, self.task, self.source.fingerprint, *how, VERSION)[:32]


@dataclass(frozen=True)
class Absent:
    """A model that cannot be run, on which data, and why; becomes a row."""

    card: str
    variant: str
    tier: str
    source: Source
    reason: str
    status: Status = "unavailable"
    strategy: str | None = None


@dataclass
class Plan:
    """Runs in order, and what cannot be run."""

    runs: list[Run] = field(default_factory=list)
    absent: list[Absent] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)


def sources(task: str, data: str, models: Sequence[str] = ()) -> list[Source]:
    """Find the data of an evaluation: what ``--data`` names, or the standard data set of each kind of input.

    Args:
        task: The task.
        data: As of ``tlzoo.data.catalogue.find``.
        models: Card ids; by default every model whose outputs fit the task.

    Returns:
        One data set for each kind of input, first the one that the task's domain is named after.

    Raises:
        InputError: A name is unknown, or a model does not fit the task.
        UnavailableError: The data cannot be had.
    """
    cards = _cards(task, models)
    domain = task_facts(task).domain
    kinds = sorted({card.input.kind for card in cards}, key=lambda kind: (kind != domain, kind))
    return list(dict.fromkeys(find(task, data, kind=kind) for kind in kinds))


def mismatch(card: Card, source: Source) -> str:
    """Why a model cannot be run on data, in one line; empty where it can.

    It reads another kind of input, or its vectors of a sound are too far apart for the task.
    """
    longest, hop = task_facts(source.task).longest_hop, card.input.hop_seconds
    if longest and hop and hop > longest:
        return f"{card.id} gives a vector every {hop:g} s; {source.task} needs one every {longest:g} s or more often"
    if card.input.kind == source.kind:
        return ""
    return f"{card.id} reads {card.input.kind}, and {source.name} is {source.kind}"


def plan(
    task: str,
    data: Sequence[Source],
    *,
    models: Sequence[str] = (),
    strategies: Sequence[str] = (),
    weights: Wanted = "auto",
    variant: str | None = None,
    seeds: Sequence[int] = (0,),
    fractions: Sequence[float] = (1.0,),
    device: str = "cpu",
    precision: str = "no",
) -> Plan:
    """Plan an evaluation; fetches weights, imports no deep-learning library.

    Args:
        task: The task.
        data: One data set for each kind of input, in the order in which they are run on.
        models: Card ids; by default every model whose outputs fit the task.
        strategies: By default :data:`DEFAULT_STRATEGIES`, and ``zero-shot`` and ``few-shot`` for models that bring
            their own head, or need none for the task.
        weights: Tier.
        variant: Only this variant.
        seeds: Seeds.
        fractions: Shares of the training examples, in (0, 1].
        device: Where to run.
        precision: Mixed precision, proven to run.

    Returns:
        Runs in the order in which a budget is spent (see :func:`_turn`).

    Raises:
        InputError: A name is unknown, a model does not fit the task, a fraction is no share, or a value is given twice.
    """
    task_facts(task)
    for name in strategies:
        if name not in STRATEGIES:
            raise unknown("strategy", name, STRATEGIES, "--strategy")
    if not seeds or not fractions or not all(0 < f <= 1 for f in fractions):
        raise InputError(
            f"--seeds and --fractions need values, fractions in (0, 1]; given: {list(seeds)}, {list(fractions)}"
        )
    if bad := [seed for seed in seeds if not 0 <= seed < 2**32]:
        raise InputError(f"--seeds: {bad[0]}: expected whole numbers from 0 to {2**32 - 1}")
    for option, values in (("--seeds", seeds), ("--fractions", fractions)):
        if twice := [value for value, times in Counter(values).items() if times > 1]:
            raise InputError(f"{option}: {twice[0]:g} is given twice; give each value once")
    cards = _cards(task, models)
    if variant and not any(v.id == variant for card in cards for v in card.variants):
        raise unknown("variant", variant, {v.id for card in cards for v in card.variants}, f"--task {task}")
    result = Plan()
    for card in cards:
        source = next((source for source in data if source.kind == card.input.kind), data[0])
        _plan_card(result, card, task, source, strategies, weights, variant, seeds, fractions, device, precision)
    result.runs.sort(key=partial(_turn, task, data))
    return result


def _turn(task: str, data: Sequence[Source], run: Run) -> tuple[float, ...]:
    """When it is a run's turn: what a short budget still has to say comes first.

    All labels come before fewer. Then what the models that are listed for the task gain over scratch with the least
    training; then what all others can do with the least; then the rest, listed models first. Weights that are there
    come before stand-ins, which have to be pretrained first; and each strategy is run on every data set. Where heads
    spell, the least is to train all: frozen vectors that were not trained to spell hardly can.
    """
    strategies = [*UNTRAINED, *DEFAULT_STRATEGIES, *STRATEGIES]
    least = "probe"
    if task_facts(task).longest_hop is not None:
        least = "full"
        strategies.insert(len(UNTRAINED), least)
    other = catalogue.get(run.checkpoint.card).task != task
    first = run.strategy in (*UNTRAINED, least) or (run.strategy == "scratch" and not other)
    made = other and run.checkpoint.tier == "stand-in"
    return -run.fraction, run.seed, not first, other, made, strategies.index(run.strategy), data.index(run.source)


def _cards(task: str, models: Sequence[str]) -> list[Card]:
    fitting = [c for c in catalogue.cards() if c.can_do(task)]
    if not models:
        return fitting
    chosen = [catalogue.get(name) for name in dict.fromkeys(models)]
    for card in chosen:
        if not card.can_do(task):
            raise InputError(
                f"model {card.id!r} ({card.input.kind} in, {'+'.join(card.outputs)} out) cannot do {task}; "
                f"models that can: {', '.join(c.id for c in fitting)}"
            )
    return chosen


def _plan_card(
    result: Plan,
    card: Card,
    task: str,
    source: Source,
    strategies: Sequence[str],
    weights: Wanted,
    variant: str | None,
    seeds: Iterable[int],
    fractions: Iterable[float],
    device: str,
    precision: str,
) -> None:
    only = set(card.transfer.strategies) <= set(UNTRAINED)  # what is asked can be asked anything that it can do
    possible = [s for s in card.transfer.strategies if s not in UNTRAINED or only or card.task == task]
    untrained = task_facts(task).untrained and not card.is_native_on(task)
    if untrained and "zero-shot" not in possible:
        possible = ["zero-shot", *possible]
    published = [s for s in UNTRAINED if (card.brings_head(task) or untrained) and s in possible]
    named = [v for v in card.variants if variant in (None, v.id)]
    usual = [s for s in (*published, *DEFAULT_STRATEGIES) if s in possible and any(v.takes(s) for v in named)]
    wanted = cast("list[Strategy]", list(dict.fromkeys(strategies)) or usual or ["zero-shot"])
    tier = "official" if weights == "auto" else weights
    absent = partial(Absent, card.id, variant or card.default.id, tier, source)
    lacking = mismatch(card, source)
    if not named:
        lacking = str(unknown("variant", variant or "", [v.id for v in card.variants], card.id))
    if lacking:
        result.absent.append(absent(lacking, "skipped"))
        return
    found: dict[tuple[str, ...], Checkpoint | None] = {}
    for strategy in wanted:
        able = [v for v in named if strategy in (*possible, "further") and v.takes(strategy)]
        ids = tuple(v.id for v in able or named)
        if ids not in found:
            try:
                found[ids] = _checkpoint(result, card, weights, variant, strategy if able else None)
            except UnavailableError as error:
                found[ids] = None
                result.absent.append(absent(str(error)))
        checkpoint = found[ids]
        if checkpoint is None:
            continue
        if not able:
            told = ", ".join(s for s in possible if any(v.takes(s) for v in named)) or "nothing yet"
            reason = f"{' '.join(filter(None, (card.id, variant)))} is not run with {strategy} on {task}; with: {told}"
            result.absent.append(
                Absent(card.id, checkpoint.variant, checkpoint.tier, source, reason, "skipped", strategy)
            )
            continue
        if checkpoint.tier == "none" and strategy != "scratch":
            continue
        chosen = variant_of(card, checkpoint.variant)
        for seed in seeds if strategy != "zero-shot" else [0]:
            for fraction in fractions if strategy in TRAINED else [1.0]:
                how = recipe_for(card, chosen, task, strategy, precision)
                result.runs.append(
                    Run(checkpoint, task, source, strategy, seed, fraction, how, card.variant_hash(chosen), device)
                )


def _checkpoint(result: Plan, card: Card, weights: Wanted, variant: str | None, strategy: str | None) -> Checkpoint:
    """The weights that a strategy starts from; a notice says where they are less than what was asked for.

    Raises:
        UnavailableError: There are none.
    """
    checkpoint = resolve(card, weights, variant, strategy)
    if checkpoint.notice:
        result.notices.append(checkpoint.notice)
    return with_key(card, checkpoint)


def with_key(card: Card, checkpoint: Checkpoint) -> Checkpoint:
    """A stand-in's checkpoint carries the hash of its recipe."""
    if checkpoint.tier != "stand-in" or checkpoint.served_by:
        return checkpoint
    return replace(checkpoint, sha256=standin.recipe_key(card, checkpoint.variant))


def recipe_for(card: Card, variant: Variant, task: str, strategy: Strategy, precision: str = "no") -> Recipe:
    """How a variant is trained; the card's learning rate is for official variants, nano ones take the recipe's own."""
    facts = task_facts(task)
    advice = card.transfer.learning_rate if variant.kind == "official" else None
    how = recipe(strategy, facts.head, NetworkFacts(card.is_native_on(task), variant.adapter == "transformers", advice))
    return replace(how, precision=precision, epochs=facts.epochs or how.epochs)
