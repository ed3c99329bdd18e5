"""The lines that a paper quotes, and the score with everything that it rests on."""

from collections.abc import Mapping, Sequence
from statistics import fmean

from reporter.fault_windows import last_timed
from reporter.indicator import Indicator
from reporter.indicators import indicators
from reporter.markdown import NO_DATA, NONE, NOT_RUN, fenced, percent, table
from reporter.recovery import arrival_gap
from reporter.runs import Run
from reporter.score import INTEGRITY, RECOVERY, SUCCESS, Input, Term, input_of, inputs, score
from reporter.stamp import Word, unquotable, usable


def key_metrics(runs: Mapping[str, Run]) -> list[str]:
    """`runs` are the report's own scenarios. What an INVALID run measured is not quoted."""
    lines = (
        f"Success rate: {_share(SUCCESS, runs)}",
        f"Recovery rate: {_share(RECOVERY, runs)}",
        f"MTTR: {_mean_time(runs)}",
        f"Data integrity: {_share(INTEGRITY, runs)}",
        f"Reliability score: {_score(inputs(runs))}",
    )
    return [
        "For a paper:",
        fenced("\n".join(lines)),
        (
            f"The success rate is that of the scenario `{SUCCESS.scenario}`, the recovery rate the job recovery "
            f"of `{RECOVERY.scenario}`, data integrity that of `{INTEGRITY.scenario}`. {_mean_of_what(runs)}"
        ),
    ]


def _share(term: Term, runs: Mapping[str, Run]) -> str:
    """With what it rests on: the line is meant to be copied."""
    found = input_of(term, runs)
    note = f"; {found.found.note}" if found.found.note else ""
    return found.why or f"{100 * (found.found.value or 0.0):.1f}% (n = {found.found.n}{note})"


def _score(found: Sequence[Input]) -> str:
    value = score(list(found))
    if value is not None:
        return f"{value:.3f}"
    unknown = ", ".join(f"{one.term.scenario}: {one.why}" for one in found if one.why)
    return f"{NO_DATA} ({unknown})"


def times_to_recovery(runs: Mapping[str, Run]) -> dict[str, Indicator]:
    """Of the runs that may be quoted and met a fault with an end of its own, by scenario."""
    return {name: indicators(run)["mttr"] for name, run in runs.items() if usable(run) and last_timed(run)}


def _mean_time(runs: Mapping[str, Run]) -> str:
    found = times_to_recovery(runs)
    unknown = [f"{name}: {one.note or NO_DATA}" for name, one in found.items() if one.value is None]
    if unknown:
        return f"{NO_DATA} ({'; '.join(unknown)})"
    if not found:
        return next((why for run in runs.values() if last_timed(run) and (why := unquotable(run))), NOT_RUN)
    return f"{fmean(one.value for one in found.values() if one.value is not None):.2f}s"


def _mean_of_what(runs: Mapping[str, Run]) -> str:
    known = [
        f"{one.value:.2f} s in `{name}` (known to {_resolution(runs[name])})"
        for name, one in times_to_recovery(runs).items()
        if one.value is not None
    ]
    told = f": {', '.join(known)}" if known else ""
    return (
        f"MTTR is the mean over the scenarios above whose faults have an end{told}; it tells when the jobs were due "
        "that succeeded again, and they may have waited, as the section on recovery time shows."
    )


def _resolution(run: Run) -> str:
    gap = arrival_gap(run)
    return NO_DATA if gap is None else f"{gap:.2f} s"


def reliability_score(runs: Mapping[str, Run]) -> list[str]:
    """The formula with its numbers; an unknown input leaves the score unknown."""
    found = inputs(runs)
    total = sum(one.term.weight for one in found)
    rows = [
        (
            one.term.title,
            f"`{one.term.scenario}`",
            one.term.definition,
            str(one.term.weight),
            one.why or percent(one.found.value, 2),
            NONE if one.found.n is None or one.why else str(one.found.n),
        )
        for one in found
    ]
    sums = " + ".join(f"{one.term.weight} × {_known(one)}" for one in found)
    return [
        f"Reliability score: **{_score(found)}**",
        (
            "A plain weighted mean of shares from 0 to 1: what every user meets every day and what nobody can mend "
            "afterwards weigh three, what retries save two, what is left of a bad day one. A share that is unknown is "
            f"neither 0 nor left out: then there is no score, and no run that is {Word.INVALID} gives one."
        ),
        table(("Input", "Scenario", "Definition", "Weight", "Share", "n"), rows, "lllrrr"),
        fenced(f"({sums}) / {total} = {_score(found)}"),
    ]


def _known(one: Input) -> str:
    return NO_DATA if one.found.value is None else f"{one.found.value:.4f}"
