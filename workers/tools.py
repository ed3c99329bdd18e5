"""What the stages of one worker process share."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from contract.artifacts import DataFolder
from contract.calls import Provider
from contract.catalogue import WorkerMetrics
from contract.settings import Deployment, Workload
from workers.cache.cache import open_cache
from workers.providers.connections import session
from workers.providers.http import Caller
from workers.resilience.gate import open_gates
from workers.sandbox.pool import Sandbox


@dataclass(frozen=True, slots=True)
class Tools:
    workload: Workload
    data: DataFolder
    sandbox: Sandbox
    llm: Caller
    tts: Caller
    visual: Caller
    metrics: WorkerMetrics


@contextlib.asynccontextmanager
async def open_tools(
    deployment: Deployment, workload: Workload, metrics: WorkerMetrics, sandboxes: int
) -> AsyncIterator[Tools]:
    """`sandboxes` is the number of warm processes."""
    data = DataFolder(deployment.data_dir)
    data.create()
    async with (
        contextlib.AsyncExitStack() as sessions,
        Sandbox(sandboxes, workload.sandbox_memory_bytes).running() as sandbox,
        open_cache(deployment.cache_url, workload, metrics.cache) as cache,
        open_gates(deployment.redis_url, deployment.redis_timeout, workload.breaker, metrics) as gates,
    ):

        async def caller(provider: Provider, url: str) -> Caller:
            http = await sessions.enter_async_context(session(provider, metrics, pooling=workload.pooling))
            return Caller(http, provider, url, deployment.provider_api_key, workload, metrics, gates[provider], cache)

        yield Tools(
            workload=workload,
            data=data,
            sandbox=sandbox,
            llm=await caller(Provider.LLM, deployment.llm_url),
            tts=await caller(Provider.TTS, deployment.tts_url),
            visual=await caller(Provider.VISUAL, deployment.visual_url),
            metrics=metrics,
        )
