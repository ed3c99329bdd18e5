"""The components along the way of a job, and the CPU they cost."""

from collections.abc import Mapping, Sequence

from contract.jobs import Outcome, Stage
from contract.runfolder import JobRecord
from reporter.breakdown import stage_seconds
from reporter.markdown import NO_DATA, NONE, figure, millis, percent, table
from reporter.runs import Moments, Run, moments
from reporter.statistics import percentile, supported_percentile


def stages(run: Run) -> list[str]:
    """The shares sum to the whole response time."""
    jobs = [found for job in run.measured if (found := _timed(job)) is not None]
    if not jobs:
        return [f"{NO_DATA.capitalize()}: no job's record holds all of its stages."]
    responses = [m.response_seconds for m, _ in jobs]
    columns = {
        "submit": [m.accepted - m.due for m, _ in jobs],
        "queue": [m.started - m.accepted for m, _ in jobs],
        **{stage.value: [lengths[stage] for _, lengths in jobs] for stage in Stage},
        "between stages": [m.finished - m.started - sum(lengths.values()) for m, lengths in jobs],
        "notify": [m.response_seconds - (m.finished - m.due) for m, _ in jobs],
        "**response time**": responses,
    }
    rows = [_stage_row(name, values, sum(responses)) for name, values in columns.items()]
    return [
        (
            "From the records of the jobs that went through every stage. Narration and visual of all scenes run side "
            "by side within `scenes`; the calibration shows their calls."
        ),
        table(("Component", "n", "Mean", "P50", "P95", "Share"), rows, "lrrrrr"),
    ]


def _timed(job: JobRecord) -> tuple[Moments, Mapping[Stage, float]] | None:
    lengths, when = stage_seconds(job), moments(job)
    return None if lengths is None or when is None else (when, lengths)


def _stage_row(name: str, values: Sequence[float], total: float) -> tuple[str, ...]:
    p95 = supported_percentile(values, 0.95)
    high = NO_DATA if p95 is None else f"{'' if p95.supported else 'max '}{millis(p95.value)}"
    mean = millis(sum(values) / len(values))
    return name, str(len(values)), mean, millis(percentile(values, 0.5)), high, percent(sum(values) / total)


def processor_time(run: Run) -> list[str]:
    """CPU time within the window, by kind of process, and per completed job."""
    samples = run.answers.samples("cpu.processes")
    if not samples:
        return [f"CPU time of the processes: {NO_DATA}."]
    window = run.answers.end - run.answers.start
    completed = run.outcomes()[Outcome.COMPLETED]
    rows = []
    for job in run.answers.label_values("cpu.processes", "job"):
        own = [s.value for s in samples if s.labels.get("job") == job and s.value is not None]
        per_job = millis(sum(own) / completed) if completed else NONE
        rows.append((job, str(len(own)), figure(sum(own), "s"), per_job, percent(sum(own) / window)))
    for sample in run.answers.samples("cpu.stages"):
        per_job = millis(sample.value / completed) if completed and sample.value is not None else NONE
        name = f"stage {sample.labels.get('stage')}, in processes of its own"
        rows.append((name, NONE, figure(sample.value, "s"), per_job, NONE))
    return [
        f"CPU time within the window of {window:.1f} s; 100 % is one core.",
        table(("Process", "Instances", "CPU time", "Per completed job", "Of a core"), rows, "lrrrr"),
    ]
