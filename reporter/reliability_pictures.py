"""Which figures a reliability report has, and where they lie."""

from collections.abc import Mapping
from pathlib import Path

from reporter.attribution import attributions
from reporter.fault_windows import met_faults
from reporter.runs import Run
from reporter.sections.attribution import waterfall_name
from reporter.sections.reliability.course import has_course
from reporter.timeline import timeline


def draw(runs: Mapping[str, Run], folder: Path) -> dict[str, str]:
    """Of each run that met faults its course, by scenario, and a waterfall of its jobs, into `folder`.

    Returns where each is, as seen from `folder`'s parent.
    """
    from reporter.figures.course import course  # noqa: PLC0415 - matplotlib takes a second, which `--help` should not pay
    from reporter.figures.waterfall import waterfall  # noqa: PLC0415 - as above

    paths = {}
    for scenario, run in runs.items():
        found = timeline(run) if has_course(run) else None
        if found is not None:
            paths[scenario] = course(found, f"{scenario}: {run.info.title}", folder / f"reliability_{scenario}.svg")
        if met_faults(run) and (jobs := attributions(run)):
            path = folder / f"reliability_waterfall_{scenario}.svg"
            paths[waterfall_name(scenario)] = waterfall(jobs, path)
    return {name: f"{folder.name}/{path.name}" for name, path in paths.items()}
