"""Success where nothing is broken, and, for comparison, everywhere else."""

from collections import Counter
from collections.abc import Mapping

from contract.jobs import Outcome
from reporter.markdown import NO_DATA, NOT_RUN, bullets, percent, table
from reporter.runs import Run
from reporter.sections.counts import success_rate
from reporter.stamp import success_interval, successes_of


def normal(runs: Mapping[str, Run]) -> list[str]:
    return [*_of("normal", runs.get("normal")), "### Beside all other runs", *success_rate(list(runs.values()))]


def _of(scenario: str, run: Run | None) -> list[str]:
    if run is None:
        return [f"Scenario `{scenario}`: {NOT_RUN}."]
    interval = success_interval(run)
    if interval is None:
        return [f"Scenario `{scenario}`: {NO_DATA}: no job was attempted."]
    successes, attempted = successes_of(run)
    low, high = interval
    blocks = [
        (
            f"**{percent(successes / attempted)}** of {attempted} jobs were completed without a failed scene; the "
            f"exact 95 % interval of that share is {percent(low)} to {percent(high)}."
        ),
        table(("How jobs ended", "n"), outcome_rows(run), "lr"),
    ]
    found = failures(run)
    return [*blocks, "Why jobs failed:", bullets(found)] if found else blocks


def outcome_rows(run: Run) -> list[tuple[str, str]]:
    ends = run.outcomes()
    return [
        *((outcome.value, str(ends[outcome])) for outcome in Outcome),
        ("end unseen by the client", str(ends[None])),
    ]


def failures(run: Run) -> list[str]:
    """A line per kind of error, with the message of the first."""
    first: dict[str, str] = {}
    kinds: Counter[str] = Counter()
    for job in run.measured:
        if job.error is not None:
            kinds[job.error.code] += 1
            first.setdefault(job.error.code, job.error.message)
    return [f"{n} × {kind}: {first[kind]}" for kind, n in kinds.most_common()]
