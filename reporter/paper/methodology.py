"""The paragraph on method of a paper, from what runs say of themselves. What none of them says is not in it."""

from collections.abc import Iterator, Sequence
from typing import Any

from contract.runfolder import RunInfo
from reporter.markdown import figure
from reporter.runs import Run
from reporter.sections.headline import MEANINGS
from reporter.sections.method import document_text, load_model, machine_text
from reporter.stamp import Word, stamp
from reporter.statistics import sample_floor

PROVIDERS = {"llm_latency": "the LLM", "tts_latency": "narration", "visual_latency": "pictures"}


def methodology(runs: Sequence[Run]) -> list[str]:
    """Sentences. Where runs differ, each value is named."""
    return [" ".join(sentence.split()) for sentence in _sentences(runs)]


def _sentences(runs: Sequence[Run]) -> Iterator[str]:
    infos = [run.info for run in runs]
    for word in (Word.INVALID, Word.UNDER_SAMPLED):
        if ids := [run.info.id for run in runs if stamp(run).word is word]:
            yield f"{word}: {', '.join(ids)}. {MEANINGS[word]}"
    yield (
        "A service on FastAPI, arq and Redis turned a document into narrated videos of five scenes: an LLM wrote a "
        "script, and per scene a narration and a picture were made and then put together."
    )
    yield f"The document was {_either(document_text(info.document) for info in infos)}."
    if any(info.foreign for info in infos):
        yield (
            "The service was somebody else's: how it was set up, on what it ran and what it had for providers is not "
            "known here, and what follows is of the machine that made the load."
        )
    else:
        yield _mocks(infos)
    yield from dict.fromkeys(map(_load, runs))
    yield f"The seed was {_either(str(info.seed) for info in infos)}."
    yield from _faults(runs)
    yield from _settings(runs)
    place = "The load was made on" if any(info.foreign for info in infos) else "Everything ran on"
    yield f"{place} one machine ({_either(machine_text(info.machine) for info in infos)})."
    yield f"Versions: {_either(_versions(info.versions) for info in infos)}."
    yield from _revision(runs)
    yield (
        f"Prometheus read every process each {_either(f'{info.scrape_interval:g} s' for info in infos)}; counts are "
        "growths of counters between two readings around the measured phase, and agree with the client's records, the "
        "ledger and the mocks, or the run is INVALID."
    )
    yield (
        "Response times run from the time a job was due to its client knowing its end, and are of jobs that were done. "
        f"Percentiles are nearest ranks, printed from n = {sample_floor(0.95)} (P95) and n = {sample_floor(0.99)} "
        "(P99) on; shares have exact binomial intervals (Clopper and Pearson)."
    )
    if len(runs) > 1:
        yield (
            "The sample of what is told over several runs is the run: intervals are Student's t over runs, or over "
            "pairs of runs of one seed (delete-one jackknife), and several figures are judged with Holm's correction."
        )


def _either(texts: Iterator[str]) -> str:
    return " or ".join(dict.fromkeys(texts))


def _mocks(infos: Sequence[RunInfo]) -> str:
    return (
        "The three AI providers were mocked by HTTP servers whose latencies are log-normal and planned by a keyed hash "
        "of seed, job and scene, so that runs of one seed meet the same ones"
        f"{_either(_latencies(info.workload) for info in infos)}; all else was real."
    )


def _latencies(workload: dict[str, Any]) -> str:
    told = [
        f"{1000 * profile['mean']:g} ± {1000 * profile['sd']:g} ms for {name}"
        for key, name in PROVIDERS.items()
        if isinstance(profile := workload.get(key), dict) and {"mean", "sd"} <= profile.keys()
    ]
    return f" (mean ± standard deviation: {', '.join(told)})" if told else ""


def _load(run: Run) -> str:
    jobs = f"{len(run.measured):,} jobs" if run.measured else "no jobs"
    return (
        f"Scenario {run.info.scenario} ({run.info.title.rstrip('.')}): {load_model(run)}; {jobs} were measured after "
        f"{run.info.warmup_jobs} of warm-up, which are in no figure."
    )


def _faults(runs: Sequence[Run]) -> Iterator[str]:
    for scenario in dict.fromkeys(run.info.scenario for run in runs):
        found = [run for run in runs if run.info.scenario == scenario]
        planned = dict.fromkeys(_fault(fault) for run in found for fault in run.info.provider_faults)
        met = dict.fromkeys(f"{fault.kind} of {fault.target}" for run in found for fault in run.faults)
        if planned or met:
            yield f"Faults in {scenario}: {', '.join([*planned, *met])}."


def _fault(fault: Any) -> str:  # noqa: ANN401 - a ProviderFault, of which all but its words is in run.json
    until = "to the end" if fault.duration is None else f"for {fault.duration:g} s"
    share = "" if fault.rate == 1 else f" of {100 * fault.rate:g} % of calls"
    return f"{fault.kind}{share} of {fault.provider} from {fault.at:g} s on {until}"


def _settings(runs: Sequence[Run]) -> Iterator[str]:
    changed = dict.fromkeys(
        f"{name} = {_value(run.info.workload.get(name))}" for run in runs for name in run.info.workload_changed
    )
    if changed:
        yield f"Settings unlike the default, in some of the runs at least: {', '.join(changed)}."


def _value(value: Any) -> str:  # noqa: ANN401 - JSON
    if isinstance(value, dict):
        return ", ".join(f"{name} {_value(inner)}" for name, inner in value.items())
    return figure(value) if isinstance(value, int | float) and not isinstance(value, bool) else str(value)


def _versions(versions: dict[str, str | None]) -> str:
    return ", ".join(f"{name} {version}" for name, version in versions.items() if version)


def _revision(runs: Sequence[Run]) -> Iterator[str]:
    known = [run.info.git_revision[:12] for run in runs if run.info.git_revision]
    if known:
        dirty = " with changes that no revision holds" if any(run.info.git_dirty for run in runs) else ""
        yield f"The code was at revision {_either(iter(known))}{dirty}."
