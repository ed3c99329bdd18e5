"""Scenarios are data: one TOML each beside this module."""

import math
import tomllib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    NonNegativeFloat,
    PositiveFloat,
    PositiveInt,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from contract.errors import UsageError
from contract.process_faults import Kind, Target
from contract.provider_faults import ProviderFault
from contract.runfolder import Op
from contract.settings import Workload
from contract.suites import PERFORMANCE, RELIABILITY, RESOURCES
from loadgen.arrivals import constant, poisson
from loadgen.cancellations import Cancellations
from loadgen.faults import LONGEST, Fault
from loadgen.indicator import Indicator
from loadgen.repeats import Repeats

FOLDER = Path(__file__).with_name("scenarios")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


Settings = dict[str, bool | str | int | float | dict[str, bool | str | int | float]]


class _Named(_Strict):
    name: str = Field(default="", pattern=r"^[A-Za-z0-9._-]*$", description="of the rung; by its load unless given")
    workload: Settings = Field(default_factory=dict, description="of the workers, which are started again with it")


class ClosedLoop(_Named):
    """`users` wait for their job to end before they ask for the next, until `jobs` were asked for.

    User k comes after k/`users` of `ramp` seconds: users who all post in the same instant measure their own start.
    """

    model: Literal["closed"]
    users: PositiveInt
    jobs: PositiveInt
    ramp: NonNegativeFloat = 1.0

    def joins(self, user: int) -> float:
        """When a user (from 0) asks for the first job, in seconds from the start."""
        return user / self.users * self.ramp

    @model_validator(mode="after")
    def enough_jobs(self) -> Self:
        if self.jobs < self.users:
            raise ValueError(f"{self.users} users need at least {self.users} jobs, not {self.jobs}")
        return self

    @property
    def rung(self) -> str:
        return self.name or f"users-{self.users}"


class OpenLoop(_Named):
    """`jobs` arrive at `rate` a second whether or not those before them have ended; arrivals that find `most_waiting`
    jobs unfinished are dropped, which makes the run invalid.
    """

    model: Literal["poisson", "constant"]
    rate: PositiveFloat
    jobs: PositiveInt
    most_waiting: PositiveInt = 2000

    def arrivals(self, seed: int) -> list[float]:
        """When each job is due, in seconds from the start."""
        return poisson(self.rate, self.jobs, seed) if self.model == "poisson" else constant(self.rate, self.jobs)

    @property
    def rung(self) -> str:
        return self.name or f"rate-{self.rate:g}"


class Endpoint(StrEnum):
    """Method and route template, as the service's metrics name them."""

    HEALTH = "GET /healthz"
    STATUS = "GET /v1/videos/{job_id}"
    LIST = "GET /v1/videos"


class Probes(_Named):
    """No jobs: `requests` of each endpoint in turn, in a closed loop of `users`."""

    model: Literal["requests"]
    users: PositiveInt
    requests: PositiveInt
    endpoints: tuple[Endpoint, ...] = Field(min_length=1)

    @property
    def jobs(self) -> int:
        return 0

    @property
    def rung(self) -> str:
        return self.name or f"requests-{self.users}"


class Rest(_Named):
    """No jobs, and nobody who asks for anything, for `seconds`: what the service uses at rest."""

    model: Literal["idle"]
    seconds: PositiveFloat

    @property
    def jobs(self) -> int:
        return 0

    @property
    def rung(self) -> str:
        return self.name or "idle"


AnyLoad = ClosedLoop | OpenLoop | Probes | Rest
Load = Annotated[AnyLoad, Field(discriminator="model")]
MODELS = ("closed", "poisson", "constant", "requests", "idle")
"""Which pydantic puts into the place of an error, after the key that holds the load."""
LOAD: TypeAdapter[AnyLoad] = TypeAdapter(Load)


class Search(_Strict):
    """Poisson arrivals at rates between `lowest` and `highest` a second, `seconds` each, until the highest one that
    meets all other targets is known, or `steps` were tried.
    """

    lowest: PositiveFloat
    highest: PositiveFloat
    seconds: PositiveFloat
    steps: int = Field(ge=2, le=20)

    def load(self, rate: float) -> OpenLoop:
        return OpenLoop(model="poisson", rate=rate, jobs=max(FEWEST_JOBS, math.ceil(rate * self.seconds)))


class Warmup(_Strict):
    """A closed loop whose jobs are in no figure. Where nothing is said, a step is warmed by as many users as it has."""

    users: PositiveInt | None = None
    jobs: PositiveInt | None = None

    def before(self, load: AnyLoad) -> ClosedLoop:
        """An open loop has no users of its own: eight stand in for them; and four for fewer, to be done sooner. Each
        user brings two jobs, all together at least 8.
        """
        own = 8 if isinstance(load, OpenLoop) else 0 if isinstance(load, Rest) else load.users
        users = self.users or max(4, own)
        jobs = self.jobs or max(8, 2 * users)
        return ClosedLoop(model="closed", users=min(users, jobs), jobs=jobs)


class TargetSpec(_Strict):
    """`rung` names the one step that is judged; without it every step is."""

    indicator: Indicator
    op: Op
    limit: FiniteFloat
    rung: str | None = None


FEWEST_JOBS = 59
"""Of a step of a search: as many as P95 needs."""


PATIENCE = LONGEST + 20.0
"""Seconds: longer than any fault lasts."""


class Scenario(_Strict):
    name: str = Field(pattern=r"^[A-Za-z0-9._-]+$", description="part of file names; the file's own unless given")
    title: str = Field(min_length=1)
    description: str = Field(min_length=1)
    load: Load | None = None
    rungs: tuple[Load, ...] = ()
    search: Search | None = None
    generators: PositiveInt = Field(default=1, description="processes that share the load, unless others are asked for")
    warmup: Warmup = Warmup()
    faults: tuple[Fault, ...] = Field(default=(), description="of processes, while the load runs")
    provider_faults: tuple[ProviderFault, ...] = Field(default=(), description="of the mocks, while the load runs")
    cancel: Cancellations | None = None
    cache: Repeats | None = Field(default=None, description="inputs that are asked for again, within one cache")
    workload: Settings = Field(default_factory=dict, description="settings unlike the default")
    restarts: bool = Field(default=False, description="whether processes that die by themselves are started again")
    targets: tuple[TargetSpec, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def one_load_or_rungs(self) -> Self:
        if [self.load is None, not self.rungs, self.search is None].count(False) != 1:
            raise ValueError("a scenario has either one [load] or several [[rungs]] or a [search]")
        if self.load is None and self.is_about_faults:
            raise ValueError("faults and cancellations go with one [load], not with [[rungs]] or a [search]")
        if self.cache is not None and (self.load is None or isinstance(self.load, Probes) or self.is_about_faults):
            raise ValueError("a [cache] goes with one [load] of jobs and without faults, or the books cannot tell")
        if self.provider_faults and any(
            fault.target is Target.MOCKS and fault.kind is not Kind.PAUSE for fault in self.faults
        ):
            raise ValueError("mocks that are ended forget the [[provider_faults]] that they were told")
        known = {load.rung for load in self.loads}
        if len(known) < len(self.loads):
            raise ValueError("two rungs have the same name")
        unknown = {spec.rung for spec in self.targets if spec.rung is not None} - known
        if unknown:
            raise ValueError(
                f"targets name the rung {', '.join(sorted(unknown))}; there are {', '.join(sorted(known))}"
            )
        return self

    @property
    def patience(self) -> float:
        """Seconds for which clients ask again while the service is away: where faults are meant to be survived."""
        return PATIENCE if self.faults or self.restarts else 0.0

    @property
    def is_about_faults(self) -> bool:
        """What is measured then is not performance."""
        return bool(self.faults or self.restarts or self.spoils_calls)

    @property
    def spoils_calls(self) -> bool:
        return bool(self.provider_faults or self.cancel)

    @property
    def keeps_calls(self) -> bool:
        """Whether the mocks keep a ledger of its calls."""
        return self.spoils_calls or self.cache is not None

    @property
    def wants_own_settings(self) -> bool:
        """Whether a stack that others keep up, but let be ill-treated, does not do."""
        loses_power = any(fault.kind is Kind.POWER_LOSS for fault in self.faults)
        return bool(self.workload or self.restarts or loses_power or any(load.workload for load in self.loads))

    @property
    def wants_control(self) -> str | None:
        """What it would do to a stack, or ask of it, beside its API; None where it is content with that."""
        if self.wants_own_settings:
            return "starts processes with settings of its own"
        if self.faults:
            return "ends processes"
        return "leads the mocked providers" if self.keeps_calls else None

    @property
    def wants_own_stack(self) -> bool:
        return bool(self.faults) or self.wants_own_settings

    def settings(self, load: AnyLoad | None = None) -> Workload:
        """Of the whole, or of one rung.

        Raises UsageError where the scenario's workload is none, ValidationError where the environment's is.
        """
        default = Workload()
        given = self.workload | (load.workload if load else {})
        if not given:
            return default
        try:
            return Workload(**given)  # type: ignore[arg-type] # validated by the model, as a file's values are
        except ValidationError as error:
            raise UsageError(f"The workload of the scenario {self.name} does not fit: {_sentence(error)}") from None

    @property
    def loads(self) -> tuple[AnyLoad, ...]:
        """What is known beforehand; of a search, nothing."""
        return self.rungs if self.load is None else (self.load,)

    @property
    def size(self) -> str:
        if self.search is not None:
            return f"up to {self.search.steps} rates"
        jobs = sum(load.jobs for load in self.loads)
        if jobs:
            return f"{jobs} jobs"
        rest = sum(load.seconds for load in self.loads if isinstance(load, Rest))
        return f"{rest:g} s" if rest else f"{sum(step.size for step in self.steps())} requests"

    def with_jobs(self, jobs: int | None) -> Self:
        """The same with another number of jobs at each step. Raises UsageError where that does not fit."""
        if jobs is None:
            return self
        if self.search is not None or any(isinstance(load, Probes | Rest) for load in self.loads):
            raise UsageError(f"The number of jobs of the scenario {self.name} is not for JOBS to set.")
        try:
            loads = tuple(LOAD.validate_python(load.model_dump() | {"jobs": jobs}) for load in self.loads)
        except ValidationError as error:
            raise UsageError(f"JOBS={jobs} does not fit the scenario {self.name}: {_sentence(error)}") from None
        return self.model_copy(update={"rungs": loads} if self.rungs else {"load": loads[0]})

    def with_minutes(self, minutes: float | None) -> Self:
        """The same with arrivals for so long. Raises UsageError where the load has no rate of its own."""
        if minutes is None:
            return self
        if not isinstance(self.load, OpenLoop):
            raise UsageError(f"How long the scenario {self.name} takes is not for MINUTES to set.")
        return self.with_jobs(max(1, round(60 * minutes * self.load.rate)))

    def step_at(self, rate: float) -> "Step":
        """A step of the search, judged by all targets but the one of the search itself."""
        assert self.search is not None
        targets = tuple(spec for spec in self.targets if spec.indicator is not Indicator.SUSTAINED_RATE)
        return Step(self, self.search.load(rate), targets)

    def steps(self) -> list["Step"]:
        return [
            Step(self, load, tuple(spec for spec in self.targets if spec.rung in {None, load.rung}))
            for load in self.loads
        ]


@dataclass(frozen=True, slots=True)
class Step:
    """One load of a scenario, with the targets that judge it: what one run carries out."""

    scenario: Scenario
    load: AnyLoad
    targets: tuple[TargetSpec, ...]

    @property
    def settings(self) -> Workload | None:
        """With which the workers are started again before; None where they go on as they are. Raises UsageError."""
        return self.scenario.settings(self.load) if self.load.workload else None

    @property
    def warmup(self) -> ClosedLoop:
        return self.scenario.warmup.before(self.load)

    @property
    def size(self) -> int:
        """How many jobs, or requests where there are no jobs, are measured."""
        return self.load.requests * len(self.load.endpoints) if isinstance(self.load, Probes) else self.load.jobs


def names() -> list[str]:
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def load(name: str) -> Scenario:
    """Raises UsageError for an unknown name; a name that ends in `.toml` is a file of the user's own."""
    path = Path(name) if name.endswith(".toml") else FOLDER / f"{name}.toml"
    if not name.endswith(".toml") and name not in names():
        raise UsageError(
            f"There is no scenario {name!r}; there are: {', '.join(names())}; and several at once: "
            f"{', '.join(suites())}."
        )
    return read(path)


def suites() -> dict[str, tuple[str, ...]]:
    """Names that stand for several scenarios."""
    return {
        "performance": PERFORMANCE,
        "reliability": RELIABILITY,
        "resources": RESOURCES,
        "chaos": tuple(name for name in names() if load(name).patience),
    }


def read(path: Path) -> Scenario:
    """Raises UsageError with the file, the key and what is wrong with it."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The scenario file {path} cannot be read: {getattr(error, 'strerror', error)}.") from None
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"The scenario file {path} is not TOML: {error}.") from None
    try:
        return Scenario.model_validate({"name": path.stem} | content)
    except ValidationError as error:
        raise UsageError(f"The scenario file {path} does not fit: {_sentence(error)}") from None


def _sentence(error: ValidationError) -> str:
    parts = []
    for problem in error.errors():
        where = ".".join(str(part) for part in problem["loc"] if part not in MODELS)
        what = "there is no such key" if problem["type"] == "extra_forbidden" else problem["msg"]
        what = what.removeprefix("Value error, ")  # pydantic's, before a sentence of ours
        parts.append(f"{where}: {what}" if where else what)
    return "; ".join(parts) + "."
