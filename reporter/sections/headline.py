"""What a reader wants first: may the figures be used, and were the targets met."""

from collections.abc import Sequence

from contract.runfolder import Result, Target
from reporter.markdown import NO_DATA, NONE, NOT_RUN, bullets, figure, percent, table
from reporter.runs import Run
from reporter.stamp import Word, reservations, stamp, too_few, worst

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
}


def headline(runs: Sequence[Run], scenarios: Sequence[str]) -> list[str]:
    """The stamp of all runs together, a row per scenario of the report, and a row per target."""
    stamps = {run.info.id: stamp(run) for run in runs}
    overall = worst(stamps.values())
    blocks = [f"**{overall.word}.** {MEANINGS[overall.word]}"]
    reasons = [f"{run.info.scenario}: {reason}" for run in runs for reason in stamps[run.info.id].reasons]
    if reasons:
        blocks.append(bullets(reasons))
    by_scenario = {run.info.scenario: run for run in runs}
    known = [*scenarios, *(name for name in by_scenario if name not in scenarios)]
    rows = [_scenario_row(name, by_scenario.get(name)) for name in known]
    blocks.append(table(("Scenario", "Run", "Jobs", "Stamp", "Verdict"), rows, "llrll"))
    rows = [_target_row(run, run.result, target) for run in runs if run.result for target in run.result.targets]
    if rows:
        blocks.append(table(("Scenario", "Target", "Value", "Limit", "n", "Verdict", "Note"), rows, "llrrrll"))
    notes = [f"{run.info.scenario}: {note}" for run in runs for note in reservations(run)]
    if notes:
        blocks += ["Reservations:", bullets(notes)]
    return blocks


def _scenario_row(name: str, run: Run | None) -> tuple[str, ...]:
    if run is None:
        return name, NONE, NONE, NONE, NOT_RUN
    verdict = run.result.verdict if run.result else NO_DATA
    return name, run.info.id, str(len(run.measured)), stamp(run).word, verdict


def _target_row(run: Run, result: Result, target: Target) -> tuple[str, ...]:
    return (
        run.info.scenario,
        target_title(target),
        amount(target.value, target.unit),
        f"{target.op} {amount(target.limit, target.unit)}",
        NONE if target.n is None else str(target.n),
        judged(result, target),
        target.note or "",
    )


def target_title(target: Target) -> str:
    return TITLES.get(target.name, target.name)


def amount(value: float | None, unit: str) -> str:
    return percent(value) if unit == "ratio" else figure(value, unit)


def judged(result: Result, target: Target) -> str:
    """A target without data fails, and says that it had none."""
    if target.value is None:
        return f"FAIL: {NO_DATA}"
    word = "pass" if target.passed else "FAIL"
    return f"{word}, {Word.UNDER_SAMPLED}" if too_few(result, target) else word
