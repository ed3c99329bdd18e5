"""Every PromQL that a report rests on.

A count is the growth of a counter between two settled readings, taken from raw samples and therefore exact: the last
sample of the window minus the last one at its start, series by series. A series that appears within the window counts
from 0; one that vanishes counts with its last sample. `increase()` would extrapolate, and is never used for a count.
This holds as long as no counter restarts within a series. Each process has an instance name of its own, so none
should; `meta.restarts` says whether one did, and then the counts are lower bounds.

The ledger's totals live in Redis and outlast their exporter, so they are read as one value whichever instance tells it.

Dashboards and recording rules ask for the same counters and histograms as rates: estimates, and only to look at.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

from reporter.answers import Answer, Answers, Sample
from reporter.prometheus import Prometheus, Series

QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
BASELINE = "1m"
"""How old the reading at the start of the window may be; a settled one is as old as a scrape."""
LOOK_BACK = "1h"
"""How far back a process is looked at for its memory at rest."""
AT_ONCE = 4
MEMORY = "t2v_process_unique_bytes"
"""What a process, with those that it started, holds of the machine's memory alone, and is billed for."""


@dataclass(frozen=True, slots=True)
class CounterSum:
    """A counter by labels, over all processes; of a ledger's total, the one value that each exporter tells."""

    metric: str
    by: tuple[str, ...] = ()
    ledger: bool = False

    def __str__(self) -> str:
        """Its growth over the window."""
        last = f"last_over_time({self.metric}[$window] @ $end)"
        first = f"last_over_time({self.metric}[{BASELINE}] @ $start)"
        if self.ledger:
            return f"max{_by(self.by)} ({last}) - max{_by(self.by)} ({first})"
        return f"sum{_by(self.by)} ({last} - {first} or {last})"

    def rate(self, window: str, by: tuple[str, ...] | None = None, where: str = "") -> str:
        """Per second; with other labels to sum by, and of those series only that match `where`."""
        labels = self.by if by is None else by
        selector = f"{self.metric}{{{where}}}" if where else self.metric
        if self.ledger and labels != self.by:
            return f"sum{_by(labels)} (max{_by(self.by)} (rate({selector}[{window}])))"
        return f"{'max' if self.ledger else 'sum'}{_by(labels)} (rate({selector}[{window}]))"


@dataclass(frozen=True, slots=True)
class Query:
    """`form` may hold `$start` and `$end` (Unix seconds) and `$window` (the duration between them)."""

    id: str
    title: str
    unit: str
    form: str | CounterSum

    @property
    def expr(self) -> str:
        return str(self.form)

    def at(self, start: float, end: float) -> str:
        window = f"{round((end - start) * 1000)}ms"
        return self.expr.replace("$start", f"{start:.3f}").replace("$end", f"{end:.3f}").replace("$window", window)


def growth(metric: str, *by: str) -> CounterSum:
    return CounterSum(metric, by)


def ledger_growth(metric: str, *by: str) -> CounterSum:
    return CounterSum(metric, by, ledger=True)


def _by(labels: tuple[str, ...]) -> str:
    return f" by ({', '.join(labels)})" if labels else ""


COUNTS = (
    Query("ledger.submitted", "Jobs accepted, by the ledger", "jobs", ledger_growth("t2v_jobs_submitted_total")),
    Query("ledger.finished", "Jobs ended, by the ledger", "jobs", ledger_growth("t2v_jobs_finished_total", "outcome")),
    Query("ledger.executions", "Executions started", "executions", ledger_growth("t2v_executions_started_total")),
    Query(
        "ledger.crashes",
        "Executions whose worker let the lease run out",
        "executions",
        ledger_growth("t2v_executions_crashes_total"),
    ),
    Query(
        "ledger.handed_back",
        "Executions that a stopping worker gave back",
        "executions",
        ledger_growth("t2v_executions_handed_back_total"),
    ),
    Query(
        "ledger.stale_finishes",
        "Finishes refused as out of date",
        "executions",
        ledger_growth("t2v_executions_stale_finishes_total"),
    ),
    Query(
        "ledger.in_flight",
        "Jobs queued or running at the end",
        "jobs",
        f"max by (status) (last_over_time(t2v_jobs[{BASELINE}] @ $end))",
    ),
    Query(
        "worker.executions",
        "Executions ended, by the workers",
        "executions",
        growth("t2v_worker_executions_total", "outcome"),
    ),
    Query(
        "worker.handed_back",
        "Executions handed back, by the workers",
        "executions",
        growth("t2v_worker_handed_back_total"),
    ),
    Query("worker.lost", "Executions ended after their lease", "executions", growth("t2v_worker_lost_leases_total")),
    Query(
        "service.posts",
        "Submissions answered, by the service",
        "requests",
        growth('t2v_http_requests_total{method="POST", route="/v1/videos"}', "status"),
    ),
    Query(
        "service.requests",
        "Requests answered",
        "requests",
        growth("t2v_http_requests_total", "method", "route", "status"),
    ),
    Query("load.arrivals", "Jobs that were due", "jobs", growth("t2v_load_arrivals_total")),
    Query("load.dropped", "Jobs that were due and never sent", "jobs", growth("t2v_load_dropped_arrivals_total")),
    Query("load.late", "Jobs sent over 10 ms late", "jobs", growth("t2v_load_late_arrivals_total")),
    Query("load.errors", "Requests without a usable answer", "requests", growth("t2v_load_errors_total")),
    Query("load.jobs", "Jobs whose end the client saw", "jobs", growth("t2v_load_jobs_total", "outcome")),
    Query("call.results", "Provider calls", "calls", growth("t2v_provider_calls_total", "provider", "result")),
    Query(
        "call.bytes",
        "Body bytes of provider calls",
        "bytes",
        growth("t2v_provider_payload_bytes_total", "provider", "direction"),
    ),
    Query(
        "call.wire",
        "Bytes of the TCP streams of provider calls",
        "bytes",
        growth("t2v_provider_wire_bytes_total", "provider", "direction"),
    ),
    Query(
        "call.connections",
        "Connections to providers, by what happened to them",
        "connections",
        growth("t2v_provider_connections_total", "provider", "event"),
    ),
    Query("call.usage", "What providers bill by", "units", growth("t2v_provider_usage_total", "provider", "unit")),
    Query(
        "call.usage_untold",
        "Answers that did not tell what they are billed at",
        "answers",
        growth("t2v_provider_usage_untold_total", "provider"),
    ),
    Query(
        "call.retries",
        "Provider calls that repeat a failed one, by how that one had ended",
        "calls",
        growth("t2v_provider_retries_total", "provider", "reason"),
    ),
    Query(
        "call.retry_wait",
        "Time that calls waited to be attempted again",
        "seconds",
        growth("t2v_provider_retry_wait_seconds_total", "provider", "cause"),
    ),
    Query(
        "breaker.transitions",
        "Changes of the circuit breakers, by the state they went into",
        "changes",
        growth("t2v_breaker_transitions_total", "provider", "state"),
    ),
    Query(
        "breaker.rejected",
        "Attempts that a circuit breaker refused",
        "attempts",
        growth("t2v_breaker_rejected_total", "provider"),
    ),
    Query(
        "breaker.probes",
        "Calls that half-open circuit breakers let through",
        "calls",
        growth("t2v_breaker_probes_total", "provider", "result"),
    ),
    Query("mock.calls", "Calls answered by the mocks", "calls", growth("t2v_mock_calls_total", "provider", "status")),
    Query(
        "mock.faults",
        "Calls that met a fault, by the mocks",
        "calls",
        growth("t2v_mock_faults_total", "provider", "kind"),
    ),
    Query(
        "mock.faults_answered",
        "What became of the answers to calls that met a fault",
        "calls",
        growth("t2v_mock_faults_answered_total", "provider", "answered"),
    ),
    Query(
        "mock.bytes",
        "Body bytes, as the mocks saw them",
        "bytes",
        growth("t2v_mock_payload_bytes_total", "provider", "direction"),
    ),
    Query("cache.lookups", "Lookups in the cache", "lookups", growth("t2v_cache_lookups_total", "provider", "result")),
    Query("cache.stores", "Answers to be kept", "answers", growth("t2v_cache_stores_total", "provider", "result")),
    Query(
        "cache.bytes",
        "Answers read from the cache and stored in it",
        "bytes",
        growth("t2v_cache_payload_bytes_total", "provider", "direction"),
    ),
    Query(
        "cache.saved",
        "What the calls took whose answers were used again",
        "seconds",
        growth("t2v_cache_saved_seconds_total", "provider"),
    ),
    Query("cache.evicted", "Entries forgotten to make room", "entries", growth("t2v_cache_evicted_keys_total")),
    Query(
        "cache.memory",
        "Most memory that the cache used",
        "bytes",
        "max(max_over_time(t2v_cache_used_memory_bytes[$window] @ $end))",
    ),
    Query(
        "cache.limit",
        "Memory that the cache may use",
        "bytes",
        f"max(last_over_time(t2v_cache_max_memory_bytes[{BASELINE}] @ $end))",
    ),
    Query(
        "mock.wire",
        "Bytes of the TCP streams, as the mocks saw them",
        "bytes",
        growth("t2v_mock_wire_bytes_total", "provider", "direction"),
    ),
    Query(
        "mock.usage",
        "What the mocks' answers are billed by",
        "units",
        growth("t2v_mock_usage_total", "provider", "unit"),
    ),
    Query(
        "cpu.processes",
        "CPU time of each process itself",
        "seconds",
        growth('t2v_process_cpu_seconds_total{part="self"}', "job", "instance"),
    ),
    Query(
        "cpu.stages",
        "CPU time of the stages with processes of their own",
        "seconds",
        growth("t2v_stage_cpu_seconds_total", "stage"),
    ),
    Query(
        "memory.held",
        "Memory that our processes held on average, of those that lived for a part of the time that part of it",
        "bytes",
        f"sum by (job) (sum_over_time({MEMORY}[$window] @ $end)) / scalar(max(count_over_time(up[$window] @ $end)))",
    ),
    Query(
        "cpu.modes",
        "CPU time of each process and of those that it started, by mode",
        "seconds",
        growth("t2v_process_cpu_seconds_total", "job", "instance", "part", "mode"),
    ),
    Query(
        "cpu.collecting",
        "CPU time that each process took to read its own figures",
        "seconds",
        growth("t2v_process_collecting_cpu_seconds_total", "job", "instance"),
    ),
    Query(
        "process.switches",
        "Context switches",
        "switches",
        growth("t2v_process_context_switches_total", "job", "instance", "part", "kind"),
    ),
    Query(
        "process.collections",
        "Collections of garbage",
        "collections",
        growth("t2v_process_gc_collections_total", "job", "instance", "generation"),
    ),
    Query(
        "process.cores",
        "Cores that each process may use",
        "cores",
        f"last_over_time(t2v_process_cores[{BASELINE}] @ $end)",
    ),
    Query(
        "process.threads",
        "Threads of each process, at most",
        "threads",
        "max by (job, instance, part) (max_over_time(t2v_process_threads[$window] @ $end))",
    ),
    Query(
        "process.descriptors",
        "Open descriptors of each process, at most",
        "descriptors",
        "max by (job, instance, part) (max_over_time(t2v_process_descriptors[$window] @ $end))",
    ),
    Query(
        "memory.limits",
        "Memory limit of each control group",
        "bytes",
        f"last_over_time(t2v_process_memory_limit_bytes[{BASELINE}] @ $end)",
    ),
    Query(
        "memory.idle",
        "Unique memory of each process at its lowest reading in the hour before",
        "bytes",
        f"max by (job, instance, part) (min_over_time(t2v_process_unique_bytes[{LOOK_BACK}] @ $start))",
    ),
    Query(
        "memory.resident",
        "Resident memory of each process, at most",
        "bytes",
        "max by (job, instance, part) (max_over_time(t2v_process_resident_bytes[$window] @ $end))",
    ),
)

WITNESSES = (
    "t2v_process_cpu_seconds_total",
    "t2v_worker_executions_total",
    "t2v_http_requests_total",
    "t2v_mock_calls_total",
    "t2v_load_jobs_total",
    "t2v_jobs_submitted_total",
)
"""Counters that together cover each process: all counters of a process restart with it."""

META = (
    Query(
        "meta.restarts",
        "Counters that restarted within a series",
        "restarts",
        " or ".join(f"sum by (job, instance) (resets({name}[$window] @ $end))" for name in WITNESSES),
    ),
    Query("meta.scrapes", "Readings of each process", "readings", "count_over_time(up[$window] @ $end)"),
    Query(
        "meta.failed_scrapes",
        "Readings that failed",
        "readings",
        "count_over_time(up[$window] @ $end) - sum_over_time(up[$window] @ $end)",
    ),
)

SERIES = (
    Query(
        "series.breaker_open",
        "Circuit breakers that are not closed, reading by reading",
        "1 for the state",
        't2v_breaker_state{state!="closed"}[$window] @ $end',
    ),
    Query(
        "series.breaker_changed",
        "When each circuit breaker last went into a state, reading by reading",
        "Unix seconds",
        "t2v_breaker_changed_timestamp_seconds[$window] @ $end",
    ),
    Query("series.backlog", "Jobs queued and in progress, reading by reading", "jobs", "t2v_jobs[$window] @ $end"),
    Query(
        "series.memory",
        "Unique memory of each process, reading by reading",
        "bytes",
        "t2v_process_unique_bytes[$window] @ $end",
    ),
    Query(
        "series.executions",
        "Executions ended by each worker, reading by reading",
        "executions",
        "t2v_worker_executions_total[$window] @ $end",
    ),
    Query(
        "series.alerts",
        "Alerts that fire, reading by reading",
        "1 while it fires",
        'ALERTS{alertstate="firing"}[$window] @ $end',
    ),
    Query("series.finished", "Jobs ended, reading by reading", "jobs", "t2v_jobs_finished_total[$window] @ $end"),
)
"""Raw readings over the window, for figures and moments."""


@dataclass(frozen=True, slots=True)
class HistogramQueries:
    """The questions to one histogram: `<id>.p50`, `.p95`, `.p99`, `.n` (observations), `.sum` and `.buckets`."""

    id: str
    title: str
    metric: str
    by: tuple[str, ...] = ()

    def quantile(self, q: float, window: str, by: tuple[str, ...] | None = None, where: str = "") -> str:
        """Over the window until now."""
        buckets = CounterSum(f"{self.metric}_bucket").rate(window, ("le", *(self.by if by is None else by)), where)
        return f"histogram_quantile({q}, {buckets})"

    def __iter__(self) -> Iterator[Query]:
        buckets = growth(f"{self.metric}_bucket", "le", *self.by)
        for name, q in QUANTILES.items():
            yield Query(
                f"{self.id}.{name}", f"{self.title}, {name.upper()}", "seconds", f"histogram_quantile({q}, {buckets})"
            )
        yield Query(f"{self.id}.n", f"{self.title}, n", "observations", growth(f"{self.metric}_count", *self.by))
        yield Query(f"{self.id}.sum", f"{self.title}, sum", "seconds", growth(f"{self.metric}_sum", *self.by))
        yield Query(f"{self.id}.buckets", f"{self.title}, buckets", "observations", buckets)


HISTOGRAMS = (
    HistogramQueries("load.response", "Response time", "t2v_load_response_seconds"),
    HistogramQueries("load.lag", "Event-loop lag of the load generator", "t2v_load_loop_lag_seconds"),
    HistogramQueries("job.queue", "Queue wait", "t2v_job_queue_seconds"),
    HistogramQueries("job.length", "Job, from acceptance to end", "t2v_job_seconds"),
    HistogramQueries("stage", "Stage", "t2v_stage_seconds", ("stage",)),
    HistogramQueries("call", "Provider call", "t2v_provider_call_seconds", ("provider",)),
    HistogramQueries("mock.planned", "Planned provider latency", "t2v_mock_planned_seconds", ("provider",)),
    HistogramQueries("mock.late", "Lateness of the mocks", "t2v_mock_late_seconds", ("provider",)),
    HistogramQueries("loop", "Event-loop lag", "t2v_process_loop_lag_seconds", ("job",)),
    HistogramQueries("http", "API request", "t2v_http_request_seconds", ("method", "route", "kind")),
)

LATENCIES = frozenset(query.id for histogram in HISTOGRAMS for query in histogram)
"""Those of which the performance report tells, and no other."""
QUERIES = (*COUNTS, *META, *SERIES, *(query for histogram in HISTOGRAMS for query in histogram))


async def collect(prometheus_url: str, start: float, end: float) -> Answers:
    """Asks every query about the window between two settled readings. Raises PromQLError."""
    gate = asyncio.Semaphore(AT_ONCE)
    async with Prometheus(prometheus_url, timeout=30) as prometheus:

        async def ask(query: Query) -> Answer:
            expr = query.at(start, end)
            async with gate:
                series = await prometheus.query(expr, at=end)
            samples = tuple(_sample(one, query) for one in series)
            return Answer(query.id, query.title, query.unit, expr, end, samples)

        try:
            async with asyncio.TaskGroup() as group:
                tasks = [group.create_task(ask(query)) for query in QUERIES]
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None  # the first to fail; the others were cancelled for it
    return Answers(start, end, [task.result() for task in tasks])


def _sample(series: Series, query: Query) -> Sample:
    return Sample(dict(series.labels), series.value, series.points if query in SERIES else ())
