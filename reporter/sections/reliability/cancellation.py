"""Jobs whose clients thought better of them: how soon they stopped, and what they left."""

from collections.abc import Mapping, Sequence

from contract.jobs import Outcome
from contract.runfolder import JobRecord
from reporter.cancelling import is_ignored, seconds_to_end
from reporter.markdown import NO_DATA, NONE, NOT_RUN, seconds, table, whole
from reporter.runs import Run

SCENARIO = "cancellation"
AT_ONCE = "at once"


def cancellation(runs: Mapping[str, Run]) -> list[str]:
    """The scenario that is about it, and each other run in which jobs were to be cancelled."""
    blocks = [] if SCENARIO in runs else [f"Scenario `{SCENARIO}`: {NOT_RUN}."]
    for name, run in runs.items():
        asked = [job for job in run.measured if job.cancel is not None]
        if asked:
            blocks += _of(run, asked)
        elif name == SCENARIO:
            blocks.append(f"Scenario `{SCENARIO}`: {NO_DATA}: no cancellation was sent.")
    return blocks


def _of(run: Run, asked: Sequence[JobRecord]) -> list[str]:
    stages = dict.fromkeys(_stage(job) for job in asked)
    rows = [_row(stage, [job for job in asked if _stage(job) == stage]) for stage in stages]
    headers = (
        "Asked for at",
        "Jobs",
        "Cancelled",
        "Ended before",
        "Ignored",
        "Longest to its end",
        "Late calls",
        "Files left",
    )
    return [
        (
            f"From `{run.name}`: {len(asked)} of {len(run.measured)} jobs were asked to stop, once they had reached "
            "the stage that the first column names. *Ignored*: went on to another end for over 100 ms. *Longest to its "
            "end*: from sending the cancellation to the client "
            "holding the job's end. *Late calls*: provider calls that the mocks saw begin over 500 ms after the "
            "service had acknowledged it, or over 50 ms after the job had ended. "
            "*Files left*: what was left of the jobs on disk after the run."
        ),
        table(headers, [*rows, _row("**all**", asked)], "lrrrrrrr"),
    ]


def _stage(job: JobRecord) -> str:
    assert job.cancel is not None
    return job.cancel.stage.value if job.cancel.stage else AT_ONCE


def _row(stage: str, asked: Sequence[JobRecord]) -> tuple[str, ...]:
    ended = [job for job in asked if job.outcome is Outcome.CANCELLED]
    late = [job.cancel.late_calls for job in ended if job.cancel]
    left = [job.cancel.leftovers for job in ended if job.cancel]
    ignored = sum(map(is_ignored, asked))
    others = len(asked) - len(ended) - ignored
    return stage, str(len(asked)), str(len(ended)), str(others), str(ignored), _longest(ended), _sum(late), _sum(left)


def _sum(counts: Sequence[int | None]) -> str:
    known = [count for count in counts if count is not None]
    if not counts:
        return NONE
    return whole(sum(known)) if len(known) == len(counts) else NO_DATA


def _longest(ended: Sequence[JobRecord]) -> str:
    known = [took for job in ended if (took := seconds_to_end(job)) is not None]
    if not ended:
        return NONE
    return seconds(max(known)) if len(known) == len(ended) else NO_DATA
