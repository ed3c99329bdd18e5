"""What a reader wants first: may the figures be used, and were the targets met."""

from collections.abc import Sequence

from contract.runfolder import Target
from reporter.markdown import NO_DATA, NONE, NOT_RUN, bullets, figure, megabytes, percent, table
from reporter.runs import Run
from reporter.stamp import MOST_NAMED, Stamp, Word, reservations, stamp, too_few, worst

MEANINGS = {
    Word.VALID: "The figures may be used.",
    Word.UNDER_SAMPLED: "The figures are right; there are too few of them for a target.",
    Word.INVALID: "The figures must not be used.",
}
TITLES = {
    "response_p95": "response time, P95",
    "success_rate": "success rate",
    "api_p95": "API latency, P95",
    "integrity": "integrity of assets",
    "parse_p95": "parse, P95",
    "llm_p95": "LLM, P95",
    "tts_p95": "speech, P95",
    "visual_p95": "pictures, P95",
    "assemble_p95": "assembly, P95",
    "restart_max": "kill to restart, max",
    "refusal_max": "503 after, max",
    "drain_time": "drain time",
    "loss_age": "age of losses, max",
    "crashes": "executions crashed",
    "quarantined": "jobs quarantined",
    "late_ends": "late ends refused",
    "call_recovery": "calls recovered",
    "job_recovery": "jobs recovered",
    "delivered_rate": "jobs delivered",
    "partial_jobs": "jobs partial",
    "retry_amplification": "calls made per call",
    "breaker_opened": "breaker openings",
    "breaker_closed": "breaker closings",
    "detect_time": "time to detect",
    "close_time": "time to close",
    "mttr": "time to recovery",
    "success_after": "success after repair",
    "cancel_max": "time to cancel, max",
    "cancelled_late_calls": "calls after cancelling",
    "cancel_leftovers": "files after cancelling",
    "cancels_ignored": "cancellations ignored",
    "cache_hit_rate": "cache hit rate",
    "leak": "growth over 20 jobs, upper bound",
    "memory_per_job": "memory per job in flight",
    "cpu_utilisation": "CPU utilisation",
    "collecting_cost": "cost of the collector",
}


def headline(runs: Sequence[Run], scenarios: Sequence[str]) -> list[str]:
    """The stamp of all runs together, a row per scenario of the report, and a row per target."""
    stamps = {run.info.id: stamp(run) for run in runs}
    overall = worst(stamps.values())
    blocks = [f"**{overall.word}.** {MEANINGS[overall.word]}"]
    reasons = [f"{run.info.scenario}: {reason}" for run in runs for reason in _reasons(stamps[run.info.id])]
    if reasons:
        blocks.append(bullets(reasons))
    by_scenario = {run.info.scenario: run for run in runs}
    known = [*scenarios, *(name for name in by_scenario if name not in scenarios)]
    rows = [_scenario_row(name, by_scenario.get(name)) for name in known]
    blocks.append(table(("Scenario", "Run", "Jobs", "Stamp", "Verdict"), rows, "llrll"))
    rows = [_target_row(run, target) for run in runs for target in _shown(run)]
    if rows:
        if any(run.rungs for run in runs):
            blocks.append("Of a target that several rungs share, the rung that is nearest to missing it:")
        blocks.append(table(("Run", "Target", "Value", "Limit", "n", "Verdict", "Note"), rows, "llrrrll"))
    notes = [f"{run.info.scenario}: {note}" for run in runs for note in reservations(run)]
    if notes:
        blocks += ["Reservations:", bullets(notes)]
    return blocks


def _reasons(found: Stamp) -> Sequence[str]:
    """All that make a run INVALID; of samples that are too few, the first."""
    more = len(found.reasons) - MOST_NAMED
    if found.word is Word.INVALID or more <= 0:
        return found.reasons
    return *found.reasons[:MOST_NAMED], f"and {more} more targets of its rungs likewise"


def _scenario_row(name: str, run: Run | None) -> tuple[str, ...]:
    if run is None:
        return name, NONE, NONE, NONE, NOT_RUN
    verdict = run.result.verdict if run.result else NO_DATA
    return name, run.info.id, str(len(run.measured)), stamp(run).word, verdict


def _shown(run: Run) -> list[Target]:
    """All targets; of one that several rungs share, the rung that did worst, and any other that missed it."""
    targets = run.result.targets if run.result else []
    alike: dict[tuple[str, str, float], list[Target]] = {}
    for target in targets:
        alike.setdefault((target.name, target.op, target.limit), []).append(target)
    shown = [min(several, key=_standing) for several in alike.values()]
    return [target for target in targets if target in shown or not target.passed]


def _standing(target: Target) -> tuple[bool, bool, float]:
    """Sorts the worst first: missed, too few samples, least room to the limit."""
    room = 0.0 if target.value is None else abs(target.value - target.limit)
    return target.passed, too_few(target) is None, room


def _target_row(run: Run, target: Target) -> tuple[str, ...]:
    return (
        f"{run.info.scenario}, {target.rung}" if target.rung else run.info.scenario,
        target_title(target),
        amount(target.value, target.unit),
        f"{target.op} {amount(target.limit, target.unit)}",
        NONE if target.n is None else str(target.n),
        judged(target),
        target.note or "",
    )


def target_title(target: Target) -> str:
    return TITLES.get(target.name, target.name)


def amount(value: float | None, unit: str) -> str:
    if unit == "bytes":
        return megabytes(value)
    return percent(value) if unit == "ratio" else figure(value, unit)


def judged(target: Target) -> str:
    """A target without data fails, and says that it had none."""
    if target.value is None:
        return f"FAIL: {NO_DATA}"
    word = "pass" if target.passed else "FAIL"
    return f"{word}, {Word.UNDER_SAMPLED}" if too_few(target) else word
