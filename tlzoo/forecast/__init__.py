"""Which model for data that nobody has evaluated, and how many more labels: from frozen vectors, in a minute."""

from tlzoo.forecast.compare import Forecast, Forecasts, forecast
from tlzoo.forecast.curve import Abstention, Curve, Gain, Prediction, measured

__all__ = ["Abstention", "Curve", "Forecast", "Forecasts", "Gain", "Prediction", "forecast", "measured"]
