"""The whole stack on this machine, without containers."""

import asyncio
import os
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from contract.cancellation import to_the_end
from contract.settings import Workload
from stack.fleet import Fleet
from stack.parts import COMMANDS, Part, cache_store, own_process, prometheus, queue_store
from stack.ports import LOOPBACK, PortChooser
from stack.programs import PROMETHEUS, REDIS, Program, find_programs
from stack.state import state_folder
from stack.targets import Targets


class LocalStack:
    """Starts everything on entry and stops it on exit, in reverse order, whatever ends the block.

    Fails with EnvironmentFault (a port or program is missing, a process is not ready in time) or ChildDied; nothing
    is left running then. Our own processes do as `workload` says; `env` is
    added to their environment. With `restarts`, a process that dies is started again. The addresses exist once entered.
    """

    api_urls: list[str]
    prometheus_url: str
    exporter_url: str
    mocks_url: str
    control_token: str
    redis_url: str
    cache_url: str
    data_dir: Path
    fleet: Fleet
    """Its processes."""
    metrics_host = LOOPBACK
    takes_targets = True

    def __init__(
        self,
        log_dir: Path,
        *,
        api_port: int | None = None,
        prometheus_port: int | None = None,
        api_processes: int = 1,
        workload: Workload | None = None,
        restarts: bool = False,
        env: Mapping[str, str] | None = None,
        on_step: Callable[[str], None] = lambda _line: None,
        commands: Mapping[str, Sequence[str]] = COMMANDS,
    ) -> None:
        self.log_dir = log_dir.resolve()
        self.workload = workload or Workload()
        self._wished = {"service-1": api_port, "prometheus": prometheus_port}
        self._api_processes = api_processes
        self._env = dict(env or {})
        self._on_step = on_step
        self._restarts = restarts
        self._commands = commands
        self._state = ExitStack()
        self._instances: dict[str, str] = {}
        self.control_token = secrets.token_urlsafe(16)

    @property
    def api_url(self) -> str:
        return self.api_urls[0]

    @property
    def processes(self) -> dict[str, int]:
        return self.fleet.processes

    @property
    def deaths(self) -> list[str]:
        return self.fleet.deaths

    def add_target(self, job: str, instance: str, port: int) -> None:
        self._targets.add(job, instance, port)

    def remove_target(self, instance: str) -> None:
        self._targets.remove(instance)

    async def restart_workers(self, workload: Workload) -> list[str]:
        self.workload, workers = workload, self.fleet.members("worker")

        async def restart(name: str) -> None:
            await self.fleet.terminate(name)
            await self.fleet.start(name)

        await asyncio.gather(*map(restart, workers))
        return [self._instances[name] for name in workers]

    def describe(self) -> dict[str, Any]:
        """For the discovery file: plain JSON values."""
        return {
            "api_urls": self.api_urls,
            "prometheus_url": self.prometheus_url,
            "exporter_url": self.exporter_url,
            "mocks_url": self.mocks_url,
            "control_token": self.control_token,
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
        self.log_dir.mkdir(parents=True, exist_ok=True)
        self.fleet = Fleet(
            self.log_dir,
            self._environment,
            self._anew,
            self._scrape,
            self._forget,
            self._on_step,
            restarts=self._restarts,
        )
        programs = await asyncio.to_thread(find_programs, self._on_step)
        stores, *others = self._plan(programs, self._state.enter_context(state_folder()))
        await self.fleet.launch(stores)
        await self.fleet.wait_ready(stores)
        for group in others:
            await self.fleet.launch(group)
        await self.fleet.wait_ready([part for group in others for part in group])
        self._on_step(f"stack ready in {time.monotonic() - began:.1f} s")

    def _anew(self, part: Part) -> Part:
        """A worker on another port, which Prometheus alone needs to know: it may ask the old one for seconds still, and
        would take the new process for the old one.
        """
        if part.job != "worker":
            return part
        return own_process(part.name, part.job, self._commands[part.job], self._ports.choose())

    def _scrape(self, part: Part, start: int) -> None:
        """A process that was started again is a new instance: its counters begin at 0."""
        if part.job:
            self._instances[part.name] = _instance(part, start)
            self._targets.add(part.job, _instance(part, start), part.port)

    def _forget(self, part: Part, start: int) -> None:
        """Before another process answers on its port."""
        if part.job:
            self._targets.remove(_instance(part, start))

    def _plan(self, programs: Mapping[str, Program], state: Path) -> list[list[Part]]:
        """Decides every address; gives the processes in groups of which each needs the ones before it."""
        self._ports = ports = PortChooser()
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
        redis = queue_store(programs[REDIS.name], ports.choose(), state, self.workload.queue_fsync)
        cache = cache_store(programs[REDIS.name], ports.choose(), state, self.workload.cache_bytes)
        mocks = own("mocks", "mocks")
        exporter = own("exporter", "exporter")
        workers = [own(f"worker-{number}", "worker") for number in range(1, self.workload.workers + 1)]

        self.api_urls = [service.url for service in services]
        self.prometheus_url, self.exporter_url, self.mocks_url = observer.url, exporter.url, mocks.url
        self.redis_url, self.cache_url = redis.url, cache.url
        return [[redis, cache], [observer, mocks, exporter], [*services, *workers]]

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
        if part.job == "mocks":
            places["T2V_CONTROL_TOKEN"] = self.control_token
        workload = self.workload.environment()
        own = {**providers, **os.environ, **workload, **self._env, **places} if part.job else dict(os.environ)
        return own | dict(part.env)

    async def _stop(self) -> None:
        if hasattr(self, "fleet"):
            await self.fleet.stop()
        await asyncio.to_thread(self._state.close)


def _instance(part: Part, start: int) -> str:
    return part.name if start == 1 else f"{part.name}.{start}"
