"""The whole stack on this machine, without containers."""

import asyncio
import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp

from contract.settings import Workload
from stack.parts import COMMANDS, Part, cache_store, own_process, prometheus, queue_store
from stack.places import ROOT
from stack.ports import LOOPBACK, PortChooser
from stack.process import Child, ChildDied, to_the_end
from stack.programs import PROMETHEUS, REDIS, Program, find_programs
from stack.readiness import answers, asker
from stack.state import state_folder
from stack.targets import Targets

READY_BOUND = 20.0
"""Seconds that a process may take until it is ready."""
STOP_GRACE = 8.0
"""Seconds between SIGTERM and SIGKILL."""


class LocalStack:
    """Starts everything on entry and stops it on exit, in reverse order, whatever ends the block.

    Fails with EnvironmentFault (a port or program is missing, a process is not ready in time) or ChildDied; nothing
    is left running then. `env` is added to the environment of our own processes. The addresses exist once entered.
    """

    api_urls: list[str]
    prometheus_url: str
    exporter_url: str
    mocks_url: str
    redis_url: str
    cache_url: str
    data_dir: Path
    died: asyncio.Future[ChildDied]
    """Done when the first process has ended although nobody asked it to."""

    def __init__(
        self,
        log_dir: Path,
        *,
        api_port: int | None = None,
        prometheus_port: int | None = None,
        api_processes: int = 1,
        env: Mapping[str, str] | None = None,
        on_step: Callable[[str], None] = lambda _line: None,
        commands: Mapping[str, Sequence[str]] = COMMANDS,
    ) -> None:
        self.log_dir = log_dir.resolve()
        self.deaths: list[str] = []
        self.workload = Workload()
        self._wished = {"service-1": api_port, "prometheus": prometheus_port}
        self._api_processes = api_processes
        self._env = dict(env or {})
        self._on_step = on_step
        self._commands = commands
        self._started: list[list[Child]] = []
        self._watchers: list[asyncio.Task[None]] = []
        self._stopping = False
        self._state = ExitStack()

    @property
    def api_url(self) -> str:
        return self.api_urls[0]

    @property
    def processes(self) -> dict[str, int]:
        return {child.name: child.pid for group in self._started for child in group}

    def add_target(self, job: str, instance: str, port: int) -> None:
        self._targets.add(job, instance, port)

    def remove_target(self, instance: str) -> None:
        self._targets.remove(instance)

    def describe(self) -> dict[str, Any]:
        """For the discovery file: plain JSON values."""
        return {
            "api_urls": self.api_urls,
            "prometheus_url": self.prometheus_url,
            "exporter_url": self.exporter_url,
            "mocks_url": self.mocks_url,
            "redis_url": self.redis_url,
            "cache_url": self.cache_url,
            "workload": self.workload.model_dump(mode="json"),
            "data_dir": str(self.data_dir),
            "targets_dir": str(self._targets.folder),
            "log_dir": str(self.log_dir),
            "processes": self.processes,
        }

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:
            await to_the_end(self._stop())
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await to_the_end(self._stop())

    async def _start(self) -> None:
        began = time.monotonic()
        self.died = asyncio.get_running_loop().create_future()
        self.log_dir.mkdir(parents=True, exist_ok=True)
        programs = await asyncio.to_thread(find_programs, self._on_step)
        groups = self._plan(programs, self._state.enter_context(state_folder()))
        async with asker() as session:
            stores, *others = groups
            children = await self._launch(stores)
            await self._all_ready(children, session)
            children = [pair for group in others for pair in await self._launch(group)]
            await self._all_ready(children, session)
        self._on_step(f"stack ready in {time.monotonic() - began:.1f} s")

    def _plan(self, programs: Mapping[str, Program], state: Path) -> list[list[Part]]:
        """Decides every address; gives the processes in groups of which each needs the ones before it."""
        ports = PortChooser()
        self._targets = Targets(state / "targets")
        self._targets.folder.mkdir()
        self.data_dir = state / "data"
        self.data_dir.mkdir()

        def own(name: str, job: str) -> Part:
            return own_process(name, job, self._commands[job], ports.choose(self._wished.get(name)))

        services = [own(f"service-{number}", "service") for number in range(1, self._api_processes + 1)]
        observer = prometheus(
            programs[PROMETHEUS.name], ports.choose(self._wished["prometheus"]), state, self._targets.folder
        )
        redis = queue_store(programs[REDIS.name], ports.choose(), state)
        cache = cache_store(programs[REDIS.name], ports.choose(), state)
        mocks = own("mocks", "mocks")
        exporter = own("exporter", "exporter")
        workers = [own(f"worker-{number}", "worker") for number in range(1, self._worker_count() + 1)]

        self.api_urls = [service.url for service in services]
        self.prometheus_url, self.exporter_url, self.mocks_url = observer.url, exporter.url, mocks.url
        self.redis_url, self.cache_url = redis.url, cache.url
        return [[redis, cache], [observer, mocks, exporter], [*services, *workers]]

    def _worker_count(self) -> int:
        given = self._env.get("T2V_WORKERS")
        return Workload.model_validate({"workers": given}).workers if given else Workload().workers

    def _environment(self, part: Part) -> dict[str, str]:
        # A provider's address that the user has set stays: that is how a real one takes the place of a mock.
        providers = dict.fromkeys(("T2V_LLM_URL", "T2V_TTS_URL", "T2V_VISUAL_URL"), f"{self.mocks_url}/v1")
        places = {
            "T2V_HOST": LOOPBACK,
            "T2V_REDIS_URL": self.redis_url,
            "T2V_CACHE_URL": self.cache_url,
            "T2V_DATA_DIR": str(self.data_dir),
            "PYTHONUNBUFFERED": "1",  # a log whose last lines are missing explains no death
        }
        own = {**providers, **os.environ, **self._env, **places} if part.job else dict(os.environ)
        return own | dict(part.env)

    async def _launch(self, parts: Sequence[Part]) -> list[tuple[Child, Part]]:
        group: list[Child] = []
        self._started.append(group)

        async def launch(part: Part) -> None:
            log = self.log_dir / f"{part.name}.log"
            child = await Child.start(part.name, part.argv, log=log, env=self._environment(part), cwd=ROOT)
            group.append(child)
            self._watchers.append(asyncio.create_task(self._watch(child)))

        for part in parts:
            await to_the_end(launch(part))
        return list(zip(group, parts, strict=True))

    async def _all_ready(self, children: Sequence[tuple[Child, Part]], session: aiohttp.ClientSession) -> None:
        async def one(child: Child, part: Part) -> None:
            began = time.monotonic()
            await child.wait_ready(lambda: answers(part.ready_url, session), READY_BOUND)
            if part.job:
                self._targets.add(part.job, part.name, part.port)
            self._on_step(f"{part.name} ready at {part.url} ({time.monotonic() - began:.1f} s)")

        try:
            async with asyncio.TaskGroup() as tasks:
                for child, part in children:
                    tasks.create_task(one(child, part))
        except ExceptionGroup as group:
            raise group.exceptions[0] from None

    async def _watch(self, child: Child) -> None:
        await child.wait()
        if self._stopping:
            return
        self.deaths.append(child.name)
        if not self.died.done():
            self.died.set_result(child.death())

    async def _stop(self) -> None:
        self._stopping = True
        while self._started:
            group = self._started.pop()
            if group:
                self._on_step(f"stopping {', '.join(child.name for child in group)}")
            await asyncio.gather(*(child.stop(STOP_GRACE) for child in group))
        await asyncio.gather(*self._watchers)
        await asyncio.to_thread(self._state.close)
