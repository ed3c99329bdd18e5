"""Jobs of which some scenes could not be had: what was delivered all the same."""

from collections import Counter
from collections.abc import Mapping

from contract.calls import CallResult, Provider
from contract.jobs import Outcome
from contract.manifest import AssetKind
from contract.runfolder import JobRecord
from reporter.courses import courses_of
from reporter.indicators import indicators
from reporter.markdown import NO_DATA, NOT_RUN, bullets, percent, table
from reporter.recovery import DELIVERED
from reporter.runs import Run
from reporter.sections.reliability.normal import failures

SCENARIO = "partial-failures"
ASSETS = {AssetKind.NARRATION: Provider.TTS, AssetKind.VISUAL: Provider.VISUAL}


def partial_failures(runs: Mapping[str, Run]) -> list[str]:
    """The scenario that is about it, and each other run that had partial jobs."""
    blocks = [] if SCENARIO in runs else [f"Scenario `{SCENARIO}`: {NOT_RUN}."]
    shown = [run for name, run in runs.items() if name == SCENARIO or run.outcomes()[Outcome.PARTIAL]]
    for run in shown:
        blocks += _of(run)
    return blocks


def _of(run: Run) -> list[str]:
    found = indicators(run)["delivered_rate"]
    ends = run.outcomes()
    blocks = [
        f"### {run.info.scenario}",
        (
            f"{percent(found.value)} of {found.n} jobs were delivered ({found.note or NO_DATA}): "
            f"{ends[Outcome.COMPLETED]} whole and {ends[Outcome.PARTIAL]} with something in place of what could not be "
            f"had. {ends[Outcome.FAILED]} failed; a job does when more than half of its scenes do."
        ),
        table(("Failed scenes of a delivered job", "Jobs"), _histogram(run), "rr"),
        "Replaced in delivered jobs, by whose last attempt did not end well:",
        table(("Asset", "Scenes"), [(kind.value, _told(replaced(run)[kind])) for kind in ASSETS], "lr"),
    ]
    why = failures(run)
    return [*blocks, "Why jobs failed:", bullets(why)] if why else blocks


def _histogram(run: Run) -> list[tuple[str, str]]:
    counts = Counter(len(job.failed_scenes) for job in run.measured if job.outcome in DELIVERED)
    return [(str(n), str(counts[n])) for n in range(max(counts, default=0) + 1)]


def replaced(run: Run) -> dict[AssetKind, int | None]:
    """In how many failed scenes of delivered jobs a placeholder stands for it; None where one of them is unknown."""
    jobs = [job for job in run.measured if job.outcome is Outcome.PARTIAL]
    if any(job.timings is None for job in jobs):
        return dict.fromkeys(ASSETS)
    return {kind: sum(_missing(job, provider) for job in jobs) for kind, provider in ASSETS.items()}


def _missing(job: JobRecord, provider: Provider) -> int:
    """Failed scenes for which this provider gave nothing; one that a breaker refused throughout left no call."""
    had = {
        course.scene
        for course in courses_of(job)
        if course.provider is provider and course.attempts[-1].result in (CallResult.OK, None)
    }
    return sum(scene not in had for scene in job.failed_scenes)


def _told(count: int | None) -> str:
    return NO_DATA if count is None else str(count)
