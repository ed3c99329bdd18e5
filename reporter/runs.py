"""A run's folder, read whole."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError

from contract.catalogue import Phase
from contract.errors import UsageError
from contract.jobs import Outcome
from contract.provider_faults import FaultedCall
from contract.runfolder import (
    FAULTS,
    JOBS,
    PROCESS_FAULTS,
    QUERIES,
    REQUESTS,
    RESULT,
    RUN,
    RUNGS,
    FaultRecord,
    JobRecord,
    RequestRecord,
    Result,
    RunInfo,
)
from reporter.answers import Answers

Model = TypeVar("Model", bound=BaseModel)

SEVERAL = "rungs"
"""The load model of a run that consists of its rungs."""


class Run:
    """What a run was, its jobs, its verdict (None before it was judged) and Prometheus's answers about it.

    A run of a scenario of several steps has `rungs`, ordered by load, each a run of its own. Its own answers then hold
    the warm-ups between them, so records are compared with PromQL on its `parts` and nowhere else.
    """

    def __init__(
        self,
        info: RunInfo,
        jobs: Sequence[JobRecord],
        result: Result | None,
        answers: Answers | None,
        requests: Sequence[RequestRecord] = (),
        rungs: "Sequence[Run]" = (),
        faults: Sequence[FaultRecord] = (),
        faulted_calls: Sequence[FaultedCall] = (),
    ) -> None:
        self.info = info
        self.jobs = jobs
        self.result = result
        self.answers = answers or Answers(0, 0, [])
        self.has_answers = answers is not None
        self.requests = requests
        self.faults = faults
        """What processes met."""
        self.faulted_calls = faulted_calls
        """Provider calls that met a fault."""
        self.rungs = sorted(rungs, key=_by_load)

    @classmethod
    def load(cls, folder: Path) -> "Run":
        """Raises UsageError, naming the file, where the folder is not a run's."""
        result, queries, requests = folder / RESULT, folder / QUERIES, folder / REQUESTS
        rungs = [cls.load(rung) for rung in sorted((folder / RUNGS).glob("*")) if rung.is_dir()]
        info = _model(RunInfo, folder / RUN)
        if info.load_model == SEVERAL and not rungs:
            raise UsageError(f"{folder / RUNGS} holds no folder of a rung: is this a whole run?")
        return cls(
            info,
            _jobs(folder, rungs),
            _model(Result, result) if result.exists() else None,
            Answers.load(queries) if queries.exists() else None,
            _lines(RequestRecord, requests) if requests.exists() else [],
            rungs,
            _lines(FaultRecord, folder / PROCESS_FAULTS) if (folder / PROCESS_FAULTS).exists() else [],
            _lines(FaultedCall, folder / FAULTS) if (folder / FAULTS).exists() else [],
        )

    @property
    def parts(self) -> "Sequence[Run]":
        """The runs that were measured in one go: the rungs, or the run itself."""
        return self.rungs or [self]

    @property
    def name(self) -> str:
        """As tables and sentences call it, within all runs of a report."""
        return f"{self.info.scenario}, {self.info.rung}" if self.info.rung else self.info.scenario

    @property
    def load_text(self) -> str:
        """The load that was offered: `1 user`, `5 users`, `5 jobs/s`."""
        if self.info.concurrency is not None:
            return "1 user" if self.info.concurrency == 1 else f"{self.info.concurrency} users"
        return f"{self.info.rate:g} jobs/s" if self.info.rate is not None else self.info.load_model

    @property
    def ended(self) -> float:
        """Unix time of the last reading; 0 for a run without a window, so that any other is newer."""
        return self.info.window.end if self.info.window else 0.0

    @cached_property
    def measured(self) -> list[JobRecord]:
        """The jobs of the measured phase; warm-up leaves no trace."""
        return [job for job in self.jobs if job.phase is Phase.MEASURE]

    @cached_property
    def responses(self) -> list[float]:
        """Response times in seconds of the measured jobs that were done, whole or in part: one that fails at once is
        not a quick one, and the success rate tells of it.
        """
        done = (Outcome.COMPLETED, Outcome.PARTIAL)
        return [
            job.response_seconds for job in self.measured if job.response_seconds is not None and job.outcome in done
        ]

    def outcomes(self) -> Mapping[Outcome | None, int]:
        """How many measured jobs ended how; None counts those whose end nobody saw."""
        found: dict[Outcome | None, int] = dict.fromkeys((*Outcome, None), 0)
        for job in self.measured:
            found[job.outcome] += 1
        return found


def _by_load(run: Run) -> tuple[float, str]:
    load = run.info.concurrency if run.info.concurrency is not None else run.info.rate
    return (load if load is not None else 0.0), run.info.rung or ""


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


def _jobs(folder: Path, rungs: Sequence[Run]) -> list[JobRecord]:
    """A run of nothing but requests has no file of jobs."""
    if rungs:
        return [job for rung in rungs for job in rung.jobs]
    if (folder / REQUESTS).exists() and not (folder / JOBS).exists():
        return []
    return _lines(JobRecord, folder / JOBS)


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


def _lines(model: type[Model], path: Path) -> list[Model]:
    records = []
    for number, line in enumerate(_read(path).splitlines(), 1):
        try:
            records.append(model.model_validate_json(line))
        except ValidationError as error:
            raise UsageError(f"{path}, line {number} is no {model.__name__}: {error}") from error
    return records
