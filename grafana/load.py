"""What does the load generator ask for, and what do its clients get?"""

from grafana.dashboard import Dashboard, Row
from grafana.expressions import QUANTILES, quantile, rate
from grafana.panels import Line, graph, stat

LOAD = Dashboard(
    "load",
    "Arrivals due and sent, latency from the due time, concurrency, and the API as its clients use it.",
    [
        Row(
            "Arrivals",
            (
                graph(
                    "Requests that were due",
                    "Per second, and those of them that left over 10 ms late or were never sent.",
                    "reqps",
                    Line(rate("load.arrivals"), "due"),
                    Line(rate("load.late"), "late"),
                    Line(rate("load.dropped"), "never sent"),
                ),
                graph(
                    "Share that was late",
                    "Of the requests that were due. Above 1 % a run with a schedule is invalid: its load was another "
                    "one.",
                    "percentunit",
                    Line(f"{rate('load.late')} / {rate('load.arrivals')}", "late"),
                ),
                graph(
                    "Event-loop lag of the load generator",
                    "By how much it was late to wake up: below this nothing can be measured.",
                    "s",
                    *(Line(quantile("load.lag", q), name) for name, q in QUANTILES.items()),
                ),
            ),
        ),
        Row(
            "Latency",
            (
                graph(
                    "Response time",
                    "From the due time of a job to its client holding the end of it.",
                    "s",
                    *(Line(quantile("load.response", q), name) for name, q in QUANTILES.items()),
                    width=12,
                ),
                graph(
                    "Jobs that ended",
                    "Per second, by outcome as the client saw it, and requests without a usable answer.",
                    "ops",
                    Line(rate("load.jobs"), "{{outcome}}"),
                    Line(rate("load.errors"), "no usable answer"),
                    width=12,
                ),
            ),
        ),
        Row(
            "Concurrency",
            (
                graph(
                    "Jobs in flight",
                    "That the load generator waits for, and that the ledger has queued or in progress.",
                    "short",
                    Line("sum(t2v_load_in_flight)", "load generator"),
                    Line("sum(max by (status) (t2v_jobs))", "ledger"),
                ),
                graph(
                    "Requests in flight",
                    "That the API is answering, those that wait on purpose included.",
                    "short",
                    Line("sum by (instance) (t2v_http_requests_in_flight)", "{{instance}}"),
                    stacked=True,
                ),
                stat(
                    "Load generators",
                    "That Prometheus reads now.",
                    "none",
                    Line('count(up{job="loadgen"} == 1)', "load generators"),
                    none="none",
                    width=8,
                ),
            ),
        ),
        Row(
            "API, as its clients use it",
            (
                graph(
                    "Plain requests, P95",
                    "From the first byte of a request to the last of its answer.",
                    "s",
                    Line(quantile("http", 0.95, ("method", "route"), 'kind="plain"'), "{{method}} {{route}}"),
                ),
                graph(
                    "Requests that wait or stream, P95",
                    "On purpose: these say how long clients were content to wait.",
                    "s",
                    Line(quantile("http", 0.95, ("kind", "route"), 'kind!="plain"'), "{{kind}} {{route}}"),
                ),
                graph(
                    "Submissions",
                    "Answered per second, by status.",
                    "reqps",
                    Line(rate("service.posts") + " > 0", "{{status}}"),
                    stacked=True,
                ),
            ),
        ),
    ],
)
