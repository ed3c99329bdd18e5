"""How many jobs and calls there were, according to whom, and the success rate that follows."""

from collections.abc import Mapping, Sequence

from contract.calls import Provider
from contract.jobs import Outcome
from contract.runfolder import Entry
from reporter.books import client_counts, ledger_counts, worker_counts
from reporter.markdown import NO_DATA, NONE, percent, table, whole
from reporter.runs import Run
from reporter.stamp import success_interval, successes_of

SEVEN = ("attempted", "acknowledged", "completed", "lost", "unexpected", "duplicated", "recovered")
"""Of Jepsen's total-queue checker."""


def seven_counts(runs: Sequence[Run]) -> list[str]:
    """A row per run and rung, as it was reconciled, with the jobs that ended otherwise beside the seven counts."""
    names = (*SEVEN, "partial", "failed", "cancelled")
    rows = [
        (part.name, *(NO_DATA if part.result is None else whole(getattr(part.result.counts, name)) for name in names))
        for part in (part for one in runs for part in one.parts)
    ]
    return [
        (
            "As Jepsen's total-queue checker counts, on job ids: *lost* was acknowledged and is in no final state; "
            "*unexpected* is in the ledger and nobody of the run asked for it; *duplicated* are executions beyond the "
            "first of their job; *recovered* was never acknowledged to its client and ended all the same."
        ),
        table(("Run", *(name.capitalize() for name in names)), rows, f"l{'r' * len(names)}"),
    ]


def success_rate(runs: Sequence[Run]) -> list[str]:
    """A row per run and rung; a run without jobs has none."""
    rows = []
    for run in (part for one in runs for part in one.parts):
        interval = success_interval(run)
        if interval is not None:
            successes, attempted = successes_of(run)
            low, high = interval
            share = f"{percent(low)} to {percent(high)}"
            rows.append((run.name, str(attempted), str(successes), percent(successes / attempted), share))
    if not rows:
        return [f"Success rate: {NO_DATA}: no job was attempted."]
    headers = ("Run", "Attempted", "Completed", "Success rate", "Exact 95 % interval")
    return [
        "Jobs completed without a failed scene, of those attempted; the interval is Clopper and Pearson's.",
        table(headers, rows, "lrrrr"),
    ]


def balances(runs: Sequence[Run]) -> list[str]:
    """How many lines of the books balance, run by run and rung by rung."""
    rows = [
        (
            run.name,
            *(str(count) for count in (len(run.result.books), sum(entry.passed for entry in run.result.books))),
            whole(run.result.counts.lost + run.result.counts.unexpected + run.result.counts.duplicated),
            f"{run.result.integrity.sound:,} of {run.result.integrity.named:,}",
        )
        for run in (part for one in runs for part in one.parts)
        if run.result is not None
    ]
    headers = ("Run", "Lines of the books", "Balance", "Lost, unexpected or duplicated jobs", "Sound assets")
    return [table(headers, rows, "lrrrr")] if rows else []


def of_run(run: Run) -> list[str]:
    """One run in detail: its jobs, its books, its calls."""
    return [f"In detail, `{run.name}`:", *_counts(run), *_books(run), *_provider_calls(run)]


def _counts(run: Run) -> list[str]:
    if run.result is None:
        return [f"Counts of the run: {NO_DATA}."]
    rows = [(name, whole(count)) for name, count in run.result.counts.model_dump().items()]
    return [table(("Jobs", "n"), rows, "lr")]


def _books(run: Run) -> list[str]:
    """The books as the verdict closed them, and the counts that Prometheus tells of each party."""
    blocks = [] if run.result is None else closed(run.result.books)
    client, ledger, worker = client_counts(run.answers), ledger_counts(run.answers), worker_counts(run.answers)
    records = run.outcomes()
    rows = [
        (outcome.value, str(records[outcome]), *(_of(party, outcome) for party in (client, ledger, worker)))
        for outcome in Outcome
    ]
    rows.append(("submitted", str(len(run.measured)), _of(client, "arrivals"), _of(ledger, "submitted"), NONE))
    rows.append(("executions started", NONE, NONE, _of(ledger, "executions"), NONE))
    rows.append(("crashes", NONE, NONE, _of(ledger, "crashes"), NONE))
    rows.append(("handed back", NONE, NONE, _of(ledger, "handed_back"), _of(worker, "handed_back")))
    rows.append(("end unseen by the client", str(records[None]), NONE, NONE, NONE))
    headers = ("Jobs", "Records", "Load generator", "Ledger", "Workers")
    return [*blocks, "Growth of the counters within the window, beside the records:", table(headers, rows, "lrrrr")]


def closed(entries: Sequence[Entry]) -> list[str]:
    """Lines of the books with a column per party; none where there is no line."""
    parties = list(dict.fromkeys(party for entry in entries for party in entry.parties))
    rows = [
        (
            entry.name,
            *(whole(entry.parties[party]) if party in entry.parties else NONE for party in parties),
            "yes" if entry.passed else "NO",
        )
        for entry in entries
    ]
    if not rows:
        return []
    headers = ("Entry", *(party.replace("_", " ") for party in parties), "Balance")
    return [
        "The books: the same count by each party that keeps one.",
        table(headers, rows, f"l{'r' * len(parties)}l"),
    ]


def _of(counts: Mapping[str, int] | None, name: str) -> str:
    return NO_DATA if counts is None else whole(counts.get(name))


def _provider_calls(run: Run) -> list[str]:
    """Calls and body bytes, by the workers and by the mocks."""
    rows = []
    for provider in Provider:
        results = run.answers.samples("call.results", provider=provider)
        other = sum(s.value or 0 for s in results if s.labels.get("result") != "ok")
        answered = [s.value for s in run.answers.samples("mock.calls", provider=provider) if s.value is not None]
        rows.append(
            (
                provider.upper(),
                whole(run.answers.value("call.results", provider=provider, result="ok")),
                whole(other) if results else NO_DATA,
                whole(sum(answered)) if answered else NO_DATA,
                *(whole(run.answers.value("call.bytes", provider=provider, direction=d)) for d in ("sent", "received")),
            )
        )
    headers = ("Provider", "Calls ended well", "Otherwise", "Answered by the mock", "Bytes sent", "Bytes received")
    return [table(headers, rows, "lrrrrr")]
