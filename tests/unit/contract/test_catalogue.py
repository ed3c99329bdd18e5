"""Names, units and labels of metrics are an API; each child is there at 0 before the first event."""

from collections.abc import Callable, Iterable
from itertools import pairwise

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from contract.catalogue import (
    LATENCY_BUCKETS,
    CacheState,
    LedgerTotals,
    LoadMetrics,
    MockMetrics,
    Phase,
    RequestKind,
    RunState,
    ServiceMetrics,
    WorkerMetrics,
)
from contract.exposition import ProcessRegistry, render
from contract.jobs import Status
from contract.records import TOTAL_NAMES
from contract.runfolder import Verdict
from tests.promtool import promtool

ROUTES = [("GET", "/v1/videos/{job_id}", (RequestKind.PLAIN, RequestKind.WAIT)), ("POST", "/v1/videos", ())]
PROVIDERS = "provider=llm|tts|visual"
STATUSES = "status=200|202|204|400|401|403|404|405|409|413|415|422|429|500|502|503|504|507|other"
OUTCOMES = "outcome=cancelled|completed|failed|partial"
FAILURES = "bad_payload|disconnected|rate_limited|refused|status|timeout"
METHODS = "DELETE|GET|POST|other"

SERVICE = {
    f"t2v_http_requests_total method=GET route=/v1/videos/{{job_id}} {STATUSES}",
    f"t2v_http_requests_total method=POST route=/v1/videos {STATUSES}",
    f"t2v_http_requests_total method={METHODS} route=unmatched {STATUSES}",
    "t2v_http_request_seconds method=GET route=/v1/videos/{job_id} kind=plain|wait",
    f"t2v_http_request_seconds method={METHODS} route=unmatched kind=plain",
    "t2v_http_requests_in_flight",
}
WORKER = {
    f"t2v_worker_executions_total {OUTCOMES}",
    "t2v_worker_handed_back_total",
    "t2v_worker_fenced_executions_total",
    "t2v_worker_failed_executions_total",
    "t2v_worker_executions_alone_total",
    "t2v_worker_lost_leases_total",
    "t2v_job_seconds",
    "t2v_job_queue_seconds",
    "t2v_stage_seconds stage=assemble|narration|parse|publish|scenes|script|visual",
    "t2v_stage_cpu_seconds_total stage=assemble|parse",
    f"t2v_provider_calls_total {PROVIDERS} result=cancelled|ok|out_of_time|{FAILURES}",
    f"t2v_provider_retries_total {PROVIDERS} reason={FAILURES}",
    f"t2v_provider_retry_wait_seconds_total {PROVIDERS} cause=backoff|breaker|retry_after",
    f"t2v_breaker_state {PROVIDERS} state=closed|half_open|open",
    f"t2v_breaker_transitions_total {PROVIDERS} state=closed|half_open|open",
    f"t2v_breaker_changed_timestamp_seconds {PROVIDERS} state=closed|half_open|open",
    f"t2v_breaker_rejected_total {PROVIDERS}",
    f"t2v_breaker_probes_total {PROVIDERS} result=bad|good|neutral",
    f"t2v_provider_call_seconds {PROVIDERS}",
    f"t2v_provider_payload_bytes_total {PROVIDERS} direction=received|sent",
    f"t2v_cache_lookups_total {PROVIDERS} result=abandoned|coalesced|corrupt|down|hit|miss|slow",
    f"t2v_cache_stores_total {PROVIDERS} result=dropped|failed|stored",
    f"t2v_cache_payload_bytes_total {PROVIDERS} direction=received|sent",
    f"t2v_cache_saved_seconds_total {PROVIDERS}",
    f"t2v_provider_wire_bytes_total {PROVIDERS} direction=received|sent",
    f"t2v_provider_connections_total {PROVIDERS} event=closed|opened|reused",
    "t2v_provider_usage_total provider=llm unit=input_tokens|output_tokens",
    "t2v_provider_usage_total provider=tts unit=characters",
    "t2v_provider_usage_total provider=visual unit=images",
    f"t2v_provider_usage_untold_total {PROVIDERS}",
    "t2v_leftovers_removed_total what=execution|job|upload",
    "t2v_worker_slots",
    "t2v_worker_slots_used",
}
MOCKS = {
    f"t2v_mock_calls_total {PROVIDERS} {STATUSES}",
    f"t2v_mock_planned_seconds {PROVIDERS}",
    f"t2v_mock_late_seconds {PROVIDERS}",
    f"t2v_mock_payload_bytes_total {PROVIDERS} direction=received|sent",
    f"t2v_mock_wire_bytes_total {PROVIDERS} direction=received|sent",
    "t2v_mock_usage_total provider=llm unit=input_tokens|output_tokens",
    "t2v_mock_usage_total provider=tts unit=characters",
    "t2v_mock_usage_total provider=visual unit=images",
    f"t2v_mock_faults_total {PROVIDERS} kind=corrupt|error|hang|latency|outage|rate_limit|truncate",
    f"t2v_mock_faults_answered_total {PROVIDERS} answered=cut|left|sent",
}
LOAD = {
    "t2v_load_arrivals_total",
    "t2v_load_late_arrivals_total",
    "t2v_load_dropped_arrivals_total",
    "t2v_load_loop_lag_seconds",
    f"t2v_load_jobs_total {OUTCOMES}",
    "t2v_load_errors_total",
    "t2v_load_response_seconds",
    "t2v_load_in_flight",
}
PROCESS = {
    "t2v_process_cpu_seconds_total part=self mode=system|user",
    "t2v_process_context_switches_total part=self kind=involuntary|voluntary",
    "t2v_process_resident_bytes part=self",
    "t2v_process_unique_bytes part=self",
    "t2v_process_threads part=self",
    "t2v_process_descriptors part=self",
    "t2v_process_children",
    "t2v_process_gc_collections_total generation=0|1|2",
    "t2v_process_cores",
    "t2v_process_collecting_cpu_seconds_total",
    "t2v_process_loop_lag_seconds_count",
    "t2v_process_loop_lag_seconds_sum",
}
LEDGER = {
    "t2v_jobs_submitted_total",
    "t2v_executions_started_total",
    "t2v_executions_crashes_total",
    "t2v_executions_handed_back_total",
    "t2v_executions_errors_total",
    "t2v_executions_stale_finishes_total",
    "t2v_jobs_quarantined_total",
    f"t2v_jobs_finished_total {OUTCOMES}",
    "t2v_jobs status=in_progress|queued",
    "t2v_queue_oldest_timestamp_seconds",
    "t2v_ledger_begun_timestamp_seconds",
    "t2v_run_phase phase=idle|measure|settle|warmup",
}
RUNS = {
    "t2v_run_faults target=cache|mocks|redis|service|worker kind=kill|pause|power-loss|restart|term",
    "t2v_run_verdict_timestamp_seconds verdict=fail|invalid|pass",
}


CACHE = {"t2v_cache_evicted_keys_total", "t2v_cache_used_memory_bytes", "t2v_cache_max_memory_bytes"}


class Empty(Collector):
    """A cache that holds nothing, as the exporter shows it."""

    def collect(self) -> Iterable[Metric]:
        return CacheState.families({"evicted_keys": 0, "used_memory": 0, "maxmemory": 0})


class Idle(Collector):
    """An empty ledger, as the exporter shows it."""

    def collect(self) -> Iterable[Metric]:
        states = {Status.QUEUED: 0, Status.IN_PROGRESS: 0}
        return LedgerTotals.families(dict.fromkeys(TOTAL_NAMES, 0), states, 0.0, Phase.IDLE, 0.0)


class Unrun(Collector):
    """A stack on which nothing has run yet, as the exporter shows it."""

    def collect(self) -> Iterable[Metric]:
        return RunState.families({}, dict.fromkeys(Verdict, 0.0))


ROLES: dict[str, tuple[Callable[[CollectorRegistry], object], set[str]]] = {
    "service": (lambda registry: ServiceMetrics(registry, ROUTES), SERVICE),
    "worker": (WorkerMetrics, WORKER),
    "mocks": (MockMetrics, MOCKS),
    "load": (LoadMetrics, LOAD),
    "ledger": (lambda registry: registry.register(Idle()), LEDGER),
    "cache": (lambda registry: registry.register(Empty()), CACHE),
    "runs": (lambda registry: registry.register(Unrun()), RUNS),
}
each_role = pytest.mark.parametrize(("declare", "expected"), ROLES.values(), ids=ROLES)


def exposed(declare: Callable[[CollectorRegistry], object]) -> list[Metric]:
    registry = ProcessRegistry()
    declare(registry)
    families = text_string_to_metric_families(render(registry)[0].decode())
    return [family for family in families if not family.name.startswith(("t2v_process_", "python_"))]


def spelled_out(lines: set[str]) -> set[tuple[str, frozenset[tuple[str, str]]]]:
    """Every child that the lines stand for: `name label=a|b other=c`."""
    children: set[tuple[str, frozenset[tuple[str, str]]]] = set()
    for line in lines:
        name, *labels = line.split(" ")
        combinations: list[frozenset[tuple[str, str]]] = [frozenset()]
        for label in labels:
            key, _, values = label.partition("=")
            combinations = [known | {(key, value)} for known in combinations for value in values.split("|")]
        children |= {(name, labels_of_child) for labels_of_child in combinations}
    return children


@each_role
def test_a_role_exposes_these_names_and_labels_and_no_other(
    declare: Callable[[CollectorRegistry], object], expected: set[str]
) -> None:
    children = {
        (family.name if family.type == "histogram" else sample.name, frozenset(sample.labels.items()))
        for family in exposed(declare)
        for sample in family.samples
        if not sample.name.endswith("_bucket")
    }
    assert children == spelled_out(expected)


@each_role
def test_everything_counts_from_0(declare: Callable[[CollectorRegistry], object], expected: set[str]) -> None:
    assert expected
    not_0 = {
        (sample.name, *sample.labels.values())
        for family in exposed(declare)
        for sample in family.samples
        if sample.value != 0
    }
    closed = {("t2v_breaker_state", provider, "closed") for provider in ("llm", "tts", "visual")}
    assert not_0 <= {("t2v_run_phase", "idle")} | closed


@each_role
def test_each_metric_is_ours_helps_and_names_its_unit(
    declare: Callable[[CollectorRegistry], object], expected: set[str]
) -> None:
    assert expected
    for family in exposed(declare):
        assert family.name.startswith("t2v_")
        assert family.documentation, f"{family.name} says nothing"
        assert "." not in family.documentation, "a help text is a phrase"
        if family.type == "histogram":
            assert family.name.endswith("_seconds")
        names = {sample.name for sample in family.samples}
        assert not any(name.endswith("_created") for name in names)
        if family.type == "counter":
            assert all(name.endswith("_total") for name in names)


@each_role
def test_promtool_finds_nothing_to_say(declare: Callable[[CollectorRegistry], object], expected: set[str]) -> None:
    assert expected
    registry = ProcessRegistry()
    declare(registry)
    assert promtool("check", "metrics", given=render(registry)[0].decode()) == (0, "")


def test_promtool_finds_a_counter_that_is_not_called_one() -> None:
    status, said = promtool("check", "metrics", given="# HELP t2v_x X\n# TYPE t2v_x counter\nt2v_x 1\n")
    assert status != 0
    assert "_total" in said


def test_a_latency_is_known_to_five_percent_between_a_millisecond_and_half_a_minute() -> None:
    fine = [bound for bound in LATENCY_BUCKETS if bound >= 0.001]
    assert (fine[0], fine[-1]) == (0.001, 30)
    assert all(1 < after / before <= 1.05 for before, after in pairwise(fine))
    assert list(LATENCY_BUCKETS) == sorted(set(LATENCY_BUCKETS))


def test_a_process_exposes_its_own_cpu_and_memory_and_no_creation_times() -> None:
    registry = ProcessRegistry()
    WorkerMetrics(registry)
    body, media_type = render(registry)
    assert media_type.startswith("text/plain; version=0.0.4")
    samples = [s for f in text_string_to_metric_families(body.decode()) for s in f.samples]
    told = {(s.name, frozenset(s.labels.items())) for s in samples if s.name.startswith("t2v_process_")}
    optional = {
        ("t2v_process_memory_limit_bytes", frozenset[tuple[str, str]]()),
        ("t2v_process_cpu_limit_cores", frozenset()),
    }
    assert {one for one in told if not one[0].endswith("_bucket")} - optional == spelled_out(PROCESS)
    values = {s.name: s.value for s in samples}
    assert values["t2v_process_cpu_seconds_total"] > 0
    assert values["t2v_process_unique_bytes"] > 0
    assert not any(name.endswith("_created") for name in values)
