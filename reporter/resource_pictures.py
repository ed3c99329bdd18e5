"""Which figures a resources report has, and where they lie."""

from collections.abc import Mapping
from pathlib import Path

from reporter.cost import cost
from reporter.memory import series
from reporter.pricing import Prices
from reporter.runs import Run
from reporter.sections.resources.cost import bills
from reporter.stamp import usable

ALONG = ("job-profile", "leak", "leak-long", "soak")
"""Scenarios whose memory is drawn along the run."""


def draw(runs: Mapping[str, Run], prices: Prices, folder: Path) -> dict[str, str]:
    """Draws what there is data for into `folder`; where each figure is, as seen from `folder`'s parent."""
    from reporter.figures import bill, resources  # noqa: PLC0415 - matplotlib takes a second, which `--help` should not pay

    paths: dict[str, Path] = {}
    for name in ALONG:
        run = runs.get(name)
        if run is not None and usable(run) and run.info.window and (found := series(run)):
            ends = [job.held for job in run.measured if job.held is not None]
            path = folder / f"resources_memory_{name}.svg"
            paths[f"memory {name}"] = resources.memory(found, ends, run.info.window.start, path)
    parts = [part for name in ("job-profile", "scaling") if (run := runs.get(name)) for part in run.parts]
    costs = {part.name: price for part in parts if usable(part) and (price := cost(part))}
    if costs:
        paths["cpu"] = resources.cpu_by_stage(costs, folder / "resources_cpu.svg")
    if known := bills(runs, prices):
        paths["cost"] = bill.cost(known, prices.currency, folder / "resources_cost.svg")
    return {name: f"{folder.name}/{path.name}" for name, path in paths.items()}
