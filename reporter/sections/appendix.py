"""Each PromQL that was asked, with its answer."""

from collections.abc import Collection, Mapping

from reporter.answers import Answer
from reporter.markdown import NO_DATA, fenced
from reporter.runs import Run

LINES = 60
"""Longer answers are cut; the run's folder holds them whole."""


def appendix(run: Run, without: Collection[str] = ()) -> list[str]:
    """Of a run with rungs, where each rung's answers are: the questions are the same, about a window of its own.

    `without` are ids of queries that the report does not rest on.
    """
    if run.rungs:
        folders = ", ".join(f"`rungs/{rung.info.rung}/queries.json`" for rung in run.rungs)
        return [
            f"Run `{run.info.id}` was asked about rung by rung, with the same PromQL; the answers are in {folders}."
        ]
    if not run.has_answers:
        return [f"{NO_DATA.capitalize()}: no answers were kept."]
    blocks = [
        (
            f"Asked of Prometheus about run `{run.info.id}`. The whole answers, each bucket and each reading included, "
            "are in the run's `queries.json`."
        )
    ]
    for answer in (answer for answer in run.answers if answer.id not in without):
        lines = _answer_lines(answer)
        blocks += [f"**`{answer.id}`**: {answer.title} ({answer.unit})", fenced(answer.expr, "promql")]
        blocks.append(fenced("\n".join(lines)))
    return blocks


def _answer_lines(answer: Answer) -> list[str]:
    if not answer.samples:
        return [NO_DATA]
    if all("le" in sample.labels for sample in answer.samples):
        return [_buckets(answer)]
    if any(sample.points for sample in answer.samples):
        return [f"{len(answer.samples)} series, {sum(len(s.points) for s in answer.samples)} readings"]
    told = [s for s in answer.samples if s.value != 0 or not s.labels]
    lines = sorted(f"{_labels(s.labels)} {NO_DATA if s.value is None else f'{s.value:.12g}'}".strip() for s in told)
    if len(told) < len(answer.samples):
        lines.append(f"and {len(answer.samples) - len(told)} series at 0")
    return lines if len(lines) <= LINES else [*lines[:LINES], f"… {len(lines) - LINES} more"]


def _buckets(answer: Answer) -> str:
    total = sum(s.value or 0 for s in answer.samples if s.labels["le"] == "+Inf")
    return f"{len(answer.samples)} buckets, {total:.0f} observations"


def _labels(labels: Mapping[str, str]) -> str:
    inner = ", ".join(f'{name}="{value}"' for name, value in sorted(labels.items()) if name != "__name__")
    return f"{{{inner}}}" if inner else ""
