"""Which figures a performance report has, and where they lie."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from reporter.attribution import attributions
from reporter.breakdown import breakdowns, median_breakdown
from reporter.rungs import Rung
from reporter.runs import Run
from reporter.sections.scalability import FURTHER, cpu_bound, fit_of
from reporter.stamp import response_limit


def draw(base: Run, components: Run, ladders: Mapping[str, Sequence[Rung]], folder: Path) -> dict[str, str]:
    """Draws what there is data for into `folder`; where each figure is, as seen from `folder`'s parent."""
    from reporter.figures import load, single, waterfall  # noqa: PLC0415 - matplotlib takes a second, which `--help` should not pay

    paths: dict[str, Path] = {}
    if base.responses:
        paths["response"] = single.response_time(
            base.responses, response_limit(base), folder / "performance_response.svg"
        )
    if found := breakdowns(components.measured):
        paths["time"] = single.job_time(median_breakdown(found), folder / "performance_time.svg")
    if lived := attributions(components):
        paths["waterfall"] = waterfall.waterfall(lived, folder / "performance_waterfall.svg")
    for scenario, rungs in ladders.items():
        known = [rung for rung in rungs if rung.offered and rung.throughput is not None]
        if len(known) > 1:
            paths[f"load {scenario}"] = load.by_load(known, folder / f"performance_load_{scenario}.svg")
    rungs = ladders.get("concurrent", ())
    fit = fit_of(rungs)
    if fit is not None:
        path = folder / "performance_scalability.svg"
        paths["scalability"] = load.scalability(fit, FURTHER * max(fit.users), cpu_bound(rungs), path)
    return {name: f"{folder.name}/{path.name}" for name, path in paths.items()}
