"""What the stages of one worker process share."""

from dataclasses import dataclass

from contract.artifacts import DataFolder
from contract.catalogue import WorkerMetrics
from contract.settings import Workload
from workers.providers.http import Caller
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
