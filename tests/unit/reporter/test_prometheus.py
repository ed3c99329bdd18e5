"""The client against answers that a healthy Prometheus would not give."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web

from reporter.prometheus import Prometheus, PromQLError, settled
from reporter.queries import collect

Answer = Callable[[], web.Response]
Handler = Callable[[web.Request], Awaitable[web.Response]]


@asynccontextmanager
async def answering(answer: Answer) -> AsyncIterator[str]:
    """A server on a free port that answers everything so."""

    async def handle(_: web.Request) -> web.Response:
        return answer()

    async with handling(handle) as url:
        yield url


@asynccontextmanager
async def handling(handle: Handler) -> AsyncIterator[str]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        host, port = runner.addresses[0][:2]
        yield f"http://{host}:{port}"
    finally:
        await runner.cleanup()


def success(**parts: Any) -> Answer:
    body = {"status": "success", "data": {"resultType": "vector", "result": []}} | parts
    return lambda: web.json_response(body)


def vector(value: str) -> Answer:
    return success(data={"resultType": "vector", "result": [{"metric": {"a": "b"}, "value": [1.5, value]}]})


@pytest.mark.parametrize("kind", ["warnings", "infos"])
async def test_a_reservation_is_an_error(kind: str) -> None:
    """Prometheus annotates an answer it cannot vouch for; a report must not use it unseen."""
    answer = success(**{kind: ["PromQL info: metric might not be a counter"]})
    async with answering(answer) as url, Prometheus(url) as prometheus:
        with pytest.raises(PromQLError, match="might not be a counter"):
            await prometheus.query("x")


@pytest.mark.parametrize("value", ["NaN", "+Inf", "-Inf"])
async def test_what_is_no_number_is_unknown(value: str) -> None:
    async with answering(vector(value)) as url, Prometheus(url) as prometheus:
        assert [series.value for series in await prometheus.query("x")] == [None]


async def test_a_vector_keeps_labels_value_and_time() -> None:
    async with answering(vector("2.5")) as url, Prometheus(url) as prometheus:
        (found,) = await prometheus.query("x")
        assert (found.labels, found.value, found.time) == ({"a": "b"}, 2.5, 1.5)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda: web.json_response({"status": "error", "error": "query timed out"}, status=503), "query timed out"),
        (lambda: web.json_response({"status": "error", "error": "bad"}), "bad"),
        (lambda: web.Response(text="<html>", status=200), "is it a Prometheus"),
        (lambda: web.json_response(["no object"]), "is it a Prometheus"),
        (success(data={"resultType": "string", "result": [1, "x"]}), "no figure"),
        (success(data={"resultType": "vector", "result": [{"metric": {}, "histogram": []}]}), "native histograms"),
    ],
)
async def test_a_bad_answer_is_an_error_that_says_why(answer: Answer, message: str) -> None:
    async with answering(answer) as url, Prometheus(url) as prometheus:
        with pytest.raises(PromQLError, match=message):
            await prometheus.query("x")


async def test_nobody_there_is_an_error_that_names_the_address() -> None:
    async with answering(success()) as url:
        pass
    async with Prometheus(url) as prometheus:
        with pytest.raises(PromQLError, match=rf"{url} does not answer"):
            await prometheus.query("x")
    with pytest.raises(PromQLError, match="does not answer"):
        await settled(url, 0.0, 1.0)


class Scraping:
    """A Prometheus with one target. Each look finds the next of `scrapes`: how long ago its last one began."""

    def __init__(self, began: float, scrapes: list[float]) -> None:
        self.began = began
        self.last = iter(scrapes)

    async def handle(self, request: web.Request) -> web.Response:
        labels = {"job": "worker", "instance": "worker-1"}
        if request.path.endswith("/targets"):
            return success(data={"activeTargets": [{"labels": labels, "scrapeInterval": "1s"}]})()
        if (await request.post())["query"] == "time()":
            return success(data={"resultType": "scalar", "result": [time.time(), str(time.time())]})()
        sample = {"metric": labels, "value": [self.began + 10, str(self.began + next(self.last))]}
        return success(data={"resultType": "vector", "result": [sample]})()


@pytest.mark.parametrize(
    ("scrapes", "looks"),
    [
        ([9.5], 1),
        ([9.1, 9.1, 10.2], 3),
        ([9.1, 9.9, 10.9], 2),
    ],
    ids=["none is due", "one is due and comes", "one was under way"],
)
async def test_a_reading_waits_for_scrapes_that_were_under_way(scrapes: list[float], looks: int) -> None:
    """Such a one began before the reading and may still see what comes after it: a count would start too high."""
    began = time.time()
    prometheus = Scraping(began, scrapes)
    async with handling(prometheus.handle) as url:
        assert await settled(url, began, 5.0) == pytest.approx(began + 10, abs=0.001)
    assert len(list(prometheus.last)) == len(scrapes) - looks


async def test_a_scrape_that_never_comes_in_is_said() -> None:
    began = time.time()
    async with handling(Scraping(began, [9.1] * 20).handle) as url:
        with pytest.raises(PromQLError, match="a scrape is under way"):
            await settled(url, began, 0.5)


async def test_one_refused_query_ends_a_collection() -> None:
    """With the error itself, which a command line can show, and not with a group of them."""
    async with answering(lambda: web.json_response({"status": "error", "error": "out of memory"}, status=500)) as url:
        with pytest.raises(PromQLError, match="out of memory"):
            await collect(url, 1.0, 2.0)
