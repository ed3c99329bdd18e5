"""How the figures came about: enough to judge them and to repeat the run."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from contract.jobs import DocumentInfo
from contract.runfolder import RunInfo
from reporter.markdown import NO_DATA, NONE, bullets, figure, percent, seconds, table, whole
from reporter.runs import Run
from reporter.statistics import sample_floor

DEFINITIONS = (
    (
        "The three AI providers (LLM, speech, pictures) are mocked by HTTP servers with planned latencies. "
        "Everything else is real. The figures say nothing about a real provider."
    ),
    (
        "*Response time*: from the time a job was due to the client holding its terminal state, of the jobs that were "
        "done; failed ones are in the success rate."
    ),
    (
        "*Critical path*: planned LLM + the slowest scene's max(TTS, visual) planned + measured CPU of parse and "
        "assemble. *Overhead*: response time − critical path."
    ),
    "*Success rate*: jobs completed without a failed scene / jobs attempted, with the exact binomial interval.",
    (
        f"*Percentiles* are nearest ranks (Hyndman and Fan 1996, definition 1), printed from n = {sample_floor(0.95)} "
        f"(P95) and n = {sample_floor(0.99)} (P99) on: from there the maximum bounds them with 95 % confidence. "
        "Below, the maximum is shown and said to be one."
    ),
    "*Min, max, stddev* (n − 1) and exact percentiles come from the record of each job; a histogram cannot tell them.",
    "*Counts* are growths of counters between two settled readings, from raw samples; nothing is extrapolated.",
    "Warm-up is a phase of its own and leaves no trace in any figure.",
)


def definitions() -> list[str]:
    return [bullets(DEFINITIONS)]


def method(runs: Sequence[Run]) -> list[str]:
    """What is particular to each run; the workload once for all that share it."""
    blocks: list[str] = []
    known: list[Mapping[str, Any]] = []
    for run in runs:
        blocks += _method(run)
        if run.info.workload and run.info.workload not in known:
            known.append(run.info.workload)
            settings = [(name, _setting(value)) for name, value in run.info.workload.items()]
            blocks.append(table(("Workload in force", "Value"), settings, "ll"))
    return blocks


def _method(run: Run) -> list[str]:
    info = run.info
    dirty = {True: " with uncommitted changes", False: "", None: ""}[info.git_dirty]
    skew = NO_DATA if info.clock_skew is None else f"{info.clock_skew * 1000:+.1f} ms"
    rows = [
        ("scenario", f"{info.scenario}: {info.title}"),
        ("load model", load_model(run)),
        ("load generators", _generators(run)),
        ("seed", str(info.seed)),
        ("jobs", f"{len(run.measured)} measured after {info.warmup_jobs} of warm-up"),
        ("started, ended", f"{_moment(info.started)}, {_moment(info.ended)}"),
        ("window", "one per rung, below" if run.rungs else _window(run)),
        ("document", document_text(info.document)),
        ("machine", machine_text(info.machine)),
        ("versions", ", ".join(f"{name} {version or NO_DATA}" for name, version in info.versions.items()) or NO_DATA),
        ("git revision", f"{info.git_revision}{dirty}" if info.git_revision else NO_DATA),
        ("Prometheus", f"scrapes every {info.scrape_interval:g} s; its clock minus ours: {skew}"),
        ("workload", _workload(info)),
    ]
    blocks = [table(("Run", info.id), rows, "ll")]
    blocks += [spans] if (spans := _spans(run)) else []
    return blocks


def load_model(run: Run) -> str:
    info = run.info
    if run.rungs:
        return f"{len(run.rungs)} rungs, each after a warm-up of its own: {', '.join(r.load_text for r in run.rungs)}"
    if info.load_model == "closed":
        return f"closed loop, {run.load_text}: who has a job out waits for its end before asking for the next"
    if info.rate is not None:
        return f"open loop, {run.load_text}, {info.load_model} arrivals: jobs come whether or not others have ended"
    return info.load_model


def _generators(run: Run) -> str:
    """How many processes made the load, and the most that one of them used of a core."""
    number = "1 process" if run.info.generators == 1 else f"{run.info.generators} processes, their records merged"
    used = [share for part in run.parts for share in part.info.generators_busy.values()]
    return f"{number}, of which the busiest used {percent(max(used), 0)} of a core" if used else number


def _spans(run: Run) -> str:
    """The phases of a run, or the windows of its rungs."""
    if run.rungs:
        windows = [
            (rung.info.rung or "", rung.load_text, str(len(rung.measured)), str(rung.info.warmup_jobs), _window(rung))
            for rung in run.rungs
        ]
        return table(("Rung", "Load", "Jobs", "Warm-up", "Window"), windows, "llrrl")
    phases = [(p.name, _moment(p.start), _length(p.start, p.end)) for p in run.info.phases]
    return table(("Phase", "Start", "Length"), phases, "llr") if phases else ""


def _workload(info: RunInfo) -> str:
    return f"differs from the default in {', '.join(info.workload_changed)}" if info.workload_changed else "the default"


def _moment(when: float | None) -> str:
    if when is None:
        return NO_DATA
    return datetime.fromtimestamp(when, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _length(start: float, end: float | None) -> str:
    return NO_DATA if end is None else seconds(end - start)


def _window(run: Run) -> str:
    window = run.info.window
    if window is None:
        return NO_DATA
    readings = [s.value for s in run.answers.samples("meta.scrapes") if s.value]
    text = f"{window.start:.3f} to {window.end:.3f} (Unix time), {window.end - window.start:.1f} s"
    return f"{text}, at least {min(readings):.0f} readings of each process" if readings else text


def document_text(document: DocumentInfo) -> str:
    return f"{document.name}, {whole(document.bytes)} bytes, SHA-256 {document.sha256[:16]}…"


def machine_text(machine: Mapping[str, Any]) -> str:
    memory = machine.get("memory_bytes")
    parts = {
        "cpu_model": machine.get("cpu_model"),
        "cores": f"{machine['cores']} cores" if machine.get("cores") else None,
        "memory": f"{memory / 2**30:.1f} GiB" if memory else None,
        "system": machine.get("system"),
        "kernel": machine.get("kernel"),
    }
    return ", ".join(str(part) for part in parts.values() if part) or NO_DATA


def _setting(value: Any) -> str:  # noqa: ANN401 - JSON
    if isinstance(value, dict):
        return ", ".join(f"{name} {_setting(inner)}" for name, inner in value.items())
    if value is None or value == []:
        return NONE
    if isinstance(value, list):
        return ", ".join(map(_setting, value))
    return figure(value) if isinstance(value, int | float) and not isinstance(value, bool) else str(value)
