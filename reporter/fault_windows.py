"""When what was broken: the faults of a run, those of providers and those of processes, in one time."""

from collections.abc import Sequence
from dataclasses import dataclass

from contract.calls import Provider
from contract.catalogue import Phase
from contract.runfolder import JobRecord
from reporter.runs import Run


@dataclass(frozen=True, slots=True)
class FaultWindow:
    """Unix seconds. A fault that is not `timed` lasts until the load ends. `end` None: nobody saw its end."""

    what: str
    start: float
    end: float | None
    timed: bool
    provider: Provider | None = None


def fault_windows(run: Run) -> list[FaultWindow]:
    """In the order of the plan, faults of processes last."""
    return [*_of_providers(run), *_of_processes(run)]


def _of_providers(run: Run) -> list[FaultWindow]:
    start, found = run.info.faults_start, []
    if start is None:
        return []
    for fault in run.info.provider_faults:
        begun = start + fault.at
        end = load_end(run) if fault.duration is None else begun + fault.duration
        what = f"{fault.provider} {fault.kind}".replace("_", " ")
        found.append(FaultWindow(what, begun, end, fault.duration is not None, fault.provider))
    return found


def _of_processes(run: Run) -> list[FaultWindow]:
    return [FaultWindow(f"{fault.target} {fault.kind}", fault.start, fault.end, timed=True) for fault in run.faults]


def last_timed(run: Run) -> FaultWindow | None:
    """The timed fault that ended last; one whose end nobody saw is later than all others."""
    timed = [window for window in fault_windows(run) if window.timed]
    return max(timed, key=lambda window: (window.end is None, window.end or 0.0), default=None)


def due_after(run: Run, moment: float) -> list[JobRecord]:
    """The measured jobs due at `moment` or later, in the order in which they were due."""
    return sorted((job for job in run.measured if job.due >= moment), key=lambda job: job.due)


def load_start(run: Run) -> float | None:
    """When the clock of the load began: that of the faults, else the measured phase, else the first job."""
    if run.info.faults_start is not None:
        return run.info.faults_start
    phase = next((span.start for span in run.info.phases if span.name is Phase.MEASURE), None)
    return phase if phase is not None else min((job.due for job in run.measured), default=None)


def load_end(run: Run) -> float | None:
    """When the measured phase ended, else when the last job did."""
    phase = next((span.end for span in run.info.phases if span.name is Phase.MEASURE), None)
    return phase if phase is not None else max(_last_moments(run.measured), default=None)


def _last_moments(jobs: Sequence[JobRecord]) -> list[float]:
    return [job.due if job.held is None else job.held for job in jobs]


def met_faults(run: Run) -> bool:
    """Whether anything was done to the run: to providers, to processes, or to its jobs by their clients."""
    return bool(run.info.provider_faults or run.faults or any(job.cancel is not None for job in run.measured))
