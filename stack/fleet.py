"""The processes of a stack by name: started in groups, watched, stopped in reverse order; and, on request, ill-treated.

Every order is for one process and returns when it is carried out. A process that ends without an order is a death.
"""

import asyncio
import contextlib
import os
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from contract.cancellation import to_the_end
from contract.errors import EnvironmentFault, ReelbenchError
from contract.settings import Fsync
from stack.parts import Part
from stack.places import ROOT
from stack.power import append_only_file, check_that_losses_can_be_seen, mend, on_disk
from stack.priority import step_back
from stack.process import Child, ChildDied
from stack.readiness import answers, asker

READY_BOUND = 60.0
"""Seconds that a process may take until it is ready: it takes two, unless others keep the machine busy."""
STOP_GRACE = 8.0
"""Seconds between SIGTERM and SIGKILL when everything stops."""
MOST_STARTS = 5
"""Of a process that dies again and again; then it is a death."""
TERMINATE_GRACE = 30.0
"""Seconds that a process gets to end in peace when it alone is stopped: longer than a worker drains."""


@dataclass(slots=True)
class Accident:
    """A process that died by itself and was started again; `end` is when it was up. Unix seconds."""

    name: str
    role: str
    start: float
    end: float | None = None


class Fleet:
    """`environment` gives a part's whole environment; `anew` the part as it is started again; `on_ready` is called when
    one answers, with how often it was started; `on_end` when it has ended on request or is about to be started again.
    """

    deaths: list[str]
    """Names of the processes that ended although nobody asked them to."""

    def __init__(
        self,
        log_dir: Path,
        environment: Callable[[Part], Mapping[str, str]],
        anew: Callable[[Part], Part],
        on_ready: Callable[[Part, int], None],
        on_end: Callable[[Part, int], None],
        on_step: Callable[[str], None],
        *,
        restarts: bool = False,
    ) -> None:
        """With `restarts`, a process that dies is started again and its death is an accident, not the end of a run."""
        self.died: asyncio.Future[ChildDied] = asyncio.get_running_loop().create_future()
        self.deaths = []
        self.accidents: list[Accident] = []
        self._restarts = restarts
        self._stopping = False
        self._log_dir = log_dir
        self._environment = environment
        self._anew = anew
        self._on_ready = on_ready
        self._on_end = on_end
        self._on_step = on_step
        self._groups: list[list[Part]] = []
        self._children: dict[str, Child] = {}
        self._starts: Counter[str] = Counter()
        self._gives_way = False
        self._watchers: set[asyncio.Task[None]] = set()

    @property
    def processes(self) -> dict[str, int]:
        return {name: child.pid for name, child in self._children.items()}

    def members(self, role: str) -> list[str]:
        return [part.name for group in self._groups for part in group if part.role == role]

    async def launch(self, parts: Sequence[Part]) -> None:
        """Starts them without waiting for them. Raises EnvironmentFault."""
        self._groups.append(list(parts))
        for part in parts:
            await to_the_end(self._launch(part))

    async def wait_ready(self, parts: Sequence[Part]) -> None:
        """Until each of these answers. Raises ChildDied or EnvironmentFault."""
        async with asker() as session:
            try:
                async with asyncio.TaskGroup() as tasks:
                    for part in parts:
                        tasks.create_task(self._wait_ready(part, session))
            except ExceptionGroup as group:
                raise group.exceptions[0] from None

    async def start(self, name: str) -> None:
        """Starts a process again that was stopped or killed, and waits until it answers."""
        group = next(group for group in self._groups if self._part(name) in group)
        part = self._anew(self._part(name))
        group[:] = [part if one.name == name else one for one in group]
        await to_the_end(self._launch(part))
        async with asker() as session:
            await self._wait_ready(part, session)

    async def step_back(self) -> None:
        """Lets whoever sends the load go first on a machine that it shares with the processes. For good, and for those
        that are started later too.
        """
        self._gives_way = True
        await step_back(self.processes.values())

    async def kill(self, name: str) -> None:
        self._on_step(f"{name} is killed")
        await self._remove(name).kill()

    async def terminate(self, name: str) -> None:
        """SIGTERM, and waits for the end, which is forced if the process takes its time."""
        self._on_step(f"{name} is terminated")
        await self._remove(name).stop(TERMINATE_GRACE)

    async def pause(self, name: str) -> None:
        self._on_step(f"{name} is paused")
        self._child(name).pause()

    async def resume(self, name: str) -> None:
        """A process that has been killed meanwhile stays so."""
        if child := self._children.get(name):
            self._on_step(f"{name} goes on")
            child.resume()

    async def lose_power(self, name: str) -> int:
        """Ends a Redis that keeps a log as a loss of power would; how many bytes of the log are gone with it.

        Raises EnvironmentFault where that cannot be told, or where this Redis keeps no log.
        """
        part = self._part(name)
        if part.folder is None:
            raise EnvironmentFault(f"{name} keeps nothing on disk that a loss of power could take.")
        log = append_only_file(part.folder)
        check_that_losses_can_be_seen(log.parent)
        self._on_step(f"{name} loses its power")
        child = self._child(name)
        child.pause()
        try:
            if part.fsync is Fsync.ALWAYS:
                # Between a write and its fsync nothing was acknowledged yet, and to the page is not fine enough then.
                while on_disk(log) < log.stat().st_size:
                    child.resume()
                    await asyncio.sleep(0.001)
                    child.pause()
            kept, size = on_disk(log), log.stat().st_size
        except BaseException:
            child.resume()
            raise
        await self._remove(name).kill()
        os.truncate(log, kept)
        return size - kept

    async def stop(self) -> None:
        """Everything, in the reverse order of launching."""
        self._stopping = True
        while self._watchers:  # one may just be starting a process, which then has a watcher too
            for watcher in self._watchers:
                watcher.cancel()
            await asyncio.gather(*self._watchers, return_exceptions=True)
        while self._groups:
            group = [self._remove(part.name) for part in self._groups[-1] if part.name in self._children]
            self._groups.pop()
            if group:
                self._on_step(f"stopping {', '.join(child.name for child in group)}")
            await asyncio.gather(*(child.stop(STOP_GRACE) for child in group))

    def _part(self, name: str) -> Part:
        return next(part for group in self._groups for part in group if part.name == name)

    def _child(self, name: str) -> Child:
        """Raises EnvironmentFault when it has died and is not up again."""
        if name not in self._children:
            raise EnvironmentFault(f"{name} is down by itself, so that no fault can meet it.")
        return self._children[name]

    def _remove(self, name: str) -> Child:
        """From now on its end is no death. Raises EnvironmentFault as `_child` does."""
        child = self._child(name)
        self._on_end(self._part(name), self._starts[name])
        del self._children[name]
        return child

    async def _launch(self, part: Part) -> None:
        if part.folder is not None:
            await mend(Path(part.argv[0]), part.folder, self._environment(part))
        log = self._log_dir / f"{part.name}.log"
        child = await Child.start(part.name, part.argv, log=log, env=self._environment(part), cwd=ROOT)
        self._children[part.name] = child
        self._starts[part.name] += 1
        watcher = asyncio.create_task(self._watch(child))
        self._watchers.add(watcher)
        watcher.add_done_callback(self._watchers.discard)
        if self._gives_way:
            await step_back([child.pid])

    async def _watch(self, child: Child) -> None:
        await child.wait()
        if self._stopping:
            return
        if self._children.get(child.name) is not child:
            return
        if self._restarts and self._starts[child.name] <= MOST_STARTS:
            accident = Accident(child.name, self._part(child.name).role, time.time())
            self.accidents.append(accident)
            self._on_step(f"{child.name} died and is started again")
            self._remove(child.name)
            with contextlib.suppress(ReelbenchError):  # the watcher of the new process sees it die, or it hangs
                await self.start(child.name)
                accident.end = time.time()
            if child.name in self._children:
                return
        self.deaths.append(child.name)
        if not self.died.done():
            self.died.set_result(child.death())

    async def _wait_ready(self, part: Part, session: aiohttp.ClientSession) -> None:
        began = time.monotonic()
        await self._children[part.name].wait_ready(lambda: answers(part.ready_url, session), READY_BOUND)
        self._on_ready(part, self._starts[part.name])
        self._on_step(f"{part.name} ready at {part.url} ({time.monotonic() - began:.1f} s)")
