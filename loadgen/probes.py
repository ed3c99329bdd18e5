"""Single requests instead of jobs: how quickly the API answers what it is asked most."""

import asyncio
from collections.abc import Callable, Iterator
from http import HTTPStatus

from contract.runfolder import RequestRecord
from loadgen.scenario import Endpoint, Probes
from loadgen.share import Share
from loadgen.users import Clock
from loadgen.wire import RequestError, Wire

BOUND = 10.0
"""Seconds within which an answer must come."""


class Prober:
    """Asks our share of what the load says: each endpoint in turn, `users` at a time. `video` is a job to ask about."""

    def __init__(
        self, wire: Wire, video: str, on_record: Callable[[RequestRecord], None], clock: Clock, share: Share
    ) -> None:
        self._wire = wire
        self._paths = {
            Endpoint.HEALTH: "/healthz",
            Endpoint.STATUS: f"/v1/videos/{video}",
            Endpoint.LIST: "/v1/videos?limit=20",
        }
        self._on_record = on_record
        self._clock = clock
        self._share = share

    async def closed_loop(self, load: Probes, start: float) -> None:
        kinds = len(load.endpoints)
        own = self._share.of_users(load.users, load.requests * kinds)
        endpoints = iter([load.endpoints[index % kinds] for index in own])
        await asyncio.sleep(max(0.0, start - self._clock.now()))
        async with asyncio.TaskGroup() as group:
            for _ in self._share.each(load.users):
                group.create_task(self._user(endpoints))

    async def _user(self, endpoints: Iterator[Endpoint]) -> None:
        for endpoint in endpoints:
            due = self._clock.now()
            record = RequestRecord(endpoint=endpoint, due=due, sent=due)
            try:
                answer = await self._wire.request("GET", self._paths[endpoint], BOUND)
                record.seconds = self._clock.now() - due
                record.status = answer.status
            except RequestError as error:
                record.failure = error.failure
            self._on_record(record)


def successful(record: RequestRecord) -> bool:
    return record.status == HTTPStatus.OK
