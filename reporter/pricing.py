"""What jobs cost in money: amounts that were measured, times a table of prices."""

import math
import os
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from contract.calls import CallResult, Provider, UsageUnit
from contract.catalogue import Direction
from contract.errors import UsageError
from contract.jobs import Outcome
from reporter.cost import SERVICE, cpu_seconds
from reporter.runs import Run
from reporter.statistics import total

EXAMPLE = Path(__file__).with_name("prices.toml")
GB = 1e9
HOUR = 3600.0
HOURS_OF_A_MONTH = 730.0
"""365 days / 12 × 24 h."""

Price = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Prices(BaseModel):
    """In `currency`: for 1,000 of what providers bill by, an image, an hour of one CPU, of 1 GB, and 1 GB sent."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    label: str = Field(min_length=1)
    currency: str = Field(min_length=1, max_length=12)
    input_tokens_1000: Price
    output_tokens_1000: Price
    characters_1000: Price
    image: Price
    cpu_hour: Price
    memory_gb_hour: Price
    sent_gb: Price


def price_file() -> Path:
    """That which REELBENCH_PRICES names, else the example."""
    return Path(os.environ.get("REELBENCH_PRICES") or EXAMPLE)


def load_prices(path: Path) -> Prices:
    """Raises UsageError with the file, the key and what is wrong with it."""
    try:
        return Prices.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"The price table {path} cannot be read: {getattr(error, 'strerror', error)}.") from None
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"The price table {path} is not TOML: {error}.") from None
    except ValidationError as error:
        raise UsageError(f"The price table {path} does not fit: {_sentence(error)}.") from None


def _sentence(error: ValidationError) -> str:
    said = {"extra_forbidden": "there is no such price", "missing": "this price is missing"}
    return "; ".join(f"{'.'.join(map(str, one['loc']))}: {said.get(one['type'], one['msg'])}" for one in error.errors())


@dataclass(frozen=True, slots=True)
class Item:
    """A line of a bill. `amount` is in `unit`, of which one costs `price`; None is "no data"."""

    title: str
    amount: float | None
    unit: str
    price: float

    @property
    def money(self) -> float | None:
        return None if self.amount is None else self.amount * self.price


MEMORY = "memory"
HOLDERS = ("service", "worker", "exporter")
"""Jobs, as Prometheus names them, whose memory is the service's."""


@dataclass(frozen=True, slots=True)
class Bill:
    """All that a run used while it was measured, faults, retries and cancelled work included.

    `jobs` are those that were completed without failed scenes; `seconds` run from the first due time to the last end;
    `held` is the memory (GB) on average; `untold` counts answers that did not say what they are billed at.
    """

    items: tuple[Item, ...]
    jobs: int
    seconds: float
    held: float | None
    untold: int | None

    @property
    def whole(self) -> float | None:
        """None where an item is unknown, and the sum with it."""
        known = [money for item in self.items if (money := item.money) is not None]
        return math.fsum(known) if len(known) == len(self.items) else None

    @property
    def per_1000(self) -> float | None:
        """Whole / successful jobs × 1,000."""
        return None if self.whole is None or not self.jobs else self.whole / self.jobs * 1000

    def of_1000(self, item: Item) -> float | None:
        """Its part of that."""
        return None if item.money is None or not self.jobs else item.money / self.jobs * 1000

    @property
    def throughput(self) -> float | None:
        """Successful jobs per second of the run."""
        return self.jobs / self.seconds if self.jobs and self.seconds > 0 else None

    def stacks(self, rate: float) -> int | None:
        """How many stacks as this one `rate` jobs per second take, each at the throughput of the run."""
        return None if self.throughput is None else max(1, math.ceil(rate / self.throughput - 1e-9))

    def month(self, rate: float) -> float | None:
        """At `rate` successful jobs per second, around the clock. Memory is held by whole stacks, busy or not."""
        stacks = self.stacks(rate)
        if stacks is None or self.whole is None or self.held is None:
            return None
        memory = next(item for item in self.items if item.title == MEMORY)
        by_job = math.fsum(item.money or 0.0 for item in self.items if item is not memory) / self.jobs
        return by_job * rate * HOUR * HOURS_OF_A_MONTH + memory.price * self.held * HOURS_OF_A_MONTH * stacks


@dataclass(frozen=True, slots=True)
class _Billed:
    """What a provider's bill counts, in lots of `per` (1,000 or 1)."""

    title: str
    provider: Provider
    unit: UsageUnit
    per: int
    key: str

    @property
    def lot(self) -> str:
        return self.title if self.per == 1 else f"thousand {self.title}"

    def price(self, prices: Prices) -> float:
        return float(getattr(prices, self.key))

    def used(self, part: Run) -> float | None:
        return part.answers.total("call.usage", provider=self.provider, unit=self.unit)


USAGE = (
    _Billed("input tokens", Provider.LLM, UsageUnit.INPUT_TOKENS, 1000, "input_tokens_1000"),
    _Billed("output tokens", Provider.LLM, UsageUnit.OUTPUT_TOKENS, 1000, "output_tokens_1000"),
    _Billed("characters of speech", Provider.TTS, UsageUnit.CHARACTERS, 1000, "characters_1000"),
    _Billed("images", Provider.VISUAL, UsageUnit.IMAGES, 1, "image"),
)


def bill(run: Run, prices: Prices) -> Bill:
    """Of all parts of a run. The rig (mocks, load generator) and the stores are not billed."""
    parts = run.parts
    seconds = math.fsum(_seconds(part) for part in parts)
    held = total(_byte_seconds(part) for part in parts)
    untold = total(part.answers.total("call.usage_untold") for part in parts)

    def lots(amounts: Iterable[float | None], lot: float) -> float | None:
        amount = total(amounts)
        return None if amount is None else amount / lot

    return Bill(
        items=(
            *(Item(one.title, lots(map(one.used, parts), one.per), one.lot, one.price(prices)) for one in USAGE),
            Item("CPU", lots(map(_cpu, parts), HOUR), "CPU hours", prices.cpu_hour),
            Item(MEMORY, lots([held], GB * HOUR), "GB hours", prices.memory_gb_hour),
            Item("data sent", lots(map(_sent, parts), GB), "GB", prices.sent_gb),
        ),
        jobs=run.outcomes()[Outcome.COMPLETED],
        seconds=seconds,
        held=None if held is None or not seconds else held / seconds / GB,
        untold=None if untold is None else int(untold),
    )


def _seconds(part: Run) -> float:
    """From the first due time of a measured job to the last end that a client saw."""
    ends = [job.held for job in part.measured if job.held is not None]
    return max(ends) - min(job.due for job in part.measured) if ends else 0.0


def _cpu(part: Run) -> float | None:
    spent = cpu_seconds(part)
    return None if spent is None else math.fsum(spent.get(name, 0.0) for name in SERVICE)


def _byte_seconds(part: Run) -> float | None:
    """Memory that the service's own processes held on average, times how long."""
    held = total(part.answers.value("memory.held", job=job) for job in HOLDERS)
    return None if held is None else held * _seconds(part)


def _sent(part: Run) -> float | None:
    """Bytes to the providers, and each video once to its client."""
    videos = math.fsum(job.bytes or 0 for job in part.measured)
    return total([part.answers.total("call.wire", direction=Direction.SENT), videos])


def wasted(run: Run, prices: Prices) -> float:
    """What answers of no use were billed at, as the records tell: a lower bound, since they know of each job's last
    execution only, and of no answer that did not tell its usage.
    """
    calls = [call for job in run.measured if job.timings for call in job.timings.calls if call.result != CallResult.OK]
    return math.fsum(
        (call.usage or {}).get(one.unit, 0) / one.per * one.price(prices)
        for call in calls
        for one in USAGE
        if one.provider is call.provider
    )
