"""The reliability report: one Markdown file and its figures, from the folders of runs, without Prometheus."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from contract.errors import UsageError
from contract.suites import RELIABILITY
from reporter.markdown import document
from reporter.newest import in_order
from reporter.queries import LATENCIES
from reporter.reliability_pictures import draw
from reporter.reliability_recommendations import RULES, recommendations
from reporter.runs import Run
from reporter.sections import appendix, attribution, counts, headline
from reporter.sections.recommendations import recommendations as advice
from reporter.sections.reliability import (
    breakers,
    cancellation,
    course,
    integrity,
    key_metrics,
    ledger,
    method,
    normal,
    partial,
    recovery,
    repair,
)

SCENARIOS = RELIABILITY
"""What the report is about; others that are given get their rows, their figure and their method too."""

PREAMBLE = (
    "A document goes in, a narrated video comes out, and on the way providers fail, processes die and clients change "
    "their minds. This report says what became of the jobs, with the method behind each figure. A figure nobody "
    "measured is “no data”; a scenario nobody ran is “not run”."
)


def write_reliability_report(runs: Sequence[Path], out: Path) -> Path:
    """Writes the report to `out` and its figures to `figures/` beside it; of two runs of a scenario the newest counts.

    Raises UsageError where a folder is not a run's. Returns `out`.
    """
    if not runs:
        raise UsageError("A reliability report needs at least one run: make scenario NAME=normal")
    chosen = in_order([Run.load(folder) for folder in runs], SCENARIOS)
    out.parent.mkdir(parents=True, exist_ok=True)
    pictures = draw(chosen, out.parent / "figures")
    out.write_text(reliability_text(chosen, pictures), encoding="utf-8")
    return out


def reliability_text(chosen: Mapping[str, Run], pictures: Mapping[str, str]) -> str:
    """The report as Markdown. `pictures` are the figures by name, as seen from the report; one may be missing."""
    runs = list(chosen.values())
    own = {name: run for name, run in chosen.items() if name in SCENARIOS}
    sections = [
        ("", [PREAMBLE, *headline.headline(runs, SCENARIOS)]),
        ("Key metrics", key_metrics.key_metrics(own)),
        ("Recommendations", advice(*recommendations(chosen), RULES)),
        ("Success under normal conditions", normal.normal(chosen)),
        ("Error recovery", recovery.error_recovery(chosen)),
        ("Recovery time", repair.recovery_time(chosen)),
        ("Circuit breakers", breakers.breaker_effectiveness(chosen)),
        ("Partial failures", partial.partial_failures(chosen)),
        ("Cancellation", cancellation.cancellation(chosen)),
        ("Data integrity", integrity.data_integrity(chosen)),
        ("Counts and books", [*counts.seven_counts(runs), *counts.balances(runs)]),
        ("Faults", ledger.fault_ledger(chosen)),
        ("Backlog", course.backlog(chosen)),
        ("Against time", course.courses(chosen, pictures)),
        ("Where the time went", attribution.attribution_by_run(chosen, pictures)),
        ("Reliability score", key_metrics.reliability_score(own)),
        ("Method", method.method(runs)),
        ("Appendix: PromQL", [block for run in runs for block in appendix.appendix(run, LATENCIES)]),
    ]
    return document("Reliability report", sections)
