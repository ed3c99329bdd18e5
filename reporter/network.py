"""What goes between the workers and each provider, per job."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from contract.calls import Provider
from contract.catalogue import ConnectionEvent, Direction
from reporter.runs import Run
from reporter.statistics import total

BYTES = ("call.bytes", "call.wire")
"""The queries about payload and wire."""


@dataclass(frozen=True, slots=True)
class Flow:
    """Bytes one way; None is "no data". `wire` is what the kernel counted of the TCP streams: HTTP's heads and the
    bodies, without the headers of TCP and IP.
    """

    payload: float | None
    wire: float | None

    @property
    def overhead(self) -> float | None:
        """What the wire carries beyond the payload, as a share of the payload."""
        return self.wire / self.payload - 1 if self.wire is not None and self.payload else None


@dataclass(frozen=True, slots=True)
class Traffic:
    """Per measured job, whatever became of it; calls that failed or were repeated included."""

    provider: Provider
    sent: Flow
    received: Flow
    calls: float
    opened: float | None
    reused: float | None

    @property
    def both(self) -> Flow:
        return Flow(total((self.sent.payload, self.received.payload)), total((self.sent.wire, self.received.wire)))


def traffic(run: Run) -> list[Traffic]:
    """By provider that was called; over all parts of a run."""
    jobs = len(run.measured)
    return list(_traffic(run.parts, jobs)) if jobs else []


def _traffic(parts: Sequence[Run], jobs: int) -> Iterator[Traffic]:
    for provider in Provider:
        per_job = partial(_per_job, parts, jobs, provider)
        calls = per_job("call.results")
        if calls:
            yield Traffic(
                provider=provider,
                sent=Flow(*(per_job(query, direction=Direction.SENT) for query in BYTES)),
                received=Flow(*(per_job(query, direction=Direction.RECEIVED) for query in BYTES)),
                calls=calls,
                opened=per_job("call.connections", event=ConnectionEvent.OPENED),
                reused=per_job("call.connections", event=ConnectionEvent.REUSED),
            )


def _per_job(parts: Sequence[Run], jobs: int, provider: Provider, query: str, **labels: str) -> float | None:
    grown = total(part.answers.total(query, provider=provider, **labels) for part in parts)
    return None if grown is None else grown / jobs
