"""What goes wrong, how soon is it over, and is any job lost?"""

from grafana.dashboard import Dashboard, Row
from grafana.expressions import counter_rate, rate
from grafana.panels import Line, graph, stat, timeline

UP = {0: ("down", "red"), 1: ("up", "green")}

RELIABILITY = Dashboard(
    "reliability",
    "Faults, recovery from them, and whether each accepted job comes to an end.",
    [
        Row(
            "Faults",
            (
                timeline(
                    "Faults of processes",
                    "That the current run has in force, by kind and by whom they meet.",
                    Line("max by (kind, target) (t2v_run_faults) > 0", "{{kind}} of {{target}}"),
                    states={1: ("in force", "red"), 2: ("two in force", "red")},
                ),
                timeline(
                    "Processes",
                    "Whether Prometheus could read each of them.",
                    Line("up", "{{instance}}"),
                    states=UP,
                ),
                graph(
                    "Calls that met a fault",
                    "Per second, counted by the mocks when it was decided.",
                    "ops",
                    Line(rate("mock.faults") + " > 0", "{{kind}} of {{provider}}"),
                    stacked=True,
                ),
                graph(
                    "What became of their answers",
                    "Per second: sent, cut off, or left because the caller had gone.",
                    "ops",
                    Line(rate("mock.faults_answered") + " > 0", "{{provider}} {{answered}}"),
                    stacked=True,
                ),
                timeline(
                    "Ledger and cache",
                    "Whether each Redis answers the exporter.",
                    Line("max(t2v_ledger_up)", "ledger"),
                    Line("max(t2v_cache_up)", "cache"),
                    states=UP,
                    width=8,
                ),
            ),
        ),
        Row(
            "Recovery",
            (
                graph(
                    "Executions that did not end by themselves",
                    "Per second, as the ledger counts: leases that ran out, handed back by a worker that stopped, "
                    "given back "
                    "to be tried again, and finishes that came too late.",
                    "ops",
                    Line(rate("ledger.crashes"), "crashed"),
                    Line(rate("ledger.handed_back"), "handed back"),
                    Line(counter_rate("t2v_executions_errors_total", ledger=True), "tried again"),
                    Line(rate("ledger.stale_finishes"), "too late"),
                ),
                graph(
                    "Executions, as the workers count",
                    "Per second: lost to another worker, stopped by themselves because their lease had run out, handed "
                    "back, "
                    "given back to be tried again, and run alone.",
                    "ops",
                    Line(rate("worker.lost"), "lost"),
                    Line(counter_rate("t2v_worker_fenced_executions_total"), "stopped"),
                    Line(rate("worker.handed_back"), "handed back"),
                    Line(counter_rate("t2v_worker_failed_executions_total"), "tried again"),
                    Line(counter_rate("t2v_worker_executions_alone_total"), "alone"),
                ),
                graph(
                    "Jobs",
                    "Queued and in progress: how soon a backlog is gone.",
                    "short",
                    Line("max by (status) (t2v_jobs)", "{{status}}"),
                    stacked=True,
                ),
                graph(
                    "Jobs that ended",
                    "Per second, by outcome.",
                    "ops",
                    Line(rate("ledger.finished"), "{{outcome}}"),
                    stacked=True,
                    width=12,
                ),
                graph(
                    "Executions that were started",
                    "Per second, beside the jobs that were accepted: what is above them is work done again.",
                    "ops",
                    Line(rate("ledger.executions"), "executions"),
                    Line(rate("ledger.submitted"), "jobs"),
                    width=12,
                ),
            ),
        ),
        Row(
            "Conservation of jobs",
            (
                stat(
                    "Accepted and unaccounted for",
                    "Jobs accepted less those that ended and those that are queued or in progress, since the ledger "
                    "began. "
                    "Anything but 0 that stays is a job lost or counted twice.",
                    "none",
                    Line(
                        "max(t2v_jobs_submitted_total) - sum(max by (outcome) (t2v_jobs_finished_total))"
                        " - sum(max by (status) (t2v_jobs))",
                        "jobs",
                    ),
                ),
                stat(
                    "Quarantined",
                    "Jobs given up because they killed the process that ran them, since the ledger began.",
                    "none",
                    Line("max(t2v_jobs_quarantined_total)", "jobs"),
                ),
                stat(
                    "The ledger began",
                    "When it accepted its first job: another value than before means that Redis has lost its data.",
                    "dateTimeAsIso",
                    Line("max(t2v_ledger_begun_timestamp_seconds) * 1000", "began"),
                    none="no job yet",
                    width=12,
                ),
                graph(
                    "Ends of jobs",
                    "Per second, as the ledger counts them and as the load generator sees them. Other clients' jobs "
                    "are in the "
                    "ledger alone.",
                    "ops",
                    Line(rate("ledger.finished", ()), "ledger"),
                    Line(rate("load.jobs", ()), "load generator"),
                    width=12,
                ),
                graph(
                    "Leftovers removed",
                    "Per second: uploads and executions that belonged to nobody any more, and jobs past their "
                    "retention.",
                    "ops",
                    Line(counter_rate("t2v_leftovers_removed_total", "what"), "{{what}}"),
                    width=12,
                ),
            ),
        ),
    ],
)
