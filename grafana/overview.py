"""Is all well? Rate, errors and duration of each part, and how the last runs ended; from recorded series, so quick."""

from grafana.dashboard import Dashboard, Row
from grafana.panels import Line, graph, stat

VERDICTS = {"pass": "green", "fail": "red", "invalid": "orange"}

OVERVIEW = Dashboard(
    "overview",
    "Rate, errors and duration of API, queue, pipeline and providers, and how the last runs ended.",
    [
        Row(
            "Runs",
            (
                stat(
                    "Last verdict",
                    "How the run that ended last was judged, and when. A run that is invalid says nothing of the "
                    "service.",
                    "dateTimeFromNow",
                    Line("topk(1, t2v_run_verdict_timestamp_seconds * 1000 > 0)", "{{verdict}}"),
                    shows="value_and_name",
                    colors=VERDICTS,
                    none="no run has ended",
                ),
                stat(
                    "Runs that ended",
                    "By verdict, within the time shown.",
                    "none",
                    Line(
                        "sum by (verdict) (changes(t2v_run_verdict_timestamp_seconds[$__range]))",
                        "{{verdict}}",
                    ),
                    shows="value_and_name",
                    colors=VERDICTS,
                ),
                stat(
                    "Phase",
                    "Of the run that goes on now; idle is the stack without one.",
                    "none",
                    Line("t2v_run_phase == 1", "{{phase}}"),
                    shows="name",
                ),
                stat(
                    "Alerts that fire",
                    "What each means and what to do is in docs/runbook.md.",
                    "none",
                    Line('count by (alertname) (ALERTS{alertstate="firing"})', "{{alertname}}"),
                    shows="value_and_name",
                    none="none",
                ),
            ),
        ),
        Row(
            "API",
            (
                graph(
                    "Requests",
                    "Answered per second over the last minute, by route and status.",
                    "reqps",
                    Line("method_route_status:t2v_http_requests:rate1m", "{{method}} {{route}} {{status}}"),
                ),
                graph(
                    "Errors",
                    "Share of the requests of the last minute that were answered with a 5xx status.",
                    "percentunit",
                    Line("t2v_http_failures_per_requests:ratio_rate1m", "5xx"),
                ),
                graph(
                    "Duration, P95",
                    "Of the plain requests of the last minute, from the first byte to the last of the answer. Requests "
                    "that "
                    "wait or stream on purpose are on the dashboard of the load.",
                    "s",
                    Line("method_route:t2v_http_request_seconds:p95_1m", "{{method}} {{route}}"),
                ),
            ),
        ),
        Row(
            "Queue",
            (
                graph(
                    "Jobs",
                    "That wait for a worker, and that are worked on.",
                    "short",
                    Line("max by (status) (t2v_jobs)", "{{status}}"),
                    stacked=True,
                ),
                graph(
                    "Age",
                    "How long the oldest queued job has been due; nothing while none waits.",
                    "s",
                    Line("time() - min(t2v_queue_oldest_timestamp_seconds)", "oldest job"),
                ),
                graph(
                    "Slots",
                    "Jobs that the workers may run at once, and those that they run.",
                    "short",
                    Line("sum(t2v_worker_slots_used)", "used"),
                    Line("sum(t2v_worker_slots)", "all"),
                ),
            ),
        ),
        Row(
            "Pipeline",
            (
                graph(
                    "Jobs",
                    "Accepted and ended per second over the last minute, by outcome.",
                    "ops",
                    Line("t2v_jobs_submitted:rate1m", "submitted"),
                    Line("outcome:t2v_jobs_finished:rate1m", "{{outcome}}"),
                ),
                graph(
                    "Errors",
                    "Share of the jobs that failed or lost a scene, of those that were not cancelled; 5 % may.",
                    "percentunit",
                    Line("t2v_job_failures_per_jobs:ratio_rate30s", "30 s"),
                    Line("t2v_job_failures_per_jobs:ratio_rate2m", "2 min"),
                    Line("t2v_job_failures_per_jobs:ratio_rate1h", "1 h"),
                ),
                graph(
                    "Duration, P95",
                    "Of the jobs that ended within the last minute, from acceptance to end.",
                    "s",
                    Line("t2v_job_seconds:p95_1m", "job"),
                ),
            ),
        ),
        Row(
            "Providers",
            (
                graph(
                    "Calls",
                    "Per second over the last minute, by result.",
                    "ops",
                    Line("provider_result:t2v_provider_calls:rate1m", "{{provider}} {{result}}"),
                ),
                graph(
                    "Errors",
                    "Share of the calls of the last minute whose result counts against the provider.",
                    "percentunit",
                    Line("provider:t2v_provider_failures_per_calls:ratio_rate1m", "{{provider}}"),
                ),
                graph(
                    "Duration, P95",
                    "Of the calls of the last minute, good or bad.",
                    "s",
                    Line("provider:t2v_provider_call_seconds:p95_1m", "{{provider}}"),
                ),
            ),
        ),
    ],
)
