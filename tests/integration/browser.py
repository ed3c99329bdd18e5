"""A real Chromium, led over its DevTools protocol (https://chromedevtools.github.io/devtools-protocol)."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import aiohttp

from stack.process import Child
from stack.programs import Program

Scheme = Literal["light", "dark"]
PATIENCE = 60
"""Seconds for the browser to start and for a page to load."""


class Tab:
    """Everything that the browser told of the page that is open, in order, is in `events`."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._calls = 0
        self.events: list[dict[str, Any]] = []

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        self._calls += 1
        await self._socket.send_json({"id": self._calls, "method": method, "params": params})
        while (told := await self._next()).get("id") != self._calls:
            pass
        assert "error" not in told, f"{method}: {told['error']}"
        result: dict[str, Any] = told["result"]
        return result

    async def open(self, page: Path, width: int, height: int, scheme: Scheme) -> None:
        """Opens the file as a phone would (for desktops this differs in nothing that is judged); once it and its
        pictures are there, returns.
        """
        await self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=True
        )
        await self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.events.clear()
        await self.call("Page.navigate", url=page.as_uri())
        while not any(event["method"] == "Page.loadEventFired" for event in self.events):
            await self._next()

    async def evaluate(self, expression: str) -> Any:
        told = await self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in told, told["exceptionDetails"]
        return told["result"].get("value")

    async def _next(self) -> dict[str, Any]:
        told: dict[str, Any] = await self._socket.receive_json(timeout=PATIENCE)
        if "method" in told:
            self.events.append(told)
        return told


@asynccontextmanager
async def browser_tab(program: Program, folder: Path) -> AsyncIterator[Tab]:
    """A tab of this browser, whose profile and log are in `folder`."""
    profile = folder / "profile"
    command: list[str | Path] = [
        program.path,
        *([] if await asyncio.to_thread(_can_be_sandboxed) else ["--no-sandbox"]),
        "--disable-gpu",
        "--disable-dev-shm-usage",  # /dev/shm is small in containers
        "--remote-debugging-port=0",
        f"--user-data-dir={profile}",
        "about:blank",
    ]
    env = os.environ | program.env | {"HOME": str(folder)}
    child = await Child.start(program.name, command, log=folder / "browser.log", env=env, cwd=folder)
    try:

        async def listens() -> bool:
            return _port(profile) is not None

        await child.wait_ready(listens, PATIENCE)
        async with aiohttp.ClientSession(f"http://127.0.0.1:{_port(profile)}") as session:
            async with session.get("/json/list") as answer:
                [target] = [found for found in await answer.json() if found["type"] == "page"]
            async with session.ws_connect(target["webSocketDebuggerUrl"], max_msg_size=0) as socket:
                tab = Tab(socket)
                for domain in ("Page", "Network", "Log", "Runtime"):
                    await tab.call(f"{domain}.enable")
                yield tab
    finally:
        await child.stop(10)


def _port(profile: Path) -> str | None:
    """On which the browser listens; it writes this down, with a second line, once it does."""
    told = profile / "DevToolsActivePort"
    port, end, _ = told.read_text().partition("\n") if told.exists() else ("", "", "")
    return port if end else None


def _can_be_sandboxed() -> bool:
    """Chromium's sandbox wants a user other than root and, where no setuid helper is installed, user namespaces. The
    pages that tests open are our own.
    """
    tried = [shutil.which("unshare") or "unshare", "--user", "--map-root-user", "true"]
    return os.geteuid() != 0 and subprocess.run(tried, capture_output=True, check=False).returncode == 0
