"""How well ``tlzoo select --data`` predicts: each data set is left out in turn of what is learnt from the others.

``python benchmarks/forecasts.py text-classification=tweets image-classification=my_pictures ... [--write FILE]``

Arguments are ``TASK=NAME`` or ``TASK=PATH`` of data sets with classes. All examples of a set, at most 1,000, are cut
into two halves by group. A forecast sees 300 labelled examples of one half; the truth is the accuracy on the other half
of a logistic regression on the frozen vectors of the whole first half. Then the halves change places. What a forecast
lacks beyond sampling widens its intervals, estimated on the other data sets. Curves: 70% of the labels are hidden, and
the accuracy that cross-fitting gives with all is predicted. Portfolios: the models that complement the best one, by
cross-fitting on what a forecast sees, and what all together give on the other half. ``--write
tlzoo/forecast/record.json`` ships the summary.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedGroupKFold
from sklearn.preprocessing import StandardScaler

from tlzoo.check.views import Data, frozen_vectors, params_of, probes
from tlzoo.data.catalogue import find, load
from tlzoo.forecast.classifier import Array, Classes, Indices, reduced
from tlzoo.forecast.compare import Look, spread
from tlzoo.forecast.curve import Abstention, Curve, Gain, Prediction, measured
from tlzoo.forecast.portfolio import complements, difference, together
from tlzoo.forecast.record import Curves, Order, Record
from tlzoo.forecast.resampling import resampled

MAX_EXAMPLES, SEEN, VISIBLE, DRAWS = 1_000, 300, 0.3, 3
"""Examples of a set; those that a forecast sees; the share of labels that a curve sees; how often that is drawn."""
MIN_MODELS = 5
Z = 1.645
"""Of 90% intervals."""


@dataclass(frozen=True)
class Trial:
    """Forecasts and truths of one half of a data set; arrays have shape ``(models,)``.

    Attributes:
        data_set: Its name.
        domain: Kind of its inputs.
        models: Their names.
        params: Numbers of parameters.
        forecast: Accuracies that are forecast.
        variance: What other examples would change of them.
        neighbours: Accuracies of nearest neighbours.
        log_evidence: LogME.
        h_score: H-scores.
        truth: Accuracies of a classifier on all labels of the half, tested on the other half.
        alike: The same with the labels that the forecast saw.
        test_variance: What other test examples would change of that.
        apart: What both would change of a model's difference from the mean of all models.
        seconds: That the forecast took, vectors apart.
    """

    data_set: str
    domain: str
    models: tuple[str, ...]
    params: Array
    forecast: Array
    variance: Array
    neighbours: Array
    log_evidence: Array
    h_score: Array
    truth: Array
    alike: Array
    test_variance: Array
    apart: float
    seconds: float


@dataclass(frozen=True)
class Portfolio:
    """The best model of half a data set together with those that complement it, as one model.

    Attributes:
        data_set: Its name.
        models: All of them, the best first.
        expected: What cross-fitting expects the others to add, with its 90% interval.
        added: What they add on the other half, with its 90% interval.
    """

    data_set: str
    models: tuple[str, ...]
    expected: tuple[float, float, float]
    added: tuple[float, float, float]


@dataclass(frozen=True)
class Hidden:
    """A curve of some labels, and what was measured with all: the accuracy, and what the hidden ones added."""

    data_set: str
    curve: Curve
    labels: int
    accuracy: float
    added: float


def taken(groups: Classes, count: int, seed: int) -> Indices:
    """Whole groups at random, until there are so many examples."""
    order = np.random.default_rng(seed).permutation(np.unique(groups))
    chosen: list[int] = []
    for group in order:
        if len(chosen) >= count:
            break
        chosen += np.flatnonzero(groups == group).tolist()
    return np.array(chosen)


def truth(vectors: Array, labels: Classes, groups: Classes, train: Indices, test: Indices) -> Array:
    """Whether a logistic regression, its penalty cross-validated, is right on each test example."""
    scale = StandardScaler().fit(vectors[train])
    turn = PCA(min(len(train) - 1, vectors.shape[1]), random_state=0).fit(scale.transform(vectors[train]))  # no loss
    fitted, held = (turn.transform(scale.transform(vectors[part])) for part in (train, test))
    count = max(2, min(3, len(np.unique(groups[train])), np.bincount(labels[train])[np.unique(labels[train])].min()))
    search = GridSearchCV(
        LogisticRegression(max_iter=300), {"C": [0.003, 0.03, 0.3]}, cv=StratifiedGroupKFold(count)
    ).fit(fitted, labels[train], groups=groups[train])
    return np.asarray(search.predict(held) == labels[test], dtype=np.float64)


def ranks(values: Array) -> Array:
    """Place of each value, the largest first; ties are shared."""
    return np.array([(values > each).sum() + ((values == each).sum() - 1) / 2 for each in values], dtype=np.float64)


def apart(drawn: Array) -> float:
    """Variance of a model's difference from the mean of all, over resamples ``(resamples, models)``."""
    models = drawn.shape[1]
    centred = drawn - drawn.mean(axis=1, keepdims=True)
    return float(centred.var(axis=0).mean() * models / (models - 1))


def looked_at(task: str, name: str) -> tuple[list[Trial], list[Hidden], list[Portfolio]]:
    """Both halves of a data set, curves of its models, and those that complement each other."""
    began = time.monotonic()
    source = find(task, name)
    data = Data.of(source, load(source))
    owner = np.unique(np.asarray(data.groups), return_inverse=True)[1]
    used = taken(owner, MAX_EXAMPLES, 0)[:MAX_EXAMPLES]
    frequent = {label for label, count in Counter(np.asarray(data.labels)[used].tolist()).items() if count >= 4}
    used = np.array([i for i in used if data.labels[i] in frequent])
    labels = np.unique(np.asarray(data.labels)[used], return_inverse=True)[1]
    groups = owner[used]
    runs = probes(data)
    vectors = [frozen_vectors(run, data, "cpu")[used] for run in runs]
    waited = time.monotonic() - began
    title = Path(name).stem
    trials, hidden, portfolios = [], [], []
    halves = StratifiedGroupKFold(2, shuffle=True, random_state=0).split(vectors[0], labels, groups)
    for train, test in halves:
        seen = train[taken(groups[train], SEEN, 1)]
        began = time.monotonic()
        local = np.unique(labels[seen], return_inverse=True)[1]
        names = [str(group) for group in groups[seen]]
        looks = [Look.at(each[seen], local, names) for each in vectors]
        seconds = time.monotonic() - began
        right = [look.right for look in looks]
        chosen, all_right = complements([look.few for look in looks], right, local, names)
        if len(chosen) > 1:
            single, several = (vectors[chosen[0]], np.hstack([vectors[place] for place in chosen]))
            tested_one, tested_all = (truth(each, labels, groups, train, test) for each in (single, several))
            portfolios.append(
                Portfolio(
                    title,
                    tuple(runs[place].checkpoint.name for place in chosen),
                    difference(all_right, right[chosen[0]], names),
                    difference(tested_all, tested_one, [str(group) for group in groups[test]]),
                )
            )
        drawn = resampled(np.stack(right, axis=1).astype(np.float64), names)
        on_all = np.stack([truth(each, labels, groups, train, test) for each in vectors], axis=1)
        on_seen = np.stack([truth(each, labels, groups, seen, test) for each in vectors], axis=1)
        tested = resampled(on_seen, [str(group) for group in groups[test]])
        trials.append(
            Trial(
                title,
                source.kind,
                tuple(run.checkpoint.name for run in runs),
                np.array([params_of(run) for run in runs], dtype=np.float64),
                np.stack(right, axis=1).mean(axis=0),
                drawn.var(axis=0),
                np.array([look.neighbours for look in looks]),
                np.array([look.log_evidence for look in looks]),
                np.array([look.h_score for look in looks]),
                on_all.mean(axis=0),
                on_seen.mean(axis=0),
                tested.var(axis=0),
                apart(drawn) + apart(tested),
                seconds,
            )
        )
    for each in vectors:
        names = [str(group) for group in groups]
        few = reduced(each)
        full = float(together([few], labels, names).mean())
        whole = measured(few, labels, names)
        start = float(np.interp(math.log(VISIBLE * len(labels)), np.log(whole.labels), whole.errors.mean(axis=0)))
        for seed in range(DRAWS):
            part = taken(groups, round(VISIBLE * len(labels)), 10 + seed)
            local = np.unique(labels[part], return_inverse=True)[1]
            curve = measured(reduced(each[part]), local, [str(group) for group in groups[part]])
            hidden.append(Hidden(title, curve, len(labels), full, start - float(whole.errors[:, -1].mean())))
    print(
        f"{title}: {len(labels)} examples of {len(frequent)} classes in {len(np.unique(groups))} groups, {len(runs)} "
        f"models; vectors {waited:.0f} s, a forecast {trials[0].seconds:.1f} s",
        flush=True,
    )
    return trials, hidden, portfolios


def order_of(name: str, trials: Sequence[Trial], score: Callable[[Trial], Array]) -> tuple[Order, list[float]]:
    """How good an order is, and the regret of its first on each data set; ``score`` gives more to the better."""
    in_three = first = 0
    regrets: dict[str, list[float]] = {}
    for trial in trials:
        place, is_best = ranks(score(trial)), trial.truth == trial.truth.max()
        in_three += bool((place[is_best] < 3).any())
        first += bool(is_best[place.argmin()])
        regrets.setdefault(trial.data_set, []).append(float(trial.truth.max() - trial.truth[place.argmin()]))
    regret = [float(np.mean(each)) for each in regrets.values()]
    order = Order(name, in_three, first, round(float(np.median(regret)), 4), round(float(np.mean(regret)), 4))
    return order, regret


def mean_rank(trials: Sequence[Trial]) -> Callable[[Trial], Array]:
    """Score by the mean true rank on the other data sets of the domain."""

    def score(trial: Trial) -> Array:
        others = [t for t in trials if t.domain == trial.domain and t.data_set != trial.data_set]
        return -np.mean([ranks(other.truth) for other in others], axis=0) if others else trial.params

    return score


def with_prior(trials: Sequence[Trial]) -> Callable[[Trial], Array]:
    """Score by the forecast, drawn towards what each model was worth on the other data sets of the domain.

    Each is weighted by its precision, as the other data sets have it: differences from the mean of all models.
    """

    def score(trial: Trial) -> Array:
        others = [t for t in trials if t.domain == trial.domain and t.data_set != trial.data_set]
        if len(others) < 4:
            return trial.forecast
        worth = np.stack([t.truth - t.truth.mean() for t in others])
        prior, spread_of_it = worth.mean(axis=0), float(worth.var(axis=0, ddof=1).mean())
        lacks = np.stack([(t.truth - t.truth.mean()) - (t.forecast - t.forecast.mean()) for t in others])
        weight = spread_of_it / (spread_of_it + float((lacks**2).mean()))
        shrunk: Array = weight * (trial.forecast - trial.forecast.mean()) + (1 - weight) * prior
        return shrunk

    return score


def show_portfolios(portfolios: Sequence[Portfolio]) -> None:
    """Print what several models together give, where cross-fitting chooses them."""
    print("\n| data set | models | expected of the others [90%] | added on the other half [90%] |\n|---|---|---:|---:|")
    for each in portfolios:
        expected, added = ("{:+.3f} [{:+.3f}, {:+.3f}]".format(*gain) for gain in (each.expected, each.added))
        print(f"| {each.data_set} | {', '.join(each.models)} | {expected} | {added} |")
    if portfolios:
        better, worse = (sum(sign * each.added[place] > 0 for each in portfolios) for sign, place in ((1, 1), (-1, 2)))
        mean = np.mean([each.added[0] for each in portfolios])
        print(f"{len(portfolios)} chosen, {mean:+.4f} in the mean, {better} better and {worse} worse for certain")


def variances(trials: Sequence[Trial]) -> tuple[float, float]:
    """What forecasts lack beyond sampling, by ``p * (1 - p)``: of a model, and the part that models do not share."""
    total, own, units = [], [], []
    for trial in trials:
        lacks = trial.alike - trial.forecast
        total.append(np.mean(lacks**2 - trial.variance - trial.test_variance))
        own.append(float(lacks.var(ddof=1)) - trial.apart)
        units.append(spread(trial.forecast).mean())
    unit = float(np.mean(units))
    return max(0.0, float(np.mean(total)) / unit), max(0.0, float(np.mean(own)) / unit)


def inside(trial: Trial, variance: float, with_test: bool) -> NDArray[np.bool_]:
    """Whether each interval, widened by a variance and by the test's own error, holds the truth."""
    more = variance * spread(trial.forecast) + (trial.test_variance if with_test else 0)
    return np.asarray(np.abs(trial.alike - trial.forecast) <= Z * np.sqrt(trial.variance + more))


def elsewhere(trials: Sequence[Trial], name: str) -> float:
    """The variance that all data sets but one say."""
    others = [trial for trial in trials if trial.data_set != name]
    return variances(others)[0] if others else 0.0


def coverage(trials: Sequence[Trial], with_test: bool, widened: bool) -> float:
    """Share of intervals that hold the truth; widened by what the other data sets say."""
    parts = [inside(t, elsewhere(trials, t.data_set) if widened else 0.0, with_test) for t in trials]
    return float(np.concatenate(parts).mean())


def curves_of(hidden: Sequence[Hidden]) -> Curves:
    """How well curves did, each widened by what the other data sets say; prints a line a data set."""

    def beyond(rows: Sequence[Hidden]) -> float:
        parts = []
        for row in rows:
            gain = row.curve.gain(row.labels)
            if isinstance(gain, Gain):
                sd = (gain.high - gain.value) / Z
                parts.append(((row.added - gain.value) ** 2 - sd**2) / math.log2(1 / VISIBLE) ** 2)
        return max(0.0, float(np.mean(parts))) if parts else 0.0

    made: list[tuple[float, bool]] = []
    gains: list[tuple[float, bool]] = []
    names = list(dict.fromkeys(row.data_set for row in hidden))
    print("\n| hidden labels | asked | predicted | median error | coverage | gains | median error | coverage |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|")

    def cells(pairs: Sequence[tuple[float, bool]]) -> str:
        if not pairs:
            return "0 | - | -"
        return f"{len(pairs)} | {np.median([a for a, _ in pairs]):.3f} | {np.mean([b for _, b in pairs]):.2f}"

    for name in names:
        more = beyond([row for row in hidden if row.data_set != name])
        of_set, gains_of_set = [], []
        for row in (row for row in hidden if row.data_set == name):
            curve = replace(row.curve, extra=more)
            at, gain = curve.at(row.labels), curve.gain(row.labels)
            if isinstance(at, Prediction):
                of_set.append((abs(at.accuracy - row.accuracy), at.low <= row.accuracy <= at.high))
            if not isinstance(gain, Abstention):
                gains_of_set.append((abs(gain.value - row.added), gain.low <= row.added <= gain.high))
        count = sum(row.data_set == name for row in hidden)
        print(f"| {name} | {count} | {cells(of_set)} | {cells(gains_of_set)} |")
        made += of_set
        gains += gains_of_set
    print(f"| all | {len(hidden)} | {cells(made)} | {cells(gains)} |")
    return Curves(
        len(names),
        len(hidden),
        len(made),
        round(float(np.median([error for error, _ in made])), 4) if made else 0.0,
        round(float(np.mean([inside for _, inside in made])), 3) if made else 0.0,
        len(gains),
        round(float(np.median([error for error, _ in gains])), 4) if gains else 0.0,
        round(float(np.mean([inside for _, inside in gains])), 3) if gains else 0.0,
        round(beyond(hidden), 6),
    )


def summary(trials: Sequence[Trial], hidden: Sequence[Hidden]) -> Record:
    """The record, with its tables printed."""
    orders = {
        "forecast": lambda trial: trial.forecast + 1e-9 * trial.params / trial.params.max(),
        "parameters": lambda trial: trial.params,
        "mean rank elsewhere": mean_rank(trials),
        "forecast with prior": with_prior(trials),
        "nearest neighbours": lambda trial: trial.neighbours,
        "LogME": lambda trial: trial.log_evidence,
        "H-score": lambda trial: trial.h_score,
    }
    results = {name: order_of(name, trials, score) for name, score in orders.items()}
    names = list(dict.fromkeys(trial.data_set for trial in trials))
    print("\n| data set | best | " + " | ".join(f"regret: {name}" for name in results) + " | coverage | seconds |")
    print("|---|---|" + "---:|" * (len(results) + 2))
    for place, name in enumerate(names):
        both = [trial for trial in trials if trial.data_set == name]
        best = " or ".join(dict.fromkeys(trial.models[int(trial.truth.argmax())] for trial in both))
        share = np.concatenate([inside(trial, elsewhere(trials, name), with_test=True) for trial in both]).mean()
        regrets = " | ".join(f"{regret[place]:.3f}" for _, regret in results.values())
        print(f"| {name} | {best} | {regrets} | {share:.2f} | {np.mean([t.seconds for t in both]):.1f} |")
    print("\n| order | best in three | best first | median regret | mean regret |\n|---|---:|---:|---:|---:|")
    for order, _ in results.values():
        print(f"| {order.name} | {order.in_three} | {order.first} | {order.regret:.4f} | {order.mean_regret:.4f} |")
    for with_test in (False, True):
        shares = [f"{coverage(trials, with_test, widened):.3f}" for widened in (False, True)]
        print(f"coverage {'with' if with_test else 'without'} the test's error: plain {shares[0]}, widened {shares[1]}")
    apart = np.concatenate([trial.truth - trial.forecast for trial in trials])
    alike = np.concatenate([trial.alike - trial.forecast for trial in trials])
    print(f"truth less forecast: {alike.mean():+.4f} with the same labels, {apart.mean():+.4f} with all")
    total, own = variances(trials)
    print(f"variance beyond sampling {total:.6f}, of it not shared {own:.6f}")
    return Record(
        tuple(names),
        len(trials),
        len({(trial.domain, model) for trial in trials for model in trial.models}),
        results["forecast"][0],
        tuple(results[name][0] for name in ("parameters", "mean rank elsewhere")),
        round(coverage(trials, with_test=True, widened=True), 3),
        round(total, 6),
        round(min(own, total), 6),
        curves_of(hidden),
    )


def main() -> None:
    """Look at all data sets, print tables, and write the summary where one is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", nargs="+", metavar="TASK=DATA")
    parser.add_argument("--write", type=Path)
    options = parser.parse_args()
    began = time.monotonic()
    trials: list[Trial] = []
    hidden: list[Hidden] = []
    portfolios: list[Portfolio] = []
    for each in options.data:
        task, _, name = each.partition("=")
        more_trials, more_hidden, more_portfolios = looked_at(task, name)
        if len(more_trials[0].models) < MIN_MODELS:
            print(f"{name}: left out, {len(more_trials[0].models)} models")
            continue
        trials += more_trials
        hidden += more_hidden
        portfolios += more_portfolios
    show_portfolios(portfolios)
    record = summary(trials, hidden)
    print(f"\n{record.sentence()}\n{time.monotonic() - began:.0f} s")
    if options.write:
        options.write.write_text(json.dumps(asdict(record), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
