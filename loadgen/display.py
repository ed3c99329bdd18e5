"""Live progress of a run: a bar on a terminal, a line every few seconds elsewhere."""

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from contract.catalogue import Phase
from loadgen.runner import Progress as RunProgress

QUIET_SECONDS = 5.0
WORDS = {Phase.WARMUP: "warm-up", Phase.MEASURE: "measuring", Phase.SETTLE: "settling", Phase.IDLE: "starting"}


class Display:
    """Pass `show` as the run's `changed`."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar = Progress(
            TextColumn("{task.description:<10}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[last]}"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("starting", total=None, last="")
        self._phase: Phase | None = None
        self._said = 0.0

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def show(self, progress: RunProgress) -> None:
        last = ""
        if progress.last is not None:
            seconds = progress.last.response_seconds
            last = progress.last.outcome or progress.last.request_failure or ""
            last += "" if seconds is None else f" in {seconds:.2f} s"
        total = progress.total or None
        changed, self._phase = progress.phase is not self._phase, progress.phase
        if changed:  # a task of its own: rich lets no total become unknown again, and the time starts anew
            self._bar.remove_task(self._task)
            self._task = self._bar.add_task(WORDS[progress.phase], total=total, last=last)
        self._bar.update(self._task, completed=progress.done, last=last)
        if not self._console.is_terminal:
            self._line(progress, last, changed=changed)

    def _line(self, progress: RunProgress, last: str, *, changed: bool) -> None:
        finished = bool(progress.total) and progress.done == progress.total
        if not changed and not finished and time.monotonic() - self._said < QUIET_SECONDS:
            return
        self._said = time.monotonic()
        count = f" {progress.done} of {progress.total}" if progress.total else ""
        self._console.print(f"{WORDS[progress.phase]}{count}{', last ' + last if last else ''}", highlight=False)
