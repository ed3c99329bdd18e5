"""What do our processes use of the machine, and what do the network and the cache carry?"""

from grafana.dashboard import Dashboard, Row, label_variable
from grafana.expressions import INTERVAL, rate
from grafana.panels import Line, graph, timeline

CHOSEN = 'job=~"$job", instance=~"$instance"'
BY_PROCESS = ("instance", "part")
PROCESS = "{{instance}} {{part}}"


def chosen(metric: str) -> str:
    """Of the processes that the dashboard's variables choose."""
    return f"{metric}{{{CHOSEN}}}"


def lag(q: float) -> str:
    buckets = f"rate({chosen('t2v_process_loop_lag_seconds_bucket')}[{INTERVAL}])"
    return f"histogram_quantile({q}, sum by (le, instance) ({buckets}))"


RESOURCES = Dashboard(
    "resources",
    "Memory, CPU and event loops of each process, traffic to the providers, and the cache.",
    [
        Row(
            "Memory",
            (
                graph(
                    "Unique memory",
                    "What would be free if the process were gone; what it shares with others is not in it.",
                    "bytes",
                    Line(chosen("t2v_process_unique_bytes"), PROCESS),
                ),
                graph(
                    "Resident memory",
                    "In use, shared or not.",
                    "bytes",
                    Line(chosen("t2v_process_resident_bytes"), PROCESS),
                ),
                graph(
                    "Share of the limit",
                    "Unique memory of a process and of those that it started, of what their control group may use; "
                    "nothing "
                    "where there is no limit.",
                    "percentunit",
                    Line(
                        f"sum by (job, instance) ({chosen('t2v_process_unique_bytes')})"
                        f" / max by (job, instance) ({chosen('t2v_process_memory_limit_bytes')})",
                        "{{instance}}",
                    ),
                ),
            ),
        ),
        Row(
            "CPU",
            (
                graph(
                    "Cores in use",
                    "CPU seconds per second, of each process and of those that it started.",
                    "short",
                    Line(rate("cpu.modes", BY_PROCESS, CHOSEN), PROCESS),
                    stacked=True,
                ),
                graph(
                    "Cores in use, by mode",
                    "Of all processes chosen together.",
                    "short",
                    Line(rate("cpu.modes", ("mode",), CHOSEN), "{{mode}}"),
                    stacked=True,
                ),
                graph(
                    "Share of the cores",
                    "CPU seconds per second of all processes chosen, of the cores that the freest of them may use: the "
                    "whole "
                    "machine where they run on one.",
                    "percentunit",
                    Line(f"{rate('cpu.modes', (), CHOSEN)} / max({chosen('t2v_process_cores')})", "in use"),
                ),
                graph(
                    "Context switches",
                    "Per second: voluntary with nothing to do, involuntary although there was.",
                    "ops",
                    Line(rate("process.switches", ("instance", "kind"), CHOSEN), "{{instance}} {{kind}}"),
                ),
                graph(
                    "Cores that a process may use",
                    "By affinity and quota; a quota of its control group stands beside it.",
                    "short",
                    Line(chosen("t2v_process_cores"), "{{instance}}"),
                    Line(chosen("t2v_process_cpu_limit_cores"), "{{instance}} quota"),
                ),
                graph(
                    "Reading these figures",
                    "CPU seconds per second that each process takes to read its own.",
                    "short",
                    Line(rate("cpu.collecting", ("instance",), CHOSEN), "{{instance}}"),
                    stacked=True,
                ),
            ),
        ),
        Row(
            "Event loops and what processes hold",
            (
                graph(
                    "Event-loop lag, P95",
                    "By how much a process was late to wake up: what held up everything else in it.",
                    "s",
                    Line(lag(0.95), "{{instance}}"),
                ),
                graph(
                    "Event-loop lag, P99",
                    "By how much a process was late to wake up: what held up everything else in it.",
                    "s",
                    Line(lag(0.99), "{{instance}}"),
                ),
                graph(
                    "Garbage collections",
                    "Per second, by generation.",
                    "ops",
                    Line(
                        rate("process.collections", ("instance", "generation"), CHOSEN), "{{instance}} {{generation}}"
                    ),
                ),
                graph("Threads", "Of each process.", "short", Line(chosen("t2v_process_threads"), PROCESS)),
                graph(
                    "Descriptors",
                    "Files and sockets that are open.",
                    "short",
                    Line(chosen("t2v_process_descriptors"), PROCESS),
                ),
                graph(
                    "Children",
                    "Processes that each has started and that live.",
                    "short",
                    Line(chosen("t2v_process_children"), "{{instance}}"),
                ),
            ),
        ),
        Row(
            "Network",
            (
                graph(
                    "Payload",
                    "Body bytes of provider calls.",
                    "Bps",
                    Line(rate("call.bytes"), "{{provider}} {{direction}}"),
                ),
                graph(
                    "On the wire",
                    "Bytes of the TCP streams to the providers, as the kernel counts them.",
                    "Bps",
                    Line(rate("call.wire"), "{{provider}} {{direction}}"),
                ),
                graph(
                    "Connections",
                    "To the providers, per second: opened, used again, closed.",
                    "ops",
                    Line(rate("call.connections"), "{{provider}} {{event}}"),
                ),
                graph(
                    "Payload, as the mocks see it",
                    "Body bytes; sent by a mock is received by its caller.",
                    "Bps",
                    Line(rate("mock.bytes"), "{{provider}} {{direction}}"),
                    width=12,
                ),
                graph(
                    "On the wire, as the mocks see it",
                    "Bytes of the TCP streams, as the mock's kernel counts them.",
                    "Bps",
                    Line(rate("mock.wire"), "{{provider}} {{direction}}"),
                    width=12,
                ),
            ),
        ),
        Row(
            "Cache",
            (
                graph(
                    "Lookups",
                    "Per second, by result.",
                    "ops",
                    Line(rate("cache.lookups", ("result",)) + " > 0", "{{result}}"),
                    stacked=True,
                ),
                graph(
                    "Shares of the lookups",
                    "Of the last minute: hits, and those that found the cache down, slow or wrong.",
                    "percentunit",
                    Line("t2v_cache_hits_per_lookups:ratio_rate1m", "hits"),
                    Line("t2v_cache_failures_per_lookups:ratio_rate1m", "failures"),
                ),
                graph(
                    "Calls saved",
                    "Seconds per second that the calls took whose answers were used again.",
                    "short",
                    Line(rate("cache.saved"), "{{provider}}"),
                    stacked=True,
                ),
                graph(
                    "Answers to be kept",
                    "Per second, by what became of them.",
                    "ops",
                    Line(rate("cache.stores", ("result",)), "{{result}}"),
                ),
                graph(
                    "Payload",
                    "Answers read from the cache (received) and stored in it (sent).",
                    "Bps",
                    Line(rate("cache.bytes", ("direction",)), "{{direction}}"),
                ),
                graph(
                    "Memory",
                    "That the cache uses, and may use.",
                    "bytes",
                    Line("max(t2v_cache_used_memory_bytes)", "used"),
                    Line("max(t2v_cache_max_memory_bytes)", "limit"),
                ),
                graph(
                    "Entries forgotten",
                    "Per second, to make room for others.",
                    "ops",
                    Line(rate("cache.evicted", ()), "entries"),
                    width=12,
                ),
                timeline(
                    "Cache",
                    "Whether its Redis answers the exporter.",
                    Line("max(t2v_cache_up)", "cache"),
                    states={0: ("down", "red"), 1: ("up", "green")},
                ),
            ),
        ),
    ],
    variables=[
        label_variable("job", "label_values(t2v_process_cores, job)"),
        label_variable("instance", 'label_values(t2v_process_cores{job=~"$job"}, instance)'),
    ],
)
