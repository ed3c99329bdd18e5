"""Which figures a reliability report has, and where they lie."""

from collections.abc import Mapping
from pathlib import Path

from reporter.runs import Run
from reporter.sections.reliability.course import has_course
from reporter.timeline import timeline


def draw(runs: Mapping[str, Run], folder: Path) -> dict[str, str]:
    """One for each run that met faults, into `folder`; where it is by scenario, as seen from `folder`'s parent."""
    from reporter.figures.course import course  # noqa: PLC0415 - matplotlib takes a second, which `--help` should not pay

    paths = {}
    for scenario, run in runs.items():
        found = timeline(run) if has_course(run) else None
        if found is not None:
            paths[scenario] = course(found, f"{scenario}: {run.info.title}", folder / f"reliability_{scenario}.svg")
    return {scenario: f"{folder.name}/{path.name}" for scenario, path in paths.items()}
