"""The performance report: one Markdown file and its figures, from the folders of runs, without Prometheus."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from contract.errors import UsageError
from contract.suites import PERFORMANCE
from reporter.markdown import document
from reporter.newest import newest_by_scenario
from reporter.pictures import draw
from reporter.recommendations import recommendations
from reporter.rungs import Rung, ladder, rung
from reporter.runs import Run
from reporter.sections import (
    api,
    appendix,
    attribution,
    breakdown,
    calibration,
    components,
    counts,
    headline,
    key_metrics,
    load,
    method,
    response,
    scalability,
)
from reporter.sections.recommendations import recommendations as advice
from reporter.stamp import usable

SCENARIOS = PERFORMANCE
"""What the report is about; others that are given get their rows and their method too."""
ONE_BY_ONE = ("single", "api", "components")
"""Scenarios that are not about load."""

PREAMBLE = (
    "A document goes in, a narrated video comes out. This report says how fast, with the method behind each figure. "
    "A figure nobody measured is “no data”; a scenario nobody ran is “not run”."
)


def write_performance_report(runs: Sequence[Path], out: Path) -> Path:
    """Writes the report to `out` and its figures to `figures/` beside it; of two runs of a scenario the newest counts.

    Raises UsageError where a folder is not a run's. Returns `out`.
    """
    if not runs:
        raise UsageError("A performance report needs at least one run: make scenario NAME=single")
    chosen = newest_by_scenario([Run.load(folder) for folder in runs])
    ladders = ladders_of(chosen)
    out.parent.mkdir(parents=True, exist_ok=True)
    pictures = draw(base_of(chosen), component_run(chosen), ladders, out.parent / "figures")
    out.write_text(performance_text(chosen, ladders, pictures), encoding="utf-8")
    return out


def ladders_of(chosen: Mapping[str, Run]) -> dict[str, Sequence[Rung]]:
    """The figures of each scenario that is about load, rung by rung; of one without rungs, its own."""
    found = {name: ladder(run) for name, run in chosen.items() if name not in ONE_BY_ONE}
    if "concurrent" in found and "single" in chosen:
        found["concurrent"] = _from_one_user(chosen["single"], found["concurrent"])
    return found


def _from_one_user(single: Run, rungs: Sequence[Rung]) -> Sequence[Rung]:
    """A sweep that begins with more than one user goes on from `single`, where that met the same conditions."""
    same = usable(single) and all(
        (one.run.info.workload, one.run.info.machine, one.run.info.document.sha256)
        == (single.info.workload, single.info.machine, single.info.document.sha256)
        for one in rungs
    )
    return [rung(single), *rungs] if same and all(one.users != 1 for one in rungs) else rungs


def base_of(chosen: Mapping[str, Run]) -> Run:
    """What is told in detail: one job after another, else what comes nearest to it."""
    if "single" in chosen:
        return chosen["single"]
    parts = [part for run in chosen.values() for part in run.parts]
    return next((part for part in parts if part.responses), parts[0])


def component_run(chosen: Mapping[str, Run]) -> Run:
    return chosen.get("components") or base_of(chosen)


def performance_text(
    chosen: Mapping[str, Run], ladders: Mapping[str, Sequence[Rung]], pictures: Mapping[str, str]
) -> str:
    """The report as Markdown. `pictures` are the figures by name, as seen from the report; one may be missing."""
    runs, base, parts = list(chosen.values()), base_of(chosen), component_run(chosen)
    rungs = ladders.get("concurrent", ())
    fit = scalability.fit_of(rungs)
    sections = [
        ("", [PREAMBLE, *headline.headline(runs, SCENARIOS)]),
        ("Key metrics", key_metrics.key_metrics(chosen.get("single"), chosen.get("concurrent"), rungs)),
        ("Recommendations", advice(*recommendations(chosen, ladders, fit))),
        ("Response time", response.response_time(base, pictures.get("response"))),
        ("Concurrent load", load.concurrent_load(ladders, pictures)),
        ("Scalability", scalability.scalability(rungs, fit, pictures.get("scalability"))),
        ("API latency", api.api_latency(chosen.get("api", base))),
        (
            "Component analysis",
            [
                *breakdown.where_time_goes(parts, pictures.get("time")),
                *attribution.attribution_of(parts, pictures.get("waterfall")),
                *components.components(parts),
                *components.processor_time(parts),
            ],
        ),
        ("Calibration", calibration.calibration(base, runs)),
        ("Success rate", counts.success_rate(runs)),
        ("Counts and books", [*counts.balances(runs), *counts.of_run(base)]),
        ("Method", [*method.definitions(), *method.method(runs)]),
        ("Appendix: PromQL", [block for run in runs for block in appendix.appendix(run)]),
    ]
    return document("Performance report", sections)
