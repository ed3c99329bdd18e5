"""Single requests instead of jobs: how quickly the API answers what it is asked most."""

import asyncio
from collections.abc import Callable, Iterator
from http import HTTPStatus
from itertools import cycle, islice

from contract.runfolder import RequestRecord
from loadgen.scenario import Endpoint, Probes
from loadgen.users import Clock
from loadgen.wire import RequestError, Wire

BOUND = 10.0
"""Seconds within which an answer must come."""


class Prober:
    """Asks each endpoint as often as the load says, in turn, `users` at a time. `video` is a job to ask about."""

    def __init__(self, wire: Wire, video: str, on_record: Callable[[RequestRecord], None]) -> None:
        self._wire = wire
        self._paths = {
            Endpoint.HEALTH: "/healthz",
            Endpoint.STATUS: f"/v1/videos/{video}",
            Endpoint.LIST: "/v1/videos?limit=20",
        }
        self._on_record = on_record
        self._clock = Clock()

    async def closed_loop(self, load: Probes) -> list[RequestRecord]:
        endpoints = islice(cycle(load.endpoints), load.requests * len(load.endpoints))
        records: list[RequestRecord] = []
        async with asyncio.TaskGroup() as group:
            for _ in range(load.users):
                group.create_task(self._user(endpoints, records))
        return sorted(records, key=lambda record: record.due)

    async def _user(self, endpoints: Iterator[Endpoint], records: list[RequestRecord]) -> None:
        for endpoint in endpoints:
            due = self._clock.now()
            record = RequestRecord(endpoint=endpoint, due=due, sent=due)
            try:
                answer = await self._wire.request("GET", self._paths[endpoint], BOUND)
                record.seconds = self._clock.now() - due
                record.status = answer.status
            except RequestError as error:
                record.failure = error.failure
            records.append(record)
            self._on_record(record)


def successful(record: RequestRecord) -> bool:
    return record.status == HTTPStatus.OK
