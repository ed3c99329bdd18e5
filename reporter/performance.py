"""The performance report: one Markdown file and its figures, from the folders of runs, without Prometheus."""

from collections.abc import Sequence
from pathlib import Path

from contract.errors import UsageError
from reporter.breakdown import breakdowns, median_breakdown
from reporter.markdown import NOT_RUN
from reporter.runs import Run, newest_by_scenario
from reporter.sections import api, appendix, breakdown, calibration, components, counts, headline, method, response
from reporter.stamp import response_limit

SCENARIOS = ("single", "concurrent", "api", "components")
"""What the report is about; others that are given get their rows and their method too."""

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
    base = chosen.get("single") or next(iter(chosen.values()))
    out.parent.mkdir(parents=True, exist_ok=True)
    pictures = draw(base, out.parent / "figures")
    sections = [
        ("", [PREAMBLE, *headline.headline(list(chosen.values()), SCENARIOS)]),
        ("Key metrics", response.key_metrics(chosen.get("single"), [])),
        ("Response time", response.response_time(base, pictures.get("response"))),
        ("Where the time goes", breakdown.where_time_goes(base, pictures.get("time"))),
        ("API latency", api.api_latency(chosen.get("api", base))),
        ("Component analysis", [*components.stages(base), *components.processor_time(base)]),
        ("Calibration", calibration.calibration(base)),
        ("Success rate", counts.success_rate(base)),
        ("Counts and books", [*counts.counts(base), *counts.books(base), *counts.provider_calls(base)]),
        ("Concurrent load", [f"Scenario `concurrent`: {NOT_RUN}."]),
        ("Scalability", [f"Scenario `concurrent`: {NOT_RUN}, so nothing is fitted and nothing recommended."]),
        ("Method", [*method.definitions(), *(block for run in chosen.values() for block in method.method(run))]),
        ("Appendix: PromQL", [block for run in chosen.values() for block in appendix.appendix(run)]),
    ]
    blocks = ["# Performance report"]
    for title, content in sections:
        blocks += [f"## {title}"] * bool(title) + content
    out.write_text("\n\n".join(blocks) + "\n", encoding="utf-8")
    return out


def draw(run: Run, folder: Path) -> dict[str, str]:
    """Draws what the run has data for; where each figure is, as seen from `folder`'s parent."""
    from reporter import figures  # noqa: PLC0415 - matplotlib takes a second to import, which `--help` should not pay

    pictures = {}
    if run.responses:
        path = folder / "performance_response.svg"
        figures.response_time(run.responses, response_limit(run), path)
        pictures["response"] = f"{folder.name}/{path.name}"
    if found := breakdowns(run.measured):
        path = folder / "performance_time.svg"
        figures.job_time(median_breakdown(found), path)
        pictures["time"] = f"{folder.name}/{path.name}"
    return pictures
