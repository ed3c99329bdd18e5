"""The reliability score: a plain weighted mean of shares, each from the scenario that is about it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from reporter.indicator import Indicator, share
from reporter.indicators import indicators
from reporter.markdown import NO_DATA
from reporter.runs import Run
from reporter.stamp import successes_of, unquotable


@dataclass(frozen=True, slots=True)
class Term:
    """What goes into the score, with its weight; `of` gives a share of 1."""

    title: str
    scenario: str
    weight: int
    definition: str
    of: Callable[[Run], Indicator]


@dataclass(frozen=True, slots=True)
class Input:
    """A term with its figure; `why` says what stands in place of one that is unknown."""

    term: Term
    found: Indicator
    why: str | None


def _normal(run: Run) -> Indicator:
    return share(*successes_of(run))


def _integrity(run: Run) -> Indicator:
    if run.result is None:
        return Indicator(None)
    return Indicator(run.result.integrity.share, run.result.integrity.named)


def _named(indicator: str) -> Callable[[Run], Indicator]:
    return lambda run: indicators(run)[indicator]


SUCCESS = Term("success under normal conditions", "normal", 3, "jobs completed / attempted", _normal)
RECOVERY = Term(
    "recovery of jobs",
    "tts-failures",
    2,
    "jobs of which a call failed, that were delivered / jobs of which a call failed",
    _named("job_recovery"),
)
INTEGRITY = Term(
    "data integrity",
    "data-integrity",
    3,
    "the lower of sound assets / named assets and sound videos / jobs inspected",
    _integrity,
)
TERMS = (
    SUCCESS,
    RECOVERY,
    INTEGRITY,
    Term(
        "delivery in spite of lost scenes",
        "partial-failures",
        1,
        "jobs completed or partial / attempted",
        _named("delivered_rate"),
    ),
    Term("success after repair", "llm-outage", 1, "jobs completed / due after the outage", _named("success_after")),
)


def inputs(runs: Mapping[str, Run]) -> list[Input]:
    """By scenario. A figure of an INVALID run is unknown."""
    return [input_of(term, runs) for term in TERMS]


def input_of(term: Term, runs: Mapping[str, Run]) -> Input:
    run = runs.get(term.scenario)
    why = unquotable(run)
    if run is None or why is not None:
        return Input(term, Indicator(None), why)
    found = term.of(run)
    return Input(term, found, NO_DATA if found.value is None else None)


def score(found: list[Input]) -> float | None:
    """From 0 to 1; None as long as one input is unknown, which is neither 0 nor left out."""
    known = [(one.term.weight, one.found.value) for one in found if one.found.value is not None]
    if len(known) < len(found):
        return None
    return sum(weight * value for weight, value in known) / sum(weight for weight, _ in known)
