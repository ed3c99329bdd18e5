"""A real HTTP server before the mocked providers that spoils some of their answers."""

import asyncio
import base64
import contextlib
from collections.abc import AsyncIterator, Callable
from enum import StrEnum

import aiohttp
import orjson
from aiohttp import web

from contract.calls import CALL_HEADER, CallKey, Provider

PATHS = {
    "/chat/completions": Provider.LLM,
    "/audio/speech": Provider.TTS,
    "/images/generations": Provider.VISUAL,
}
RETRY_AFTER = 0.1
SLOWNESS = 0.05
"""Seconds by which a slow provider is late: more than ten times what its mock takes."""


class Fault(StrEnum):
    DOWN = "down"
    """Nobody listens; see `url`."""
    ERROR = "5xx"
    NOT_FOUND = "404"
    SLOW = "slow"
    RATE_LIMITED = "429"
    HANG = "hang"
    TRUNCATED = "truncated"
    CORRUPT = "corrupt"
    NO_SOUND = "no sound"
    """A WAV only at first sight."""


Decide = Callable[[Provider, CallKey], Fault | None]


class FaultyProviders:
    def __init__(self, behind: str) -> None:
        self._behind = behind
        self.url = ""
        self.decide: Decide = lambda _provider, _key: None
        self.calls: list[tuple[Provider, CallKey]] = []

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator["FaultyProviders"]:
        app = web.Application()
        app.router.add_post("/v1{path:/.*}", self._answer)
        runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
        async with aiohttp.ClientSession() as self._http:
            yield self
            await runner.cleanup()

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        path = request.match_info["path"]
        key = CallKey.decode(request.headers[CALL_HEADER])
        self.calls.append((PATHS[path], key))
        fault = self.decide(PATHS[path], key)
        if fault is Fault.HANG:
            await asyncio.Event().wait()
        if fault is Fault.ERROR:
            return web.Response(status=503, text="out of order")
        if fault is Fault.NOT_FOUND:
            return web.Response(status=404, text="no such model")
        if fault is Fault.NO_SOUND:
            return web.Response(body=b"RIFF\xff\xff\xff\xffWAVE" + bytes(1000))
        if fault is Fault.RATE_LIMITED:
            return web.Response(status=429, text="slow down", headers={"Retry-After": str(RETRY_AFTER)})
        if fault is Fault.SLOW:
            await asyncio.sleep(SLOWNESS)
        body = await self._good(path, request)
        if fault is Fault.TRUNCATED:
            body = body[: len(body) // 2]
        if fault is Fault.CORRUPT:
            body = corrupted(body, PATHS[path])
        return web.Response(body=body)

    async def _good(self, path: str, request: web.Request) -> bytes:
        headers = {CALL_HEADER: request.headers[CALL_HEADER]}
        post = self._http.post(self._behind + path, data=await request.read(), headers=headers)
        async with post as answer, asyncio.timeout(10):
            if answer.status != 200:
                raise aiohttp.ClientError(await answer.text())
            return await answer.read()


def corrupted(body: bytes, provider: Provider) -> bytes:
    """As long as before; a picture stays well-formed JSON and base64, with one flipped bit."""
    if provider is Provider.VISUAL:
        answer = orjson.loads(body)
        image = bytearray(base64.b64decode(answer["data"][0]["b64_json"]))
        image[len(image) // 2] ^= 1
        answer["data"][0]["b64_json"] = base64.b64encode(image).decode()
        return orjson.dumps(answer)
    fifth = len(body) // 5
    return body[: 2 * fifth] + bytes(fifth) + body[3 * fifth :]
