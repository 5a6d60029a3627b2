"""The plan of an evaluation: a list of runs, each with a content key, and rows for what cannot be run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import cast

from tlzoo.adapters.weights import Checkpoint, card_of, resolve, variant_of
from tlzoo.cards import catalogue
from tlzoo.cards.adhoc import AdHocCard
from tlzoo.cards.schema import Card, Variant
from tlzoo.data.catalogue import FEW_ROWS, MIN_GROUPS, Source, find
from tlzoo.data.protocol import VTAB, Limits
from tlzoo.drafting import adhoc
from tlzoo.errors import InputError, UnavailableError, unknown
from tlzoo.keys import changed, key
from tlzoo.leaderboard.schema import VERSION, Status
from tlzoo.run.request import DEFAULT_SEEDS, EvaluationRequest
from tlzoo.transfer import pretraining, standin
from tlzoo.transfer.recipe import NetworkFacts, Recipe, recipe
from tlzoo.vocabulary import BASELINE, STRATEGIES, TRAINED, UNTRAINED, Strategy, task_facts

DEFAULT_FOLDS = 5
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
        fraction: Share of the training and of the validation examples.
        recipe: Hyperparameters.
        card_hash: Hash of the variant's facts.
        device: ``cpu``, ``cuda``, ``mps`` or ``xpu``; does not decide the key.
        fold: Which fold is tested; absent where the data are split once.
        folds: Number of folds.
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
    fold: int | None = None
    folds: int | None = None

    @property
    def is_baseline(self) -> bool:
        """Whether it is no model that is run."""
        return self.checkpoint.tier == BASELINE

    @property
    def is_api_model(self) -> bool:
        """Whether the model is behind an API."""
        return not self.is_baseline and variant_of(card_of(self.checkpoint), self.checkpoint.variant).is_api_model

    @property
    def is_to_be_pretrained(self) -> bool:
        """Whether the checkpoint is a stand-in that has to be made first."""
        checkpoint = self.checkpoint
        is_made_here = checkpoint.tier == "stand-in" and not checkpoint.served_by and not checkpoint.files
        return is_made_here and not standin.cached_path(checkpoint.sha256).is_file()

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
        share = () if self.fraction == 1 else ("fraction of validation, too",)
        fold = ("fold", self.fold, self.folds) if self.folds else ()
        return key(*model, self.task, self.source.fingerprint, *how, *share, *fold, VERSION)[:32]


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


def sources(request: EvaluationRequest, limits: Limits = VTAB) -> list[Source]:
    """Find the data of an evaluation: what ``--data`` names, or the standard data set of each kind of input.

    Args:
        request: The options.
        limits: Maximum examples per split.

    Returns:
        One data set for each kind of input, first the one that the task's domain is named after.

    Raises:
        InputError: A name is unknown, or a model does not fit the task.
        UnavailableError: The data are not available.
    """
    domain = task_facts(request.task).domain
    kinds = sorted({card.input.kind for card in cards_of(request)}, key=lambda kind: (kind != domain, kind))
    return list(dict.fromkeys(find(request.task, request.data, limits, kind, request.columns) for kind in kinds))


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


def plan(request: EvaluationRequest, data: Sequence[Source]) -> Plan:
    """Plan an evaluation; fetches weights, imports no deep-learning library.

    Args:
        request: The options.
        data: One data set for each kind of input, in the order in which they are run on.

    Returns:
        Runs in the order in which a budget is spent (see :func:`_turn`).

    Raises:
        InputError: A name is unknown, or a model does not fit the task.
    """
    cards, variant = cards_of(request), request.variant
    if variant and not any(v.id == variant for card in cards for v in card.variants):
        raise unknown("variant", variant, {v.id for card in cards for v in card.variants}, f"--task {request.task}")
    result = Plan()
    for card in cards:
        source = next((source for source in data if source.kind == card.input.kind), data[0])
        _plan_card(request, card, source, result)
    result.notices[:0] = [notice for card in cards if isinstance(card, AdHocCard) for notice in card.notices]
    places = list(dict.fromkeys(card.id for card in (*catalogue.cards(), *cards)))
    result.runs.sort(key=partial(_turn, request, data, places))
    return result


def is_listed(run: Run) -> bool:
    """Whether a run's model is listed for its task, or was named ad hoc; others can do it, too."""
    card = card_of(run.checkpoint)
    return isinstance(card, AdHocCard) or card.task == run.task


def _turn(request: EvaluationRequest, data: Sequence[Source], places: Sequence[str], run: Run) -> tuple[float, ...]:
    """Sort key of a run: what a short budget should tell comes first.

    First, what listed models with official weights can do untrained, and what few labels give them with the least
    training and from scratch, with one seed, since they are large. Then the same of all other models with every seed,
    which a verdict needs, and which few labels make cheap; then the other seeds of the official ones. Then the same
    with all labels, and then the rest, each seed by seed. Within these, listed models come first, weights that are
    there before stand-ins that have to be pretrained, and the strategies of a model together. Where heads spell, the
    least is to train all: frozen vectors that were not trained to spell hardly can.
    """
    least: Strategy = "full" if task_facts(run.task).longest_hop is not None else "probe"
    order = list(dict.fromkeys((*UNTRAINED, least, "scratch", *DEFAULT_STRATEGIES, *STRATEGIES)))
    official, untrained = is_listed(run) and run.checkpoint.tier == "official", run.strategy in UNTRAINED
    few = run.fraction < 1 and not untrained
    seed = request.seeds.index(run.seed) if run.seed in request.seeds else 0
    if not untrained and run.strategy not in (least, "scratch"):
        phase = 4
    elif not untrained and not few:
        phase = 3
    elif official:
        phase = 0 if untrained or not seed else 2
    else:
        phase = 1
    place, card = data.index(run.source), places.index(run.checkpoint.card)
    model = (not is_listed(run), run.is_to_be_pretrained, not official, card)
    return phase, seed, 0 if untrained else run.fraction, *model, place, order.index(run.strategy), run.fold or 0


def cards_of(request: EvaluationRequest) -> list[Card]:
    """The models of an evaluation, or of its shard; all that can do the task by default."""
    task = request.task
    part, parts = request.shard
    fitting = [c for c in catalogue.cards() if c.can_do(task)]
    if not request.models:
        return fitting[part - 1 :: parts]
    chosen = [adhoc.find(name) for name in dict.fromkeys(request.models)]
    for card in chosen:
        if not card.can_do(task):
            raise InputError(
                f"model {card.id!r} ({card.input.kind} in, {'+'.join(card.outputs)} out) cannot do {task}; "
                f"models that can: {', '.join(c.id for c in fitting)}"
            )
    return chosen[part - 1 :: parts]


def _plan_card(request: EvaluationRequest, card: Card, source: Source, result: Plan) -> None:
    """Add the runs of a model, and what it cannot be run with, to a plan."""
    variants = [v for v in card.variants if request.variant in (None, v.id)]
    reason = mismatch(card, source)
    if not variants:
        reason = str(unknown("variant", request.variant or "", [v.id for v in card.variants], card.id))
    tier = "official" if request.weights == "auto" else request.weights
    absent = partial(Absent, card.id, request.variant or card.default.id, tier, source)
    if reason:
        result.absent.append(absent(reason, "skipped"))
        return
    possible = _possible(card, request.task)
    checkpoints: dict[tuple[str, ...], Checkpoint | None] = {}
    for strategy in _strategies(request, card, variants, possible):
        able = [v for v in variants if strategy in (*possible, "further") and card.takes(v, strategy, request.task)]
        ids = tuple(v.id for v in able or variants)
        if ids not in checkpoints:
            try:
                takes = strategy if able else None
                checkpoint = resolve(card, request.weights, request.variant, takes, request.task, request.pretrain)
            except UnavailableError as error:
                checkpoints[ids] = None
                result.absent.append(absent(str(error)))
            else:
                checkpoints[ids] = with_key(card, checkpoint)
                result.notices += [checkpoint.notice] if checkpoint.notice else []
        chosen = checkpoints[ids]
        if chosen is None:
            continue
        if able:
            result.runs += _runs(request, card, source, chosen, strategy)
        else:
            usable = [s for s in possible if any(card.takes(v, s, request.task) for v in variants)]
            others = ", ".join(usable) or "nothing yet"
            name = " ".join(filter(None, (card.id, request.variant)))
            reason = f"{name} is not run with {strategy} on {request.task}; with: {others}"
            result.absent.append(Absent(card.id, chosen.variant, chosen.tier, source, reason, "skipped", strategy))


def _possible(card: Card, task: str) -> list[Strategy]:
    """Strategies that a model can be run with on a task."""
    is_api_only = set(card.transfer.strategies) <= set(UNTRAINED)  # an API model answers whatever it can do
    possible: list[Strategy] = [
        s for s in card.transfer.strategies if s not in UNTRAINED or is_api_only or card.task == task
    ]
    is_answered = _needs_no_head(card, task) or task in card.heads
    return ["zero-shot", *possible] if is_answered and "zero-shot" not in possible else possible


def _needs_no_head(card: Card, task: str) -> bool:
    return task_facts(task).untrained and not card.is_native_on(task)


def _strategies(
    request: EvaluationRequest, card: Card, variants: Sequence[Variant], possible: Sequence[str]
) -> list[Strategy]:
    """Strategies that a model is run with: the requested ones, else those that are usual for it."""
    is_published = card.brings_head(request.task) or _needs_no_head(card, request.task)
    usual = [*(UNTRAINED if is_published else ()), *DEFAULT_STRATEGIES]
    usable = [s for s in usual if s in possible and any(card.takes(v, s, request.task) for v in variants)]
    return cast("list[Strategy]", list(dict.fromkeys(request.strategies)) or usable or ["zero-shot"])


def _runs(
    request: EvaluationRequest, card: Card, source: Source, checkpoint: Checkpoint, strategy: Strategy
) -> list[Run]:
    """A run for each seed and fraction; none of random weights, but from scratch."""
    if checkpoint.tier == "none" and strategy != "scratch":
        return []
    task, variant = request.task, variant_of(card, checkpoint.variant)
    recipe = recipe_for(card, variant, task, strategy, request.precision)
    card_hash = card.variant_hash(variant)
    return [
        Run(checkpoint, task, source, strategy, seed, fraction, recipe, card_hash, request.device, *fold)
        for seed in _seeds(request, strategy)
        for fraction in (request.fractions if strategy in TRAINED else [1.0])
        for fold in folds_of(request, source)
    ]


def folds_of(request: EvaluationRequest, source: Source) -> list[tuple[int | None, int | None]]:
    """Fold and number of folds of each run on some data; one pair of nothing where they are split once.

    Raises:
        InputError: Folds are asked for of data that come with splits.
    """
    count = request.folds or (DEFAULT_FOLDS if source.is_foldable and request.folds is None else 1)
    if count == 1:
        return [(None, None)]
    if not source.is_foldable:
        raise InputError(
            f"--folds {count}: is for fewer than {FEW_ROWS:,} examples of your own, in {MIN_GROUPS} groups or more, of "
            f"which no test is given; {source.name} is split once"
        )
    return [(fold, count) for fold in range(count)]


def _seeds(request: EvaluationRequest, strategy: Strategy) -> Sequence[int]:
    """Zero-shot has no seed; few-shot, which may cost money, is not repeated unless that is asked for."""
    if strategy == "zero-shot":
        return [0]
    if strategy == "few-shot" and tuple(request.seeds) == DEFAULT_SEEDS:
        return request.seeds[:1]
    return request.seeds


def with_key(card: Card, checkpoint: Checkpoint) -> Checkpoint:
    """The checkpoint of a stand-in that is pretrained here carries the hash of its recipe."""
    if checkpoint.tier != "stand-in" or checkpoint.served_by or checkpoint.files:
        return checkpoint
    return replace(checkpoint, sha256=pretraining.recipe_key(card, checkpoint.variant))


def recipe_for(card: Card, variant: Variant, task: str, strategy: Strategy, precision: str = "no") -> Recipe:
    """How a variant is trained; the card's learning rate is for official variants, nano ones take the recipe's own."""
    facts = task_facts(task)
    advice = card.transfer.learning_rate if variant.kind == "official" else None
    how = recipe(strategy, facts.head, NetworkFacts(card.is_native_on(task), variant.adapter == "transformers", advice))
    return replace(how, precision=precision, epochs=facts.epochs or how.epochs)
