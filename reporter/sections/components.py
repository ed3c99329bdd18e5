"""The components that a job goes through, each by itself, and the CPU they cost."""

from collections.abc import Sequence

from contract.calls import Provider
from contract.jobs import Stage
from reporter.cost import SERVICE, TITLES, cost
from reporter.markdown import NO_DATA, NONE, figure, millis, percent, table
from reporter.rungs import rung
from reporter.runs import Run
from reporter.statistics import Summary, supported_percentile


def components(run: Run) -> list[str]:
    """Latency of each component, over all of its calls or executions."""
    timings = [job.timings for job in run.measured if job.timings]
    rows = []
    for provider in Provider:
        taken = [call.seconds for timed in timings for call in timed.calls if call.provider is provider]
        rows.append(_row(f"{provider.upper()} call", taken))
    for stage in Stage:
        spent = [timing.seconds for timed in timings for timing in timed.stages if timing.stage is stage]
        rows.append(_row(f"stage {stage}", spent))
    for stage in (Stage.PARSE, Stage.ASSEMBLE):
        cpu = [t.cpu for timed in timings for t in timed.stages if t.stage is stage and t.cpu is not None]
        rows.append(_row(f"stage {stage}, CPU", cpu))
    return [
        (
            "Each component by itself, from the records of the jobs. Narration (TTS) and visual of all scenes run side "
            "by side within the stage `scenes`, so these do not sum."
        ),
        table(("Component", "n", "Mean", "± sd", "P50", "P95", "P99", "Max"), rows, "lrrrrrrr"),
    ]


def _row(name: str, values: Sequence[float]) -> tuple[str, ...]:
    whole = Summary.of(values)
    if whole is None:
        return name, "0", *(NO_DATA,) * 6
    percentiles = [supported_percentile(values, q) for q in (0.5, 0.95, 0.99)]
    shown = [millis(p.value) if p and p.supported else "n too small" for p in percentiles]
    spread = NONE if whole.stddev is None else millis(whole.stddev)
    return name, str(whole.n), millis(whole.mean), spread, *shown, millis(whole.maximum)


def processor_time(run: Run) -> list[str]:
    """CPU time per completed job, by who spends it."""
    found = cost(run)
    if found is None:
        return [f"CPU time of the processes: {NO_DATA}."]
    names = [*(name for name in TITLES if name in found.parts), *(name for name in found.parts if name not in TITLES)]
    rows = [(TITLES.get(name, name), *_cost_cells(found.parts[name], found.service, name in SERVICE)) for name in names]
    rows.append(("**the service**", f"**{millis(found.service)}**", percent(1.0)))
    used = rung(run).cores_used
    return [
        (
            "CPU time per completed job, by PromQL. Parse and assemble run in processes of their own, without which "
            "the workers' figure is. The mocked providers and the load generator run on the same machine and are no "
            f"part of the service. All together used {figure(used)} cores while jobs were under way."
        ),
        table(("Part", "CPU per job", "Share of the service"), rows, "lrr"),
    ]


def _cost_cells(spent: float, service: float, counted: bool) -> tuple[str, str]:  # noqa: FBT001 - private
    return millis(spent), percent(spent / service) if counted else NONE
