"""How many jobs and calls there were, according to whom, and the success rate that follows."""

from collections.abc import Mapping, Sequence

from contract.calls import Provider
from contract.jobs import Outcome
from contract.runfolder import Entry
from reporter.books import client_counts, ledger_counts, worker_counts
from reporter.markdown import NO_DATA, NONE, percent, table, whole
from reporter.runs import Run
from reporter.stamp import success_interval, successes_of


def success_rate(run: Run) -> list[str]:
    successes, attempted = successes_of(run)
    interval = success_interval(run)
    if interval is None:
        return [f"Success rate: {NO_DATA}: no job was attempted."]
    low, high = interval
    return [
        (
            f"**{percent(successes / attempted)}**: {successes} of {attempted} jobs completed without a failed scene. "
            f"Exact 95 % interval: {percent(low)} to {percent(high)} (Clopper and Pearson)."
        )
    ]


def counts(run: Run) -> list[str]:
    if run.result is None:
        return [f"Counts of the run: {NO_DATA}."]
    rows = [(name, whole(count)) for name, count in run.result.counts.model_dump().items()]
    return [table(("Jobs", "n"), rows, "lr")]


def books(run: Run) -> list[str]:
    """The books as the verdict closed them, and the counts that Prometheus tells of each party."""
    blocks = [] if run.result is None else _closed(run.result.books)
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


def _closed(entries: Sequence[Entry]) -> list[str]:
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


def provider_calls(run: Run) -> list[str]:
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
