"""Every metric that a process of ours answers. Names, units and labels here are an API.

Each class declares one role's metrics on the registry it is given and creates every label child at once, so that
a scrape before the first event reads 0 and the first increment is seen.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from contract.calls import (
    BILLED,
    RETRY_REASONS,
    BreakerState,
    CacheResult,
    CacheStore,
    CallResult,
    Provider,
    Verdict,
    WaitCause,
)
from contract.histogram import LatencyHistogram
from contract.jobs import Outcome, Stage, Status
from contract.process_faults import Kind, Target
from contract.provider_faults import Answered, FaultKind
from contract.tcp_info import kernel_tells


def _geometric(first: float, last: float, step: float) -> Iterator[float]:
    bound = first
    while bound < last:
        yield bound
        bound = float(f"{bound * step:.4g}")
    yield last


LATENCY_BUCKETS = (0.0001, 0.00016, 0.00025, 0.0004, 0.00063, *_geometric(0.001, 30.0, 1.049))
"""Bounds in seconds. From 1 ms to 30 s each is at most 5 % above the last: a quantile read from a histogram is known
only to its bucket, and 5 % is less than what a report distinguishes. Below, where nothing depends on it, coarser."""
LATENESS_BUCKETS = tuple(_geometric(0.0001, 1.0, 1.3))

HTTP_METHODS = ("GET", "POST", "DELETE", "other")
HTTP_STATUSES = (
    "200", "202", "204", "400", "401", "403", "404", "405", "409", "413", "415", "422", "429",
    "500", "502", "503", "504", "507", "other",
)  # fmt: skip
UNMATCHED_ROUTE = "unmatched"


class RequestKind(StrEnum):
    """Requests that wait on purpose are measured apart from those that should be quick."""

    PLAIN = "plain"
    WAIT = "wait"
    STREAM = "stream"


class Direction(StrEnum):
    SENT = "sent"
    RECEIVED = "received"


class ConnectionEvent(StrEnum):
    OPENED = "opened"
    REUSED = "reused"
    """For another exchange after its first."""
    CLOSED = "closed"


class Leftover(StrEnum):
    """What a sweep removes."""

    UPLOAD = "upload"
    EXECUTION = "execution"
    JOB = "job"


class StageLabel(StrEnum):
    """Stages of a job and, inside `scenes`, the two calls of one scene."""

    PARSE = "parse"
    SCRIPT = "script"
    SCENES = "scenes"
    NARRATION = "narration"
    VISUAL = "visual"
    ASSEMBLE = "assemble"
    PUBLISH = "publish"


class Part(StrEnum):
    """A process itself, and those that it started, together."""

    SELF = "self"
    CHILDREN = "children"


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process, or several together, use now; CPU time and switches so far. None is unknown."""

    user_seconds: float
    system_seconds: float
    voluntary_switches: int
    involuntary_switches: int
    resident_bytes: int
    unique_bytes: int | None
    """Memory that would be free if the process were gone; what it shares with others is not in it."""
    threads: int
    descriptors: int | None


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a process may use; None where nothing bounds it."""

    cores: float
    memory_limit_bytes: int | None
    cpu_limit_cores: float | None


class ProcessMetrics:
    """Of every process of ours."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.lag_seconds = LatencyHistogram(
            "t2v_process_loop_lag_seconds",
            "By how much the process's event loop was late to wake up",
            bounds=LATENESS_BUCKETS,
            registry=registry,
        )

    @staticmethod
    def families(
        usages: Mapping[Part, Usage], children: int, collections: Sequence[int], bounds: Bounds, collecting: float
    ) -> Iterator[Metric]:
        """`collections` of garbage by generation; `collecting`: CPU seconds that readings have taken so far."""
        cpu = CounterMetricFamily("t2v_process_cpu_seconds", "CPU time, by mode", labels=["part", "mode"])
        switches = CounterMetricFamily(
            "t2v_process_context_switches",
            "How often a core was given up, because there was nothing to do or although there was",
            labels=["part", "kind"],
        )
        resident = GaugeMetricFamily("t2v_process_resident_bytes", "Memory in use, shared or not", labels=["part"])
        unique = GaugeMetricFamily(
            "t2v_process_unique_bytes", "Memory that nobody else uses too (USS)", labels=["part"]
        )
        threads = GaugeMetricFamily("t2v_process_threads", "Threads", labels=["part"])
        descriptors = GaugeMetricFamily("t2v_process_descriptors", "Open file descriptors", labels=["part"])
        for part, usage in usages.items():
            cpu.add_metric([part, "user"], usage.user_seconds)
            cpu.add_metric([part, "system"], usage.system_seconds)
            switches.add_metric([part, "voluntary"], usage.voluntary_switches)
            switches.add_metric([part, "involuntary"], usage.involuntary_switches)
            resident.add_metric([part], usage.resident_bytes)
            threads.add_metric([part], usage.threads)
            if usage.unique_bytes is not None:
                unique.add_metric([part], usage.unique_bytes)
            if usage.descriptors is not None:
                descriptors.add_metric([part], usage.descriptors)
        yield from (cpu, switches, resident, unique, threads, descriptors)
        yield GaugeMetricFamily("t2v_process_children", "Processes that it started and that live", value=children)
        garbage = CounterMetricFamily(
            "t2v_process_gc_collections", "Collections of garbage, by generation", labels=["generation"]
        )
        for generation, count in enumerate(collections):
            garbage.add_metric([str(generation)], count)
        yield garbage
        yield GaugeMetricFamily("t2v_process_cores", "Cores that the process may use", value=bounds.cores)
        if bounds.memory_limit_bytes is not None:
            yield GaugeMetricFamily(
                "t2v_process_memory_limit_bytes", "Memory limit of the control group", value=bounds.memory_limit_bytes
            )
        if bounds.cpu_limit_cores is not None:
            yield GaugeMetricFamily(
                "t2v_process_cpu_limit_cores", "CPU quota of the control group", value=bounds.cpu_limit_cores
            )
        yield CounterMetricFamily(
            "t2v_process_collecting_cpu_seconds", "CPU time that reading these figures took", value=collecting
        )


class ServiceMetrics:
    def __init__(self, registry: CollectorRegistry, routes: Iterable[tuple[str, str, Iterable[RequestKind]]]) -> None:
        """`routes` are (method, template, kinds of request); what matches none counts under `unmatched`."""
        self.requests = Counter(
            "t2v_http_requests", "Requests answered", ["method", "route", "status"], registry=registry
        )
        self.seconds = LatencyHistogram(
            "t2v_http_request_seconds",
            "From the first byte of a request to the last of its answer",
            ["method", "route", "kind"],
            bounds=LATENCY_BUCKETS,
            registry=registry,
        )
        self.in_flight = Gauge("t2v_http_requests_in_flight", "Requests being answered", registry=registry)
        known = [*routes, *((method, UNMATCHED_ROUTE, (RequestKind.PLAIN,)) for method in HTTP_METHODS)]
        for method, route, kinds in known:
            for status in HTTP_STATUSES:
                self.requests.labels(method, route, status)
            for kind in kinds:
                self.seconds.labels(method, route, kind)


class TrafficMetrics:
    """What goes to the providers and back, and what they bill, as their caller sees it."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.call_bytes = Counter(
            "t2v_provider_payload_bytes",
            "Body bytes of provider calls",
            ["provider", "direction"],
            registry=registry,
        )
        self.wire_bytes = Counter(
            "t2v_provider_wire_bytes",
            "Bytes of the TCP streams to providers, as the kernel counts them; absent where it does not",
            ["provider", "direction"],
            registry=registry,
        )
        self.connections = Counter(
            "t2v_provider_connections",
            "Connections to providers, by what happened to them",
            ["provider", "event"],
            registry=registry,
        )
        self.usage = Counter(
            "t2v_provider_usage",
            "What providers bill their answers by, answers of no use included",
            ["provider", "unit"],
            registry=registry,
        )
        self.usage_untold = Counter(
            "t2v_provider_usage_untold",
            "Answers that a provider bills and that do not say at how much, or cannot be read",
            ["provider"],
            registry=registry,
        )
        for provider in Provider:
            for direction in Direction:
                self.call_bytes.labels(provider, direction)
                if kernel_tells():
                    self.wire_bytes.labels(provider, direction)
            for event in ConnectionEvent:
                self.connections.labels(provider, event)
            for unit in BILLED[provider]:
                self.usage.labels(provider, unit)
            self.usage_untold.labels(provider)


class CallMetrics(TrafficMetrics):
    """Of provider calls, as their caller sees them."""

    def __init__(self, registry: CollectorRegistry) -> None:
        super().__init__(registry)
        self.calls = Counter(
            "t2v_provider_calls",
            "Calls of AI providers, by result",
            ["provider", "result"],
            registry=registry,
        )
        self.call_seconds = LatencyHistogram(
            "t2v_provider_call_seconds",
            "Length of a provider call, good or bad",
            ["provider"],
            bounds=LATENCY_BUCKETS,
            registry=registry,
        )
        self.retries = Counter(
            "t2v_provider_retries",
            "Provider calls that repeat a failed one, by how that one had ended",
            ["provider", "reason"],
            registry=registry,
        )
        self.retry_wait = Counter(
            "t2v_provider_retry_wait_seconds",
            "Time that calls waited to be attempted again, by what they waited for",
            ["provider", "cause"],
            registry=registry,
        )
        self.breaker_state = Gauge(
            "t2v_breaker_state",
            "1 for the state of a provider's circuit breaker in this process; open until a call asks after its time",
            ["provider", "state"],
            registry=registry,
        )
        self.breaker_transitions = Counter(
            "t2v_breaker_transitions",
            "Changes of a circuit breaker, by the state it went into",
            ["provider", "state"],
            registry=registry,
        )
        self.breaker_changed = Gauge(
            "t2v_breaker_changed_timestamp_seconds",
            "When a circuit breaker last went into a state; 0 before the first time",
            ["provider", "state"],
            registry=registry,
        )
        self.rejected = Counter(
            "t2v_breaker_rejected",
            "Attempts that a circuit breaker refused, so that no call was made",
            ["provider"],
            registry=registry,
        )
        self.probes = Counter(
            "t2v_breaker_probes",
            "Calls that a half-open circuit breaker let through to try a provider",
            ["provider", "result"],
            registry=registry,
        )
        for provider in Provider:
            self.call_seconds.labels(provider)
            for result in CallResult:
                self.calls.labels(provider, result)
            for reason in RETRY_REASONS:
                self.retries.labels(provider, reason)
            for cause in WaitCause:
                self.retry_wait.labels(provider, cause)
            for state in BreakerState:
                self.breaker_state.labels(provider, state).set(state is BreakerState.CLOSED)
                self.breaker_transitions.labels(provider, state)
                self.breaker_changed.labels(provider, state)
            self.rejected.labels(provider)
            for verdict in Verdict:
                self.probes.labels(provider, verdict)


class CacheMetrics:
    """Of the cache of provider answers, as a worker sees it; `provider` is whose answer was looked for."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.lookups = Counter(
            "t2v_cache_lookups", "Lookups in the cache, by result", ["provider", "result"], registry=registry
        )
        self.stores = Counter(
            "t2v_cache_stores",
            "Answers that were to be kept, by what became of them",
            ["provider", "result"],
            registry=registry,
        )
        self.bytes = Counter(
            "t2v_cache_payload_bytes",
            "Answers read from the cache (received) and stored in it (sent)",
            ["provider", "direction"],
            registry=registry,
        )
        self.saved_seconds = Counter(
            "t2v_cache_saved_seconds",
            "What the calls took whose answers were used again",
            ["provider"],
            registry=registry,
        )
        for provider in Provider:
            for result in CacheResult:
                self.lookups.labels(provider, result)
            for store in CacheStore:
                self.stores.labels(provider, store)
            for direction in Direction:
                self.bytes.labels(provider, direction)
            self.saved_seconds.labels(provider)


class WorkerMetrics(CallMetrics):
    def __init__(self, registry: CollectorRegistry) -> None:
        super().__init__(registry)
        self.cache = CacheMetrics(registry)
        self.executions = Counter(
            "t2v_worker_executions",
            "Executions that this worker ended, by outcome",
            ["outcome"],
            registry=registry,
        )
        self.handed_back = Counter(
            "t2v_worker_handed_back", "Executions given back to the queue unfinished", registry=registry
        )
        self.lost = Counter(
            "t2v_worker_lost_leases",
            "Executions that ended after their lease had passed on",
            registry=registry,
        )
        self.fenced = Counter(
            "t2v_worker_fenced_executions",
            "Executions that this worker stopped because their lease had run out before it could renew it",
            registry=registry,
        )
        self.tried_again = Counter(
            "t2v_worker_failed_executions",
            "Executions that failed for a reason of ours and were given back to be tried again",
            registry=registry,
        )
        self.alone = Counter(
            "t2v_worker_executions_alone",
            "Executions in a process of their own, of jobs that may have killed the one they ran in",
            registry=registry,
        )
        self.job_seconds = LatencyHistogram(
            "t2v_job_seconds",
            "From the acceptance of a job to its end",
            bounds=LATENCY_BUCKETS,
            registry=registry,
        )
        self.queue_seconds = LatencyHistogram(
            "t2v_job_queue_seconds",
            "From the acceptance of a job to the start of its first execution",
            bounds=LATENCY_BUCKETS,
            registry=registry,
        )
        self.stage_seconds = LatencyHistogram(
            "t2v_stage_seconds", "Length of a stage", ["stage"], bounds=LATENCY_BUCKETS, registry=registry
        )
        self.stage_cpu = Counter(
            "t2v_stage_cpu_seconds",
            "CPU time of the stages that run in processes of their own",
            ["stage"],
            registry=registry,
        )
        self.leftovers = Counter(
            "t2v_leftovers_removed",
            "Uploads and executions that belonged to nobody any more, and jobs past their retention",
            ["what"],
            registry=registry,
        )
        self.slots = Gauge("t2v_worker_slots", "Jobs that this worker may run at once", registry=registry)
        self.slots_used = Gauge("t2v_worker_slots_used", "Jobs that this worker runs now", registry=registry)
        for leftover in Leftover:
            self.leftovers.labels(leftover)
        for outcome in Outcome:
            self.executions.labels(outcome)
        for stage in StageLabel:
            self.stage_seconds.labels(stage)
        for stage in (StageLabel.PARSE, StageLabel.ASSEMBLE):
            self.stage_cpu.labels(stage)


class MockMetrics:
    def __init__(self, registry: CollectorRegistry) -> None:
        self.calls = Counter(
            "t2v_mock_calls",
            "Calls that a mocked provider answered",
            ["provider", "status"],
            registry=registry,
        )
        self.planned_seconds = LatencyHistogram(
            "t2v_mock_planned_seconds",
            "Latency that a mock planned for a call",
            ["provider"],
            bounds=LATENCY_BUCKETS,
            registry=registry,
        )
        self.late_seconds = LatencyHistogram(
            "t2v_mock_late_seconds",
            "By how much a mock's answer left after its planned latency",
            ["provider"],
            bounds=LATENESS_BUCKETS,
            registry=registry,
        )
        self.payload_bytes = Counter(
            "t2v_mock_payload_bytes",
            "Body bytes, as the mock saw them",
            ["provider", "direction"],
            registry=registry,
        )
        self.wire_bytes = Counter(
            "t2v_mock_wire_bytes",
            "Bytes of the TCP streams, as the mock's kernel counts them; absent where it does not",
            ["provider", "direction"],
            registry=registry,
        )
        self.usage = Counter(
            "t2v_mock_usage",
            "What the answers that were sent are billed by, as the mock reckons",
            ["provider", "unit"],
            registry=registry,
        )
        self.faults = Counter(
            "t2v_mock_faults",
            "Calls that met a fault, counted when it was decided",
            ["provider", "kind"],
            registry=registry,
        )
        self.faults_answered = Counter(
            "t2v_mock_faults_answered",
            "Calls that met a fault, by what became of their answer",
            ["provider", "answered"],
            registry=registry,
        )
        for provider in Provider:
            self.planned_seconds.labels(provider)
            self.late_seconds.labels(provider)
            for kind in FaultKind:
                self.faults.labels(provider, kind)
            for answered in Answered:
                self.faults_answered.labels(provider, answered)
            for status in HTTP_STATUSES:
                self.calls.labels(provider, status)
            for direction in Direction:
                self.payload_bytes.labels(provider, direction)
                if kernel_tells():
                    self.wire_bytes.labels(provider, direction)
            for unit in BILLED[provider]:
                self.usage.labels(provider, unit)


class LoadMetrics:
    def __init__(self, registry: CollectorRegistry) -> None:
        self.arrivals = Counter("t2v_load_arrivals", "Requests that were due", registry=registry)
        self.late = Counter("t2v_load_late_arrivals", "Requests sent over 10 ms after they were due", registry=registry)
        self.dropped = Counter(
            "t2v_load_dropped_arrivals",
            "Requests that were due and never sent: too many were unfinished",
            registry=registry,
        )
        self.lag_seconds = LatencyHistogram(
            "t2v_load_loop_lag_seconds",
            "By how much the load generator's event loop was late to wake up",
            bounds=LATENESS_BUCKETS,
            registry=registry,
        )
        self.finished = Counter(
            "t2v_load_jobs", "Jobs whose end the load generator has seen", ["outcome"], registry=registry
        )
        self.errors = Counter("t2v_load_errors", "Requests that did not get a usable answer", registry=registry)
        self.response_seconds = LatencyHistogram(
            "t2v_load_response_seconds",
            "From the due time of a job to the client holding its end",
            bounds=LATENCY_BUCKETS,
            registry=registry,
        )
        self.in_flight = Gauge("t2v_load_in_flight", "Jobs that the load generator waits for", registry=registry)
        for outcome in Outcome:
            self.finished.labels(outcome)


class Phase(StrEnum):
    """Phases of a run; idle is the stack without one."""

    IDLE = "idle"
    WARMUP = "warmup"
    MEASURE = "measure"
    SETTLE = "settle"


class CacheState:
    """What the exporter answers of the cache's Redis, from its INFO."""

    UP = "t2v_cache_up"

    @staticmethod
    def families(info: Mapping[str, int]) -> Iterator[Metric]:
        yield CounterMetricFamily(
            "t2v_cache_evicted_keys", "Entries that were forgotten to make room", value=info["evicted_keys"]
        )
        yield GaugeMetricFamily("t2v_cache_used_memory_bytes", "Memory that the cache uses", value=info["used_memory"])
        yield GaugeMetricFamily("t2v_cache_max_memory_bytes", "Memory that the cache may use", value=info["maxmemory"])


class LedgerTotals:
    """What the ledger's exporter answers: Redis's own totals, so that a killed worker takes no count with it."""

    UP = "t2v_ledger_up"
    FIELDS = ("submitted", "executions", "crashes", "handed_back", "errors", "stale_finishes", "quarantined")

    @staticmethod
    def families(
        totals: dict[str, int],
        states: dict[Status, int],
        oldest: float | None,
        phase: Phase,
        begun: float | None = None,
    ) -> Iterator[Metric]:
        """`totals` and `begun` as `Records` gives them; `oldest`: Unix time at which the oldest waiting job was due."""
        helps = {
            "submitted": "Jobs accepted",
            "executions": "Executions started",
            "crashes": "Executions whose worker let the lease run out",
            "handed_back": "Executions that a stopping worker gave back",
            "errors": "Executions that failed for a reason of ours and were to be tried again",
            "stale_finishes": "Finishes refused because the execution was no longer the current one",
            "quarantined": "Jobs given up because they killed the process that ran them",
        }
        names = {
            "submitted": "t2v_jobs_submitted",
            "executions": "t2v_executions_started",
            "quarantined": "t2v_jobs_quarantined",
        }
        for field in LedgerTotals.FIELDS:
            yield CounterMetricFamily(
                names.get(field, f"t2v_executions_{field}"), helps[field], value=totals.get(field, 0)
            )
        finished = CounterMetricFamily("t2v_jobs_finished", "Jobs ended, by outcome", labels=["outcome"])
        for outcome in Outcome:
            finished.add_metric([outcome], totals.get(f"finished:{outcome}", 0))
        yield finished
        current = GaugeMetricFamily("t2v_jobs", "Jobs now in each state", labels=["status"])
        for status in (Status.QUEUED, Status.IN_PROGRESS):
            current.add_metric([status], states[status])
        yield current
        if oldest is not None:
            yield GaugeMetricFamily(
                "t2v_queue_oldest_timestamp_seconds", "When the oldest queued job became due", value=oldest
            )
        if begun is not None:
            yield GaugeMetricFamily(
                "t2v_ledger_begun_timestamp_seconds",
                "When the ledger accepted its first job; it changes only when Redis has lost its data",
                value=begun,
            )
        phases = GaugeMetricFamily("t2v_run_phase", "1 for the phase of the current run", labels=["phase"])
        for candidate in Phase:
            phases.add_metric([candidate], float(candidate is phase))
        yield phases


class RunState:
    """What the exporter answers of runs besides their phase."""

    @staticmethod
    def families(faults: Mapping[tuple[Target, Kind], int], verdicts: Mapping[str, float]) -> Iterator[Metric]:
        """As `contract.run` gives them."""
        in_force = GaugeMetricFamily(
            "t2v_run_faults", "Faults of processes that the current run has in force", labels=["target", "kind"]
        )
        for target in Target:
            for kind in Kind:
                in_force.add_metric([target, kind], faults.get((target, kind), 0))
        yield in_force
        ended = GaugeMetricFamily(
            "t2v_run_verdict_timestamp_seconds",
            "When a run last ended with a verdict; 0 before the first time",
            labels=["verdict"],
        )
        for verdict, moment in verdicts.items():
            ended.add_metric([verdict], moment)
        yield ended


STAGES_WITH_LABEL = {stage: StageLabel(stage.value) for stage in Stage}
