"""`python -m bench.programs.unmeasured MODULE`: one of our processes, whose metrics count nothing and tell nothing."""

import contextlib
import runpy
import sys
from collections.abc import AsyncIterator
from typing import Any

from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4, Counter, Gauge
from prometheus_client.metrics import MetricWrapperBase

from contract import exposition, histogram, lag


def _nothing(*_: Any, **__: Any) -> None:  # noqa: ANN401 - whatever it is told
    pass


@contextlib.asynccontextmanager
async def _unwatched(*_: object) -> AsyncIterator[None]:
    yield


def _itself(self: MetricWrapperBase, *_: object, **__: object) -> MetricWrapperBase:
    return self


def _silence(registry: exposition.ProcessRegistry) -> tuple[bytes, str]:  # noqa: ARG001 - as it is called
    return b"", CONTENT_TYPE_PLAIN_0_0_4


def forget_metrics() -> None:
    for kind in (Counter, Gauge):
        kind.inc = _nothing  # type: ignore[method-assign] # that is the point
    Gauge.dec = Gauge.set = _nothing  # type: ignore[method-assign] # likewise
    MetricWrapperBase.labels = _itself  # type: ignore[method-assign, assignment] # likewise
    histogram.Child.observe = _nothing  # type: ignore[method-assign] # likewise
    exposition.render = _silence
    lag.watching_lag = _unwatched  # type: ignore[assignment] # likewise


if __name__ == "__main__":
    forget_metrics()
    runpy.run_module(sys.argv[1], run_name="__main__", alter_sys=True)
