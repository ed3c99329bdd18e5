"""Whether the faults that were meant are the faults that happened."""

from collections import Counter
from collections.abc import Mapping

from contract.provider_faults import FaultKind, ProviderFault
from reporter.faulted import standings
from reporter.markdown import NO_DATA, NONE, NOT_RUN, figure, percent, table, whole
from reporter.runs import Run
from reporter.sections.counts import closed

BOOKS = ("faults", "calls")
"""How the lines of the books that are about provider calls begin."""


def fault_ledger(runs: Mapping[str, Run]) -> list[str]:
    """The plan of each run and what became of it: of providers, then of processes."""
    blocks = []
    for run in runs.values():
        if run.info.provider_faults:
            blocks += [f"### {run.info.scenario}: faults of providers", *_plan(run), *_books(run)]
    disturbed = [run for run in runs.values() if run.faults]
    if disturbed:
        blocks += ["### Faults of processes", *_processes(disturbed)]
    if not blocks:
        return [f"Runs with faults: {NOT_RUN}."]
    return [
        (
            "A mock decides a fault by the key of the call and writes it down before it answers. A fault that was "
            "decided and neither answered nor explained (its job was cancelled, or the execution that made the call "
            "did not end the job) makes a run INVALID."
        ),
        *blocks,
    ]


def _plan(run: Run) -> list[str]:
    met = Counter(call.number for call in run.faulted_calls)
    rows = [
        (
            str(number),
            fault.provider.upper(),
            fault.kind.replace("_", " "),
            percent(fault.rate, 0),
            f"{fault.at:g} s",
            "to the end" if fault.duration is None else f"{fault.duration:g} s",
            _besides(fault),
            str(met[number]),
        )
        for number, fault in enumerate(run.info.provider_faults)
    ]
    headers = ("Fault", "Provider", "Kind", "Rate", "From", "For", "Besides", "Calls that met it")
    return [table(headers, rows, "rllrrrlr")]


def _besides(fault: ProviderFault) -> str:
    """What more there is to say of it, in words."""
    said = ["all attempts of a scene or none"] if fault.persistent else []
    if fault.scenes:
        said.append(f"scenes {', '.join(map(str, fault.scenes))} only")
    if fault.kind is FaultKind.ERROR:
        said.append(f"status {fault.status}")
    if fault.kind is FaultKind.RATE_LIMIT:
        said.append(f"Retry-After {figure(fault.retry_after)} s")
    if fault.kind is FaultKind.LATENCY:
        said.append(f"× {figure(fault.factor)}")
    return ", ".join(said) or NONE


def _books(run: Run) -> list[str]:
    """As the verdict closed them, else by our own count."""
    entries = [entry for entry in run.result.books if entry.name.startswith(BOOKS)] if run.result else []
    return closed(entries) or _own(run)


def _own(run: Run) -> list[str]:
    rows = [
        (
            f"{one.provider} {one.kind}".replace("_", " "),
            *map(whole, (one.decided, one.answered, one.seen, one.gone, one.counted)),
            NO_DATA if one.counted is None else "yes" if one.balanced else "NO",
        )
        for one in standings(run)
    ]
    if not rows:
        return ["No call met a fault."]
    headers = ("Fault", "Decided", "Answered", "Seen by the workers", "Explained", "By PromQL", "Balance")
    return [table(headers, rows, "lrrrrrl")]


def _processes(runs: list[Run]) -> list[str]:
    rows = []
    for run in runs:
        kinds: dict[tuple[str, str], list[float | None]] = {}
        for fault in run.faults:
            length = None if fault.end is None else fault.end - fault.start
            kinds.setdefault((fault.target, fault.kind), []).append(length)
        for (target, kind), lengths in kinds.items():
            known = [length for length in lengths if length is not None]
            longest = f"{max(known):.3f} s" if known and len(known) == len(lengths) else NO_DATA
            rows.append((run.name, target, kind, str(len(lengths)), longest))
    return [table(("Run", "Process", "Fault", "Times", "Longest until it was up again"), rows, "lllrr")]
