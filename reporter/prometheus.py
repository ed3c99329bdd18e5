"""Asking Prometheus: instant queries, its clock, and the moment at which its readings are settled."""

import asyncio
import math
import re
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import httpx

from contract.errors import EnvironmentFault, UsageError

POLL = 0.1
"""Seconds between two looks at the targets."""
DUE = 0.75
"""Share of its interval after which a target is about to be scraped again: the scrape before may have been late."""
TIMESTAMP_TOLERANCE = 0.005
"""Prometheus may move a scrape's timestamp by up to 2 ms to keep its grid; a later scrape is beyond that."""


BAD_QUERY = "bad_data"
"""What Prometheus calls an expression that is none."""


class PromQLError(EnvironmentFault):
    """Prometheus did not answer, refused a query, or had a reservation about its answer."""


class BadQueryError(PromQLError):
    """The expression is none."""

    exit_code = UsageError.exit_code


@dataclass(frozen=True, slots=True)
class Series:
    """One series of an answer: its labels and its points (Unix seconds, value); a value that is no number is None."""

    labels: Mapping[str, str]
    points: tuple[tuple[float, float | None], ...]

    @property
    def value(self) -> float | None:
        return self.points[-1][1] if self.points else None

    @property
    def time(self) -> float:
        return self.points[-1][0]


class Prometheus:
    """One Prometheus server, used as an async context manager."""

    def __init__(self, url: str, timeout: float = 10.0) -> None:
        self.url = url.rstrip("/")
        self._client = httpx.AsyncClient(base_url=self.url, timeout=timeout, trust_env=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def query(self, expr: str, at: float | None = None) -> list[Series]:
        """The answer to an instant query at `at` (Unix seconds; now when None).

        Raises PromQLError when the query fails or when the answer carries a warning or an info: a figure about
        which Prometheus itself has a reservation does not go into a report unseen.
        """
        form = {"query": expr} if at is None else {"query": expr, "time": f"{at:.3f}"}
        body = await self._ask("POST", "/api/v1/query", expr, data=form)
        reservations = [*body.get("warnings", ()), *body.get("infos", ())]
        if reservations:
            raise PromQLError(f"Prometheus has a reservation about {expr!r}: {'; '.join(reservations)}")
        return _parse(body["data"], expr)

    async def now(self) -> float:
        """Prometheus's own Unix time."""
        value = (await self.query("time()"))[0].value
        if value is None:
            raise PromQLError(f"Prometheus at {self.url} does not tell the time.")
        return value

    async def version(self) -> str:
        body = await self._ask("GET", "/api/v1/status/buildinfo", "its version")
        return str(body["data"]["version"])

    async def scrape_interval(self) -> float:
        """The global one of its configuration, in seconds."""
        body = await self._ask("GET", "/api/v1/status/config", "its configuration")
        found = re.search(r"^ +scrape_interval: (\S+)$", body["data"]["yaml"], re.MULTILINE)
        if found is None:
            raise PromQLError(f"Prometheus at {self.url} does not say how often it scrapes.")
        return _duration(found[1])

    async def active_targets(self) -> list[dict[str, Any]]:
        """What Prometheus has discovered, scraped or not, as `/api/v1/targets` describes it."""
        body = await self._ask("GET", "/api/v1/targets", "targets", params={"state": "active"})
        targets: list[dict[str, Any]] = body["data"]["activeTargets"]
        return targets

    async def _ask(self, method: str, path: str, what: str, **parts: Any) -> dict[str, Any]:  # noqa: ANN401 - httpx's own arguments
        try:
            answer = await self._client.request(method, path, **parts)
        except httpx.HTTPError as error:
            reason = str(error) or type(error).__name__
            raise PromQLError(f"Prometheus at {self.url} does not answer ({reason}). Is it running?") from error
        try:
            body: dict[str, Any] = answer.json()
            status = body.get("status")
        except (ValueError, AttributeError) as error:
            raise PromQLError(
                f"{self.url} answered {answer.status_code} without JSON to {what!r}: is it a Prometheus?"
            ) from error
        if answer.is_error or status != "success":
            message = body.get("error", f"status {answer.status_code}")
            kind = BadQueryError if body.get("errorType") == BAD_QUERY else PromQLError
            raise kind(f"Prometheus refused {what!r}: {message}")
        return body


def _duration(text: str) -> float:
    """Seconds of a Prometheus duration such as `1m30s` or `500ms`."""
    units = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
    return sum(float(number) * units[unit] for number, unit in re.findall(r"(\d+)(ms|[smhd])", text))


def _parse(data: dict[str, Any], expr: str) -> list[Series]:
    kind, result = data["resultType"], data["result"]
    if kind == "scalar":
        return [Series({}, (_point(result),))]
    if kind == "vector":
        return [Series(entry["metric"], (_point(_plain(entry, "value", expr)),)) for entry in result]
    if kind == "matrix":
        return [Series(e["metric"], tuple(_point(p) for p in _plain(e, "values", expr))) for e in result]
    raise PromQLError(f"{expr!r} answers a {kind}, which is no figure.")


def _plain(entry: dict[str, Any], key: str, expr: str) -> Any:  # noqa: ANN401 - JSON
    if key not in entry:
        raise PromQLError(f"{expr!r} answers native histograms; ask for a float.")
    return entry[key]


def _point(pair: list[Any]) -> tuple[float, float | None]:
    value = float(pair[1])
    return float(pair[0]), value if math.isfinite(value) else None


async def clock_skew(url: str, tries: int = 3) -> float:
    """Prometheus's clock minus ours in seconds, against the midpoint of the quickest of `tries` requests."""
    async with Prometheus(url) as prometheus:
        return await _skew(prometheus, tries)


async def _skew(prometheus: Prometheus, tries: int = 3) -> float:
    readings = []
    for _ in range(tries):
        begun, started = time.time(), time.perf_counter()
        theirs = await prometheus.now()
        length = time.perf_counter() - started
        readings.append((length, theirs - (begun + length / 2)))
    return min(readings)[1]


async def settled(url: str, since: float, bound: float, expected: Collection[str] = ()) -> float:
    """Waits until every discovered target has been scraped well after `since`, and returns a reading's time.

    `since` is Unix time by our clock; the return value is Unix time by Prometheus's, fit for `@`: nothing that happens
    after this returned is in a sample of that time or before. A scrape carries the time of its start, so one that was
    under way at the reading is waited for too. A target that `up` still remembers but that is no longer discovered is
    not waited for. `expected` names instances that must be there too, since a target file may be read seconds after it
    was written. Raises PromQLError after `bound` seconds, naming the targets that are missing.
    """
    deadline = time.monotonic() + bound
    async with Prometheus(url) as prometheus:
        threshold = since + await _skew(prometheus) + TIMESTAMP_TOLERANCE
        reading: float | None = None
        while True:
            look = await _look(prometheus, threshold, expected)
            if look.time is not None and not look.late:
                reading = reading or look.time
                if look.holds(reading):
                    return reading
            if time.monotonic() + POLL > deadline:
                what = "; ".join(look.late) or ("a scrape is under way" if reading else "no target is discovered")
                raise PromQLError(
                    f"Prometheus has not read every process within {bound:g} s: {what}. See {prometheus.url}/targets."
                )
            await asyncio.sleep(POLL)


@dataclass(frozen=True, slots=True)
class _Look:
    """At the targets: the time of it (None without targets), those not scraped since the threshold, each with the
    reason, and of the others the last scrape and the interval.
    """

    time: float | None
    late: list[str]
    scraped: list[tuple[float, float]]

    def holds(self, reading: float) -> bool:
        """Whether every scrape that began before it has come in."""
        return all(last > reading or reading < last + DUE * interval for last, interval in self.scraped)


async def _look(prometheus: Prometheus, threshold: float, expected: Collection[str]) -> _Look:
    targets = await prometheus.active_targets()
    answer = await prometheus.query("timestamp(up) and up == 1")
    times = {_key(s.labels): s.value for s in answer if s.value is not None and s.value > threshold}
    late, scraped = [], []
    for target in targets:
        last = times.get(_key(target["labels"]))
        if last is not None:
            scraped.append((last, _duration(target["scrapeInterval"])))
        elif not _abandoned(target["labels"], expected):
            late.append(f"{_name(target['labels'])} ({target.get('lastError') or 'no scrape since'})")
    found = {target["labels"].get("instance") for target in targets}
    late += [f"{instance} (not discovered)" for instance in expected if instance not in found]
    return _Look(answer[0].time if answer and targets else None, sorted(late), scraped)


def _abandoned(labels: Mapping[str, str], expected: Collection[str]) -> bool:
    """Left behind by a load generator that was killed: there is one at a time, and this is not the one."""
    return labels.get("job") == "loadgen" and bool(expected) and labels.get("instance") not in expected


def _key(labels: Mapping[str, str]) -> frozenset[tuple[str, str]]:
    return frozenset((name, value) for name, value in labels.items() if name != "__name__")


def _name(labels: Mapping[str, str]) -> str:
    return f"{labels.get('job', '?')}/{labels.get('instance', '?')}"
