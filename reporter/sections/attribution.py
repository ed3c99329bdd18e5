"""Where the time of each job went along its critical path, faults, queues and retries included."""

import math
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import partial
from statistics import fmean

from reporter.attribution import TITLES, Attribution, attributions, capacity
from reporter.fault_windows import met_faults
from reporter.markdown import NO_DATA, NOT_RUN, millis, percent, table
from reporter.runs import Run
from reporter.statistics import supported_percentile

DEFINITIONS = (
    "What was lived, not planned, of the jobs that were done, whole or in part: from due to the claim, through each "
    "stage, to the client. Of the script and of the scenes counts the one chain of lookup, attempts and waits that "
    "ended last. Shares sum to the response time."
)
SLOWEST = Fraction(1, 20)


def attribution_of(run: Run, picture: str | None) -> list[str]:
    """Of one run in detail. `picture` is where the figure is, as seen from the report."""
    return ["### What jobs waited for", DEFINITIONS, *_of_run(run, picture)]


def attribution_by_run(runs: Mapping[str, Run], pictures: Mapping[str, str]) -> list[str]:
    """A table per run that met faults."""
    shown = [run for run in runs.values() if met_faults(run)]
    if not shown:
        return [f"Runs with faults: {NOT_RUN}."]
    blocks = [DEFINITIONS]
    for run in shown:
        blocks += [f"### {run.info.scenario}: what jobs waited for"]
        blocks += _of_run(run, pictures.get(waterfall_name(run.info.scenario)))
    return blocks


def waterfall_name(scenario: str) -> str:
    return f"waterfall {scenario}"


def _of_run(run: Run, picture: str | None) -> list[str]:
    found = attributions(run)
    if not found:
        return [f"{NO_DATA.capitalize()}: of no job that was done all moments and stages are known."]
    slowest = sorted(found, key=lambda job: job.response)[-math.ceil(SLOWEST * len(found)) :]
    shown = [name for name in TITLES if any(job.parts[name] for job in found)]
    rows = [_row(TITLES[name], partial(_part, name), found, slowest) for name in shown]
    rows.append(_row("**response time**", lambda job: job.response, found, slowest))
    headers = ("Part", "Mean", "Share", "P50", "P95", f"Mean, slowest {len(slowest)}")
    return [*_notes(run, found), table(headers, rows, "lrrrrr"), *_without(shown), *_figure(run, picture)]


def _part(name: str, job: Attribution) -> float:
    return job.parts[name]


def _row(
    title: str, part: Callable[[Attribution], float], found: Sequence[Attribution], slowest: Sequence[Attribution]
) -> tuple[str, ...]:
    spent = [part(job) for job in found]
    share = math.fsum(spent) / math.fsum(job.response for job in found)
    percentiles = [supported_percentile(spent, q) for q in (0.5, 0.95)]
    shown = [millis(p.value) if p and p.supported else "n too small" for p in percentiles]
    return title, millis(fmean(spent)), percent(share), *shown, millis(fmean(part(job) for job in slowest))


def _notes(run: Run, found: Sequence[Attribution]) -> list[str]:
    text = f"From `{run.name}`: {len(found)} of {len(run.measured)} measured jobs."
    slots = {capacity(part) for part in run.parts}
    if None in slots:
        text += " How many slots the target has is unknown: waiting for one is part of the queue."
    spoilt = sum(job.contradictory for job in found)
    if spoilt:
        text += (
            f" **The records of {spoilt} jobs contradict themselves: what happened within a stage, or in all stages, "
            "took longer than that did. Do not trust this table.**"
        )
    return [text]


def _without(shown: Sequence[str]) -> list[str]:
    left_out = [title.partition(":")[0] for name, title in TITLES.items() if name not in shown]
    return [f"No job spent time on: {'; '.join(left_out)}."] * bool(left_out)


def _figure(run: Run, picture: str | None) -> list[str]:
    return [f"![The median and the P95 job of {run.info.scenario}, step by step]({picture})"] * bool(picture)
