"""The faults in force: each call is decided and written down before anything is answered."""

import time
from dataclasses import dataclass

from contract.calls import CallKey, Provider
from contract.catalogue import MockMetrics
from contract.provider_faults import Answered, CallNote, FaultNote, FaultPlan, ProviderFault
from mocks.call_ledger import CallLedger
from mocks.decision import decide


@dataclass(frozen=True, slots=True)
class SpoiltCall:
    """A call that met a fault; `end` it with what became of its answer."""

    key: str
    fault: ProviderFault
    ledger: CallLedger
    metrics: MockMetrics

    def end(self, answered: Answered) -> None:
        """Raises OSError."""
        provider = self.fault.provider
        self.ledger.write(FaultNote(key=self.key, provider=provider, answered=answered, at=time.time()))
        self.metrics.faults_answered.labels(provider, answered).inc()


class PlanInForce:
    def __init__(self, plan: FaultPlan, ledger: CallLedger, metrics: MockMetrics) -> None:
        self._plan = plan
        self._ledger = ledger
        self._metrics = metrics

    def meet(self, provider: Provider, header: str | None) -> SpoiltCall | None:
        """A call that has just arrived: notes it, and what it meets, if anything. Raises OSError.

        One without a call key is a foreign client's: it has no name to be noted or drawn by.
        """
        at = time.time()
        try:
            key = CallKey.decode(header or "")
        except ValueError:
            return None
        number = decide(self._plan, provider, key, at)
        fault = None if number is None else self._plan.faults[number]
        kind = fault.kind if fault else None
        name = key.encode()
        self._ledger.write(CallNote(key=name, provider=provider, at=at, fault=kind, number=number))
        if fault is None:
            return None
        self._metrics.faults.labels(provider, fault.kind).inc()
        return SpoiltCall(name, fault, self._ledger, self._metrics)


@dataclass(slots=True)
class Faults:
    """What the endpoints look at and the control changes."""

    plan: PlanInForce | None = None
