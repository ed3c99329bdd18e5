"""Which fault of a plan meets a call: the same one at any order and concurrency of calls."""

from contract.calls import CallKey, Provider
from contract.provider_faults import FaultPlan, ProviderFault
from mocks.keyed import uniform


def decide(plan: FaultPlan, provider: Provider, key: CallKey, at: float) -> int | None:
    """The number of the first fault that meets a call which arrives at `at` (Unix seconds)."""
    for number, fault in enumerate(plan.faults):
        if (
            fault.provider is provider
            and (not fault.scenes or key.scene in fault.scenes)
            and _in_window(fault, plan.start, at)
            and _drawn(fault, number, key)
        ):
            return number
    return None


def _in_window(fault: ProviderFault, start: float, at: float) -> bool:
    begin = start + fault.at
    return begin <= at and (fault.duration is None or at < begin + fault.duration)


def _drawn(fault: ProviderFault, number: int, key: CallKey) -> bool:
    """Each fault draws apart from the others, and from the latency."""
    name = f"{key.seed_key} {key.scene}" if fault.persistent else key.encode()
    return uniform(f"fault {number} {fault.provider} {name}") < fault.rate
