"""Jobs whose clients think better of them: which, and where."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field, PositiveInt

from contract.jobs import Stage


class CancelAt(StrEnum):
    """Where a job is when its client thinks better of it."""

    ACCEPTED = "accepted"
    """At once, wherever it is by then."""
    PARSE = "parse"
    SCRIPT = "script"
    SCENES = "scenes"
    ASSEMBLE = "assemble"

    @property
    def stage(self) -> Stage | None:
        return None if self is CancelAt.ACCEPTED else Stage(self.value)


class Cancellations(BaseModel):
    """Every `every`-th job is cancelled by its client, at each of the stages in turn."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    every: PositiveInt = 1
    stages: tuple[CancelAt, ...] = Field(min_length=1)

    def of(self, index: int) -> CancelAt | None:
        """Where this job is to be cancelled, if it is."""
        turn, rest = divmod(index + 1, self.every)
        return None if rest else self.stages[(turn - 1) % len(self.stages)]
