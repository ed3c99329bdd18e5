"""Where does the time of a job go?"""

from grafana.dashboard import Dashboard, Row
from grafana.expressions import QUANTILES, mean, quantile, rate
from grafana.panels import Line, graph

IN_TURN = 'stage!~"narration|visual"'
"""The stages that follow each other; the calls of a scene are within `scenes`."""
IN_A_SCENE = 'stage=~"narration|visual"'

PIPELINE = Dashboard(
    "pipeline",
    "Where the time of a job goes: queue, stages, scenes, and the CPU of parsing and encoding.",
    [
        Row(
            "Jobs",
            (
                graph(
                    "Length of a job",
                    "From its acceptance to its end, as its worker sees it.",
                    "s",
                    *(Line(quantile("job.length", q), name) for name, q in QUANTILES.items()),
                ),
                graph(
                    "Wait in the queue",
                    "From the acceptance of a job to the start of its first execution.",
                    "s",
                    *(Line(quantile("job.queue", q), name) for name, q in QUANTILES.items()),
                ),
                graph(
                    "Executions",
                    "That the workers ended per second, by outcome; a job that a worker left behind has several.",
                    "ops",
                    Line(rate("worker.executions"), "{{outcome}}"),
                    stacked=True,
                ),
            ),
        ),
        Row(
            "Critical path",
            (
                graph(
                    "Mean job",
                    "The wait in the queue and the stages that follow each other, on top of each other: their sum is "
                    "the "
                    "mean job but for what happens between them. Scenes last as long as the slowest of them.",
                    "s",
                    Line(mean("job.queue"), "queue"),
                    Line(mean("stage", where=IN_TURN), "{{stage}}"),
                    stacked=True,
                    width=12,
                ),
                graph(
                    "Between the stages",
                    "The mean job less its queue and stages: what the service itself adds.",
                    "s",
                    Line(
                        f"{mean('job.length')} - {mean('job.queue')} - sum ({mean('stage', where=IN_TURN)})",
                        "rest",
                    ),
                    width=12,
                ),
            ),
        ),
        Row(
            "Stages",
            (
                graph(
                    "Length of a stage, P50",
                    "Of the stages that follow each other.",
                    "s",
                    Line(quantile("stage", 0.5, where=IN_TURN), "{{stage}}"),
                ),
                graph(
                    "Length of a stage, P95",
                    "Of the stages that follow each other.",
                    "s",
                    Line(quantile("stage", 0.95, where=IN_TURN), "{{stage}}"),
                ),
                graph(
                    "CPU per job",
                    "Of the two stages that run in processes of their own, per job that ended.",
                    "s",
                    Line(
                        f"{rate('cpu.stages')} / on () group_left () {rate('worker.executions', ())}",
                        "{{stage}}",
                    ),
                    stacked=True,
                ),
            ),
        ),
        Row(
            "Scenes",
            (
                graph(
                    "Narrations and pictures, P50",
                    "Length of the two parts of a scene, retries included.",
                    "s",
                    Line(quantile("stage", 0.5, where=IN_A_SCENE), "{{stage}}"),
                ),
                graph(
                    "Narrations and pictures, P95",
                    "Length of the two parts of a scene, retries included.",
                    "s",
                    Line(quantile("stage", 0.95, where=IN_A_SCENE), "{{stage}}"),
                ),
                graph(
                    "Slots of each worker",
                    "In use: jobs that it runs now.",
                    "short",
                    Line("t2v_worker_slots_used", "{{instance}}"),
                    stacked=True,
                ),
            ),
        ),
    ],
)
