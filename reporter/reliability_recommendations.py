"""What the figures of a reliability report suggest doing. Each sentence holds the figure that it was derived from."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping

from contract.calls import Provider
from contract.jobs import Outcome
from reporter.breakers import first_provider_fault, time_to_close, time_to_open
from reporter.courses import courses
from reporter.fault_windows import FaultWindow
from reporter.indicators import indicators
from reporter.markdown import figure, percent, seconds
from reporter.recommendations import missed, samples
from reporter.recovery import STREAK, arrival_gap
from reporter.runs import Run
from reporter.stamp import usable

ENOUGH = 0.99
"""Share of failed calls that recovered, from which on there is nothing to advise."""
LONG = 5.0
"""Seconds: a breaker that takes longer to open or to close is worth a look."""
FEW = 0.001
"""Share of calls that may be given up."""
MUCH = 1.5
"""Calls made per call wanted, from which on retries are a load of their own."""

RULES = (
    f"Rules: fewer than {percent(ENOUGH, 0)} of the failed calls recovered; {figure(MUCH)} calls or more made for each "
    f"one wanted; a breaker that takes over {figure(LONG)} s to open or to close, that opens when jobs have failed "
    "already, or that never saw an outage; no recovery after a fault; a lost job; an asset that is not as its manifest "
    "says; calls or files after a cancellation; a missed target; a sample too small for its target."
)


def recommendations(runs: Mapping[str, Run]) -> tuple[list[str], list[str]]:
    """The sentences, and the scenarios that were left out because their run is INVALID."""
    good = {scenario: run for scenario, run in runs.items() if usable(run)}
    found: list[str] = []
    for run in good.values():
        found += [*_calls(run), *_amplified(run), *_breaker(run), *_no_recovery(run)]
        found += [*_lost(run), *_unsound(run), *_cancelled(run), *missed(run), *samples(run)]
    return found, [scenario for scenario in runs if scenario not in good]


def _calls(run: Run) -> Iterator[str]:
    for provider in Provider:
        found = [course for course in courses(run.measured) if course.provider is provider]
        failed = [course for course in found if course.failures]
        ended_well = sum(course.recovered for course in failed)
        if not failed or ended_well >= ENOUGH * len(failed):
            continue
        reason, n = Counter(result for course in failed for result in course.failures).most_common(1)[0]
        yield (
            f"{len(failed) - ended_well} of {len(failed)} {provider.upper()} calls that failed in "
            f"`{run.info.scenario}` did not recover; most attempts failed by `{reason}` ({n}). "
            f"{_attempts(run, provider)}"
        )


def _attempts(run: Run, provider: Provider) -> str:
    """What more attempts would bring, at the share of attempts that failed, where each is decided anew."""
    faults = [fault for fault in run.info.provider_faults if fault.provider is provider]
    most = run.info.workload.get("call_attempts")
    if not isinstance(most, int) or any(fault.persistent or fault.rate == 1 for fault in faults):
        return "More attempts do not help where all of a call's attempts fail: wait longer between them, or do without."
    found = [course for course in courses(run.measured) if course.provider is provider]
    failing = sum(len(course.failures) for course in found) / sum(len(course.attempts) for course in found)
    needed = math.ceil(math.log(FEW) / math.log(failing)) if failing < 1 else None
    enough = "" if needed is None or needed <= most else f"; {needed} would make it less than {percent(FEW)}"
    return (
        f"{percent(failing)} of all attempts failed, so {most} attempts should leave {percent(failing**most, 2)} of "
        f"the calls without an answer{enough}."
    )


def _amplified(run: Run) -> Iterator[str]:
    found = indicators(run)["retry_amplification"]
    if found.value is not None and found.value >= MUCH:
        yield (
            f"{found.value:.2f} calls were made for each one wanted in `{run.info.scenario}` ({found.note}): a "
            "provider in trouble gets that much more to do. Lower the attempts, or let the breaker open earlier."
        )


def _breaker(run: Run) -> Iterator[str]:
    fault = first_provider_fault(run)
    if fault is None:
        return
    opened, closed = time_to_open(run, fault), time_to_close(run, fault)
    terms = run.info.workload.get("breaker")
    known = terms if isinstance(terms, dict) else {}
    if opened.value is not None and (failed := failed_before(run, fault, opened.value)) | (opened.value > LONG):
        yield (
            f"The breaker opened {seconds(opened.value)} after the start of {fault.what} in `{run.info.scenario}`, and "
            f"{failed} of the jobs that were due until then failed: lower its volume ({_term(known, 'volume')} calls) "
            f"or its ratio ({_term(known, 'ratio')}), or spread the attempts of a call over a longer time."
        )
    if closed.value is not None and closed.value > LONG:
        yield (
            f"The breaker was closed {seconds(closed.value)} after the end of {fault.what} in `{run.info.scenario}`: "
            f"probe more often than every {_term(known, 'probe_every')} s, or ask for fewer good probes than "
            f"{_term(known, 'probes')}."
        )
    if opened.n == 0 and fault.what.endswith("outage"):
        yield (
            f"No breaker opened in `{run.info.scenario}` although {fault.what} met "
            f"{sum(call.provider is fault.provider for call in run.faulted_calls)} calls: lower its volume "
            f"({_term(known, 'volume')} calls) to what comes within its window ({_term(known, 'window')} s)."
        )


def failed_before(run: Run, fault: FaultWindow, opened: float) -> int:
    """Jobs due between the start of a fault and `opened` seconds later that failed."""
    due = [job for job in run.measured if fault.start <= job.due <= fault.start + opened]
    return sum(job.outcome is Outcome.FAILED for job in due)


def _term(terms: Mapping[str, object], name: str) -> str:
    value = terms.get(name)
    return figure(value) if isinstance(value, int | float) else "?"


def _no_recovery(run: Run) -> Iterator[str]:
    found, gap = indicators(run)["mttr"], arrival_gap(run)
    if found.value is None and (found.n or 0) >= STREAK:
        every = f"; one was due every {gap:.2f} s" if gap else ""
        yield f"`{run.info.scenario}` shows no recovery: {found.note}{every}. Load it for longer, or find out why."


def _lost(run: Run) -> Iterator[str]:
    if run.result is not None and run.result.counts.lost:
        yield (
            f"{run.result.counts.lost} jobs of `{run.info.scenario}` were acknowledged and are lost: with "
            "`queue_fsync=always` nothing that was acknowledged is."
        )


def _unsound(run: Run) -> Iterator[str]:
    if run.result is not None and run.result.integrity.losses:
        found = run.result.integrity
        yield (
            f"{found.named - found.sound} of {found.named} assets and {found.jobs - found.sound_videos} of "
            f"{found.jobs} videos of `{run.info.scenario}` are not as they must be; the first: {found.losses[0]}."
        )


def _cancelled(run: Run) -> Iterator[str]:
    for name, what in (("cancelled_late_calls", "provider calls began"), ("cancel_leftovers", "files were left")):
        found = indicators(run)[name]
        if found.value:
            yield (
                f"{found.value:.0f} {what} after {found.n} jobs of `{run.info.scenario}` had been cancelled: what "
                "nobody wants any more still costs."
            )
