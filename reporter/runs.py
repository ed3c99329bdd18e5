"""A run's folder, read whole."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Self, TypeVar

from pydantic import BaseModel, ValidationError

from contract.catalogue import Phase
from contract.errors import UsageError
from contract.jobs import Outcome
from contract.runfolder import JOBS, QUERIES, RESULT, RUN, JobRecord, Result, RunInfo
from reporter.answers import Answers

Model = TypeVar("Model", bound=BaseModel)


class Run:
    """What a run was, its jobs, its verdict (None before it was judged) and Prometheus's answers about it."""

    def __init__(
        self, info: RunInfo, jobs: Sequence[JobRecord], result: Result | None, answers: Answers | None
    ) -> None:
        self.info = info
        self.jobs = jobs
        self.result = result
        self.answers = answers or Answers(0, 0, [])
        self.has_answers = answers is not None

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Raises UsageError, naming the file, where the folder is not a run's."""
        result, queries = folder / RESULT, folder / QUERIES
        return cls(
            _model(RunInfo, folder / RUN),
            _records(folder / JOBS),
            _model(Result, result) if result.exists() else None,
            Answers.load(queries) if queries.exists() else None,
        )

    @property
    def ended(self) -> float:
        """Unix time of the last reading; 0 for a run without a window, so that any other is newer."""
        return self.info.window.end if self.info.window else 0.0

    @property
    def measured(self) -> list[JobRecord]:
        """The jobs of the measured phase; warm-up leaves no trace."""
        return [job for job in self.jobs if job.phase is Phase.MEASURE]

    @property
    def responses(self) -> list[float]:
        """Response times of the measured jobs whose end the client saw, in seconds."""
        return [job.response_seconds for job in self.measured if job.response_seconds is not None]

    def outcomes(self) -> Mapping[Outcome | None, int]:
        """How many measured jobs ended how; None counts those whose end nobody saw."""
        found: dict[Outcome | None, int] = dict.fromkeys((*Outcome, None), 0)
        for job in self.measured:
            found[job.outcome] += 1
        return found


class Moments(NamedTuple):
    """Due by the client's clock, accepted to finished by Redis's; the response time by a monotonic one."""

    due: float
    accepted: float
    started: float
    finished: float
    response_seconds: float


def moments(job: JobRecord) -> Moments | None:
    """None unless all of them are known."""
    found = (job.due, job.accepted, job.started, job.finished, job.response_seconds)
    known = [value for value in found if value is not None]
    return Moments(*known) if len(known) == len(found) else None


def newest_by_scenario(runs: Sequence[Run]) -> dict[str, Run]:
    """One run per scenario, in the order given: the one that ended last, and of equals the last one given."""
    chosen: dict[str, Run] = {}
    for run in runs:
        known = chosen.get(run.info.scenario)
        if known is None or run.ended >= known.ended:
            chosen[run.info.scenario] = run
    return chosen


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({error.strerror}): is this the folder of a run?") from error


def _model(model: type[Model], path: Path) -> Model:
    try:
        return model.model_validate_json(_read(path))
    except ValidationError as error:
        raise UsageError(f"{path} is not as a run writes it: {error}") from error


def _records(path: Path) -> list[JobRecord]:
    records = []
    for number, line in enumerate(_read(path).splitlines(), 1):
        try:
            records.append(JobRecord.model_validate_json(line))
        except ValidationError as error:
            raise UsageError(f"{path}, line {number} is no job record: {error}") from error
    return records
