"""Scenarios are data: one TOML each beside this module."""

import tomllib
from enum import StrEnum
from pathlib import Path
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, PositiveInt, ValidationError, model_validator

from contract.errors import UsageError
from contract.runfolder import Op

FOLDER = Path(__file__).with_name("scenarios")


class Indicator(StrEnum):
    """What a target may judge; each has one definition, which the reporter computes."""

    RESPONSE_P95 = "response_p95"
    SUCCESS_RATE = "success_rate"
    API_P95 = "api_p95"
    INTEGRITY = "integrity"

    @property
    def unit(self) -> str:
        return "s" if self in (Indicator.RESPONSE_P95, Indicator.API_P95) else "ratio"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Load(_Strict):
    """Closed loop: `users` wait for their job to end before they ask for the next, until `jobs` were asked for."""

    model: Literal["closed"]
    users: PositiveInt
    jobs: PositiveInt

    @model_validator(mode="after")
    def enough_jobs(self) -> Self:
        if self.jobs < self.users:
            raise ValueError(f"{self.users} users need at least {self.users} jobs, not {self.jobs}")
        return self


class Warmup(_Strict):
    """A closed loop whose jobs are in no figure."""

    users: PositiveInt = 4
    jobs: PositiveInt = 8


class TargetSpec(_Strict):
    indicator: Indicator
    op: Op
    limit: FiniteFloat


class Scenario(_Strict):
    name: str = Field(pattern=r"^[A-Za-z0-9._-]+$", description="part of file names; the file's own unless given")
    title: str = Field(min_length=1)
    description: str = Field(min_length=1)
    load: Load
    warmup: Warmup = Warmup()
    targets: tuple[TargetSpec, ...] = Field(min_length=1)

    def with_jobs(self, jobs: int | None) -> Self:
        """The same with another number of jobs. Raises UsageError where that does not fit."""
        if jobs is None:
            return self
        try:
            load = Load.model_validate(self.load.model_dump() | {"jobs": jobs})
        except ValidationError as error:
            raise UsageError(f"JOBS={jobs} does not fit the scenario {self.name}: {_sentence(error)}") from None
        return self.model_copy(update={"load": load})


def names() -> list[str]:
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def load(name: str) -> Scenario:
    """Raises UsageError for an unknown name; a name that ends in `.toml` is a file of the user's own."""
    path = Path(name) if name.endswith(".toml") else FOLDER / f"{name}.toml"
    if not name.endswith(".toml") and name not in names():
        raise UsageError(f"There is no scenario {name!r}; there are: {', '.join(names())}.")
    return read(path)


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
        where = ".".join(str(part) for part in problem["loc"])
        what = "there is no such key" if problem["type"] == "extra_forbidden" else problem["msg"]
        what = what.removeprefix("Value error, ")  # pydantic's, before a sentence of ours
        parts.append(f"{where}: {what}" if where else what)
    return "; ".join(parts) + "."
