"""What became of each provider call of a job, all its attempts taken together."""

from collections.abc import Iterable
from dataclasses import dataclass

from contract.calls import CallResult, Provider
from contract.jobs import CallTiming
from contract.runfolder import JobRecord

NO_FAILURE = (CallResult.OK, CallResult.CANCELLED, None)
"""A call that was cancelled says nothing of its provider; None is unknown."""


@dataclass(frozen=True, slots=True)
class Course:
    """One call for one scene (0 is the whole job), with its attempts in order."""

    provider: Provider
    scene: int
    attempts: tuple[CallTiming, ...]

    @property
    def failures(self) -> list[CallResult]:
        return [call.result for call in self.attempts if call.result is not None and call.result not in NO_FAILURE]

    @property
    def ended_well(self) -> bool:
        return self.attempts[-1].result is CallResult.OK

    @property
    def recovered(self) -> bool:
        return bool(self.failures) and self.ended_well


def courses_of(job: JobRecord) -> list[Course]:
    """Of the execution that ended the job, which is the only one of which calls are known."""
    found: dict[tuple[Provider, int], list[CallTiming]] = {}
    for call in job.timings.calls if job.timings else ():
        found.setdefault((call.provider, call.scene), []).append(call)
    return [
        Course(provider, scene, tuple(sorted(calls, key=lambda call: call.attempt)))
        for (provider, scene), calls in found.items()
    ]


def courses(jobs: Iterable[JobRecord]) -> list[Course]:
    return [course for job in jobs for course in courses_of(job)]
