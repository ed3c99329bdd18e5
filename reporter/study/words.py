"""How figures of several runs are written: with their unit, their sign and their interval."""

from reporter.markdown import NO_DATA, figure
from reporter.pricing import load_prices, price_file
from reporter.statistics import CONFIDENCE
from reporter.study.comparison import Row, Word
from reporter.study.inference import Inference
from reporter.study.measures import Measure

SCALES = {"ratio": (100.0, "%", "pp")}
"""Factor, unit of a value and unit of a difference, where they are not the measure's own."""


def amount(measure: Measure, value: float | None) -> str:
    factor, unit, _ = _scale(measure)
    return NO_DATA if value is None else figure(factor * value, unit)


def difference(measure: Measure, found: Inference | None, confidence: float = CONFIDENCE) -> str:
    """With its interval."""
    if found is None:
        return NO_DATA
    factor, _, unit = _scale(measure)
    low, high = (factor * end for end in found.interval(confidence))
    return f"{_signed(factor * found.value)} ({_signed(low)} to {_signed(high)}) {unit}".rstrip()


def interval(measure: Measure, found: Inference | None) -> str:
    if found is None:
        return NO_DATA
    factor, unit, _ = _scale(measure)
    low, high = (factor * end for end in found.interval())
    return f"{figure(low)} to {figure(high, unit)}"


def ratio(row: Row, confidence: float = CONFIDENCE) -> str:
    """With its interval."""
    found = row.ratio_interval(confidence)
    if found is None:
        return NO_DATA
    value, low, high = found
    return f"{value:.3f} ({low:.3f} to {high:.3f})"


def probability(p: float | None) -> str:
    if p is None:
        return NO_DATA
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def verdict(row: Row) -> str:
    return f"**{row.word}**" if row.word in {Word.BETTER, Word.WORSE} else str(row.word)


def _scale(measure: Measure) -> tuple[float, str, str]:
    if measure.unit == "money":
        currency = load_prices(price_file()).currency
        return 1.0, currency, currency
    return SCALES.get(measure.unit, (1.0, measure.unit, measure.unit))


def _signed(value: float) -> str:
    return f"{value:+,.3g}" if abs(value) < 1000 else f"{value:+,.0f}"
