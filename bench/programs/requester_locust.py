"""Requests one URL as fast as one process of Locust can: `python -m ... URL USERS SECONDS [CORE]`

Prints what `requester` prints. Runs in the peers' environment. Each user is Locust's quick one (FastHttpUser) and asks
in a loop without wait within one task, which spares Locust the choice of the next one. Locust's own statistics run as
ever, but round a latency below 100 ms to a whole millisecond and one above to two digits. The latencies are therefore
those of its request event, which are not rounded: from before the request is built until the body of the answer is
there.
"""

import sys
import time
from typing import Any
from urllib.parse import urlsplit

import gevent
from locust import FastHttpUser, task
from locust.env import Environment

from bench.programs.figures import figures, pin, tell

BOUND = 10.0


def ask_for_ever(url: str, users: int, seconds: float) -> dict[str, float]:
    """What was answered between two moments. Ends the program where a request fails."""
    parts = urlsplit(url)
    latencies: list[float] = []
    failures: list[Exception] = []

    class User(FastHttpUser):  # type: ignore[misc]  # untyped here: it is installed apart
        host = f"{parts.scheme}://{parts.netloc}"
        network_timeout = connection_timeout = BOUND

        @task  # type: ignore[untyped-decorator]  # as above
        def ask(self) -> None:
            while not failures:
                self.client.get(parts.path)

    def answered(response_time: float, exception: Exception | None, **_: Any) -> None:  # noqa: ANN401 - Locust's event
        latencies.append(response_time / 1e3)
        if exception is not None:
            failures.append(exception)

    environment = Environment(user_classes=[User])
    environment.events.request.add_listener(answered)
    runner = environment.create_local_runner()
    runner.start(users, spawn_rate=users)
    runner.spawning_greenlet.join()
    gevent.sleep(seconds / 10)  # warm
    latencies.clear()
    began, cpu = time.perf_counter(), time.process_time()
    gevent.sleep(seconds)
    took, cpu = time.perf_counter() - began, time.process_time() - cpu
    runner.quit()
    if failures:
        sys.exit(f"A request failed: {failures[0]!r}")
    return figures(latencies, took, cpu)


def main(url: str, users: str, seconds: str, core: str | None = None) -> None:
    pin(core)
    tell(ask_for_ever(url, int(users), float(seconds)))


if __name__ == "__main__":
    main(*sys.argv[1:])
