"""A worker with the defects that its arguments name, each of which a run must notice. Planted by `rulers.py`
and `test_cpu_account.py`.

Defects of leases are those of the process `worker-1` alone; the others then show what it costs.
"""

import asyncio
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import count
from typing import Any

import uvloop
from prometheus_client.core import Metric

from contract.calls import CacheStore, CallResult
from contract.catalogue import CacheMetrics, Part, ProcessMetrics, Usage, WorkerMetrics
from contract.jobs import CacheLookup, CallTiming
from contract.ledger import _LUA, Claim, Ledger, Standing
from contract.settings import Deployment, Workload
from contract.tcp_info import wire_bytes
from contract.wire import WireMeter
from workers import __main__ as worker
from workers.cache import cache
from workers.cache.entry import Entry
from workers.cache.shelf import Shelf
from workers.leases import Execution, Leases
from workers.providers import http
from workers.providers.errors import CallError
from workers.providers.http import Caller
from workers.render import clean_up
from workers.resilience.breaker import Breaker, News
from workers.tools import Tools

CHECK = "if fields[1] ~= token or fields[2] ~= 'in_progress' then"


MEASURED = "/measure/"
"""In the request of a job that is not of the warm-up."""


def leave_leases(name: str) -> None:
    """Neither renews its leases nor stops when they are lost."""
    if name != "worker-1":
        return

    async def never_renew(_: Leases) -> None:
        await asyncio.Event().wait()

    def never_heed(_execution: Execution, _standing: Standing) -> bool:
        return False

    Leases.renew_for_ever = never_renew  # type: ignore[assignment, method-assign] # planted
    Execution.heed = never_heed  # type: ignore[assignment, method-assign] # planted


def unfence(_: str) -> None:
    """The ledger takes whatever is finished."""
    checked = (_LUA / "finish.lua").read_text()
    assert checked.count(CHECK) == 1
    source = (_LUA / "prelude.lua").read_text() + checked.replace(CHECK, "if false then")
    fenced = Ledger.__init__

    def init(self: Ledger, redis: Any) -> None:
        fenced(self, redis)
        self._scripts["finish"] = self.redis.register_script(source)

    Ledger.__init__ = init  # type: ignore[method-assign] # planted


def ignore_cancel(_: str) -> None:
    """Goes on with a job whose client thought better of it."""
    heed = Execution.heed

    def deaf(self: Execution, standing: Standing) -> bool:
        return standing is not Standing.CANCEL and heed(self, standing)

    Execution.heed = deaf  # type: ignore[method-assign] # planted


def swallow_fault(_: str) -> None:
    """The first call that fails is in no record."""
    attempt, turns = Caller._attempt, count()

    async def forgetful(self: Caller, request: Any, number: int, after: CallResult | None) -> Any:
        try:
            return await attempt(self, request, number, after)
        except CallError:
            if next(turns) == 0:
                request.context.log.pop()
            raise

    Caller._attempt = forgetful  # type: ignore[method-assign] # planted


def skip_retry(_: str) -> None:
    """The first attempt beyond another's is not counted as one."""
    attempt, turns = Caller._attempt, count()

    async def skipping(self: Caller, request: Any, number: int, after: CallResult | None) -> Any:
        return await attempt(self, request, number, None if after is not None and next(turns) == 0 else after)

    Caller._attempt = skipping  # type: ignore[method-assign] # planted


def flip_byte(_: str) -> None:
    """One byte of the first measured job's first picture is another one."""
    turns = count()

    async def clean_up_and_spoil(tools: Tools, claim: Claim) -> None:
        await clean_up(tools, claim)
        if MEASURED in claim.request and next(turns) == 0:
            path = min(tools.data.execution(claim.job_id, claim.token).glob("*.png"))
            content = bytearray(path.read_bytes())
            content[len(content) // 2] ^= 1
            path.write_bytes(content)

    worker.clean_up = clean_up_and_spoil  # type: ignore[attr-defined] # planted


def never_close(_: str) -> None:
    """However many probes succeed, the breaker stays as it is."""
    Breaker._count_good_probe = lambda _self: News.GOOD_PROBE  # type: ignore[assignment, method-assign] # planted


def skip_hit(_: str) -> None:
    """The first hit of a measured job is not counted."""
    count_lookup, turns = cache.count_lookup, count()

    def skipping(lookup: CacheLookup, metrics: CacheMetrics) -> None:
        if not lookup.result.saves_call or next(turns):
            count_lookup(lookup, metrics)

    cache.count_lookup = skipping  # planted


def share_all(_: str) -> None:
    """All jobs share one cache, whatever they ask for."""

    def one(namespace: str, address: str, payload: bytes) -> str:
        return cache.request_name(namespace[:0], address, payload)

    http.request_name = one  # type: ignore[attr-defined] # planted


def keep_nothing(_: str) -> None:
    """What is said to be stored is not."""

    def put(self: Shelf, name: str, _entry: Entry, done: Callable[[CacheStore], None]) -> None:
        self.release(name)
        done(CacheStore.STORED)

    Shelf.put = put  # type: ignore[assignment, method-assign] # planted


def skip_bytes(_: str) -> None:
    """Every fourth call leaves neither bytes nor usage."""
    counted, turns = http.count_call, count()

    def forgetful(call: CallTiming, metrics: WorkerMetrics) -> None:
        if next(turns) % 4 == 3:
            call = call.model_copy(update={"bytes_sent": 0, "bytes_received": 0, "usage": {}})
        counted(call, metrics)

    http.count_call = forgetful  # planted


def skip_wire(_: str) -> None:
    """What every fourth look at a socket finds is lost."""
    count_growth, turns = WireMeter.count, count()

    def forgetful(self: WireMeter) -> None:
        if next(turns) % 4 == 3 and self._socket is not None:
            self._counted = wire_bytes(self._socket) or self._counted
        count_growth(self)

    WireMeter.count = forgetful  # type: ignore[method-assign] # planted


def forget_system_time(_: str) -> None:
    """Tells of the CPU time in user mode alone."""
    families = ProcessMetrics.families

    def forgetful(usages: Mapping[Part, Usage], *others: Any) -> Iterator[Metric]:
        return families({part: replace(usage, system_seconds=0.0) for part, usage in usages.items()}, *others)

    ProcessMetrics.families = staticmethod(forgetful)  # type: ignore[method-assign, assignment] # planted


DEFECTS: dict[str, Callable[[str], None]] = {
    defect.__name__: defect
    for defect in (
        *(leave_leases, unfence, ignore_cancel, swallow_fault, skip_retry, flip_byte, never_close),
        *(skip_hit, share_all, keep_nothing),
        *(skip_bytes, skip_wire),
        forget_system_time,
    )
}

if __name__ == "__main__":
    settings = Deployment()
    for name in sys.argv[1:]:
        DEFECTS[name](settings.worker_name)
    uvloop.run(worker.main(settings, Workload()))
