"""Which jobs of a load ask for the same, and with whom each shares the cache."""

import random
from dataclasses import dataclass
from hashlib import blake2b

from pydantic import BaseModel, ConfigDict, Field


class Repeats(BaseModel):
    """A load in which each input, a document with options, is asked for `repeats` times, in an order that the seed
    decides.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    repeats: int = Field(ge=1, le=100)

    def inputs(self, jobs: int, seed: int) -> list[int]:
        """The number of the input, from 0, that each job asks for; where `jobs` is no multiple, the last one's rest."""
        inputs = [job // self.repeats for job in range(jobs)]
        random.Random(seed).shuffle(inputs)  # noqa: S311 - no secret
        return inputs


@dataclass(frozen=True, slots=True)
class Namespaces:
    """Of the jobs of one load of a run. Where nothing is to be shared each job has one of its own: a hit would have the
    mocks asked less than the seed says.
    """

    run: str
    start: float
    """Of the load, Unix time: a run may have several."""
    shared: bool

    def of(self, seed_key: str) -> str:
        name = f"{self.run} {self.start!r} {'' if self.shared else seed_key}"
        return blake2b(name.encode(), digest_size=12).hexdigest()
