"""What more labels would give, in a line."""

from __future__ import annotations

from tlzoo.forecast.compare import Forecast
from tlzoo.forecast.curve import FACTORS, Abstention, Prediction


def more_labels(model: Forecast) -> str:
    """What twice and four times the labels would give of a model, or that its curve does not say.

    Where the accuracy itself is too uncertain, the line says what they add. The curve is that of a linear classifier on
    frozen vectors, also where training the whole network gave more.
    """
    curve = model.curve
    now = len(curve.errors)
    how = "" if model.tuned is None else " and a head alone"
    start = f"more labels, with {model.model}{how}: {now:,} labels: {_points(curve.accuracy)}"
    parts: list[str] = []
    for factor in FACTORS:
        count = factor * now
        gain, there = curve.gain(count), curve.at(count)
        if isinstance(gain, Abstention):
            if not parts:
                return f"more labels: the curve of {model.model} does not say ({gain.reason})"
            break
        if isinstance(there, Prediction):
            parts.append(f"{count:,}: {_points(there.accuracy)} [{_points(there.low)}, {_points(there.high)}]")
        else:
            parts.append(f"{count:,}: +{_points(gain.value)} [+{_points(gain.low)}, +{_points(gain.high)}]")
    hardly = curve.gain(FACTORS[0] * now)
    end = "; more labels hardly help" if not isinstance(hardly, Abstention) and hardly.is_small else ""
    return "; ".join([start, *parts]) + end


def _points(share: float) -> str:
    """Accuracy with two digits and no leading zero."""
    return f"{share:.2f}".removeprefix("0")
