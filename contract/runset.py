"""Several runs that belong together: `set.json` in the folder that holds theirs."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

SET = "set.json"
RUNS = "runs"
"""Folder that holds a run's folder for each member."""


class SetKind(StrEnum):
    REPEATS = "repeats"
    """One scenario, with seeds of its own each time."""
    CONTRAST = "contrast"
    """One scenario as it is and with other settings, in turns, by the same seeds."""
    ABLATION = "ablation"
    """Scenarios with everything on and with one thing off after another, by the same seeds."""


class Member(BaseModel):
    """A run of the set, in the order in which they were made; `broken` says why one could not be made."""

    run: str = Field(pattern=r"^[A-Za-z0-9._-]+$", description="name of its folder")
    scenario: str
    seed: int
    variant: str = Field(default="", description="what was off, by name; empty where nothing was")
    broken: str | None = None


class SetInfo(BaseModel):
    """`set.json`. It is written after each run, so that a set which was stopped can be read."""

    model_config = ConfigDict(extra="ignore")

    id: str
    kind: SetKind
    name: str = Field(description="of the scenario or the suite that was asked for")
    title: str
    seed: int
    repeats: int
    changed: str = Field(default="", description="settings of the other variant of a contrast, as assignments")
    started: float
    ended: float | None = None
    members: list[Member] = Field(default_factory=list)
