"""The executions that this worker holds, kept alive while the ledger agrees and stopped when it does not.

A worker that could not renew in time stops by itself what it holds, since the ledger gives it to others.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any

from redis.asyncio import Redis

from contract import keys
from contract.cancellation import was_cancelled
from contract.connections import REDIS_DOWN
from contract.ledger import Claim, Ending, Ledger, Standing
from contract.settings import Workload
from contract.subscription import follow

log = logging.getLogger(__name__)

Start = Callable[["Execution"], Coroutine[Any, Any, Ending]]

MOST_HEARD = 1000
"""Cancelled jobs that are remembered: more than are cancelled while a claim is under way."""
RETRY_DELAY = 0.5
"""Seconds between attempts to reach a ledger that is away."""


class Execution:
    """A claim at work."""

    def __init__(self, claim: Claim, held_until: float, render: Start) -> None:
        """`held_until` is the end of its lease by the loop's clock."""
        self.claim = claim
        self.verdict: Standing | None = None
        """Why it was stopped, when the ledger, or the end of its lease, was the reason."""
        self.fenced = False
        """Whether it was this worker that stopped it, because its lease had run out."""
        self._loop = asyncio.get_running_loop()
        self._fence = self._loop.call_at(held_until, self._lease_ran_out)
        self.render = self._loop.create_task(render(self))

    def heed(self, standing: Standing) -> bool:
        """Stops the execution unless it is to go on; False when it has ended already."""
        if standing is Standing.CURRENT or self.verdict is not None or not self.render.cancel():
            return False
        self.verdict = standing
        return True

    def extend(self, held_until: float) -> None:
        self._fence.cancel()
        self._fence = self._loop.call_at(held_until, self._lease_ran_out)

    def release(self) -> None:
        self._fence.cancel()

    def _lease_ran_out(self) -> None:
        if self.heed(Standing.LOST):
            self.fenced = True
            log.warning("the lease of %s ran out before it could be renewed; its execution stops", self.claim.job_id)


class Leases:
    def __init__(self, ledger: Ledger, workload: Workload) -> None:
        self._ledger = ledger
        self._lease = workload.lease
        self._every = workload.renew_every
        self._held: dict[str, Execution] = {}
        """The execution that this worker believes current, by job id."""
        self._heard: deque[str] = deque(maxlen=MOST_HEARD)
        """Cancelled jobs that it did not hold: the news may overtake the answer to the claim that hands one out."""

    def add(self, execution: Execution) -> None:
        """An older execution of the same job is out of date by then."""
        if outdated := self._held.get(execution.claim.job_id):
            outdated.heed(Standing.LOST)
        self._held[execution.claim.job_id] = execution
        if execution.claim.job_id in self._heard:
            execution.heed(Standing.CANCEL)

    def remove(self, execution: Execution) -> None:
        execution.release()
        if self.holds(execution):
            del self._held[execution.claim.job_id]

    def holds(self, execution: Execution) -> bool:
        return self._held.get(execution.claim.job_id) is execution

    async def renew_for_ever(self) -> None:
        """To be run as a task of its own, so that a slow poll cannot starve the leases."""
        pause = self._every
        while not was_cancelled():
            await asyncio.sleep(pause)
            pause = self._every
            try:
                await self._renew()
            except REDIS_DOWN as error:
                log.warning("leases could not be renewed (%s)", error)
                pause = min(RETRY_DELAY, self._every)

    async def _renew(self) -> None:
        held = dict(self._held)
        if not held:
            return
        held_until = asyncio.get_running_loop().time() + self._lease
        standings = await self._ledger.renew(
            self._lease, {job_id: execution.claim.token for job_id, execution in held.items()}
        )
        for job_id, execution in held.items():
            standing = standings.get(job_id, Standing.CURRENT)
            if standing is not Standing.CURRENT:
                execution.heed(standing)
            elif self.holds(execution):
                execution.extend(held_until)

    async def heed_cancellations(self, redis: Redis, beat: float) -> None:
        """Stops an execution the moment its job is to be cancelled; the next renewal would tell it too, but later.

        `redis` and `beat` as `follow` wants them.
        """
        async for job_id in follow(redis, keys.CANCELS, beat):
            if job_id is None:
                await self._look_again()
            elif execution := self._held.get(job_id):
                execution.heed(Standing.CANCEL)
            else:
                self._heard.append(job_id)

    async def _look_again(self) -> None:
        try:
            await self._renew()
        except REDIS_DOWN as error:
            log.warning("cancellations may have been missed (%s); the next renewal tells", error)
