"""The resources report: one Markdown file and its figures, from the folders of runs, without Prometheus."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from contract.errors import UsageError
from contract.suites import RESOURCES
from reporter import cache_recommendations, spending_recommendations
from reporter.caching import SCENARIO as CACHE
from reporter.indicators import indicators
from reporter.markdown import NO_DATA, NOT_RUN, document, fenced
from reporter.memory import footprint, marginal
from reporter.newest import in_order
from reporter.pricing import Prices, load_prices, price_file
from reporter.queries import LATENCIES
from reporter.resource_pictures import ALONG, draw
from reporter.runs import Run
from reporter.sections import appendix, counts, headline, method
from reporter.sections.recommendations import recommendations as advice
from reporter.sections.resources import cache, cost, cpu, memory, network, pooling
from reporter.stamp import unquotable, usable

SCENARIOS = RESOURCES
"""What the report is about; others that are given get their rows, their bill and their method too."""

PREAMBLE = (
    "A document goes in, a narrated video comes out. This report says what that takes: memory and CPU time, bytes and "
    "connections to the providers, what a cache saves of them, and what it all costs, with the method behind each "
    "figure. A figure nobody measured is “no data”; a scenario nobody ran is “not run”."
)


def write_resources_report(runs: Sequence[Path], out: Path) -> Path:
    """Writes the report to `out` and its figures to `figures/` beside it; of two runs of a scenario the newest counts.

    Prices are those of REELBENCH_PRICES, else the example's. Raises UsageError where a folder is not a run's, or the
    price table is none. Returns `out`.
    """
    if not runs:
        raise UsageError("A resources report needs at least one run: make scenario NAME=job-profile")
    prices = load_prices(price_file())
    chosen = in_order([Run.load(folder) for folder in runs], SCENARIOS)
    out.parent.mkdir(parents=True, exist_ok=True)
    pictures = draw(chosen, prices, out.parent / "figures")
    out.write_text(resources_text(chosen, prices, pictures), encoding="utf-8")
    return out


def resources_text(chosen: Mapping[str, Run], prices: Prices, pictures: Mapping[str, str]) -> str:
    """The report as Markdown; `pictures` are the figures, as seen from the report; one may be missing."""
    runs = list(chosen.values())
    sections = [
        ("", [PREAMBLE, *headline.headline(runs, SCENARIOS)]),
        ("Key metrics", _key_metrics(chosen, prices)),
        ("Recommendations", _recommendations(chosen, prices)),
        ("Memory", _memory(chosen, pictures)),
        ("CPU", _cpu(chosen, pictures.get("cpu"))),
        ("Cache", cache.cache(chosen.get(CACHE))),
        ("Network", network.network(chosen)),
        ("Connection pooling", pooling.pooling(chosen)),
        ("Cost", cost.cost(chosen, prices, pictures.get("cost"))),
        ("Counts and books", counts.balances(runs)),
        ("Method", method.method(runs)),
        ("Appendix: PromQL", [block for run in runs for block in appendix.appendix(run, LATENCIES)]),
    ]
    return document("Resources report", sections)


def _memory(runs: Mapping[str, Run], pictures: Mapping[str, str]) -> list[str]:
    courses = [block for n in ALONG if n in runs for block in memory.course(runs[n], pictures.get(f"memory {n}"))]
    return [
        *("### At rest", *memory.at_rest(runs)),
        *("### Per job", *memory.per_job(runs)),
        *("### Growth", *memory.leaks(runs)),
        *(["### Along the runs", *courses] if courses else []),
    ]


def _cpu(runs: Mapping[str, Run], picture: str | None) -> list[str]:
    return [
        *("### By stage", *cpu.by_stage(runs, picture)),
        *("### By process", *cpu.by_process(cpu.profiled(runs))),
        *("### Utilisation", *cpu.utilisation(runs)),
        *("### Event loops", *cpu.loop_lag(runs)),
        *("### Cost of measuring", *cpu.collecting(runs)),
    ]


def _key_metrics(runs: Mapping[str, Run], prices: Prices) -> list[str]:
    """What an INVALID run measured is not quoted."""
    lines = (
        f"Memory per job: {_memory_per_job(runs)}",
        f"Cost per 1000 jobs: {_cost(runs, prices)}",
        f"Cache hit rate: {_hit_rate(runs.get(CACHE))}",
    )
    return ["For a paper:", fenced("\n".join(lines))]


def _memory_per_job(runs: Mapping[str, Run]) -> str:
    """What a job more in flight adds, and the most that a job took over rest at any load."""
    ran = [run for name in memory.LOADED if (run := runs.get(name))]
    if not ran:
        return NOT_RUN
    parts = [part for run in ran if usable(run) for part in run.parts]
    if not parts:
        return unquotable(ran[0]) or NO_DATA
    found = [(one.per_job, one, part) for part in parts if (one := footprint(part))]
    if not found:
        return NO_DATA
    most, one, part = max(found, key=lambda each: each[0])
    bound = f"over rest at most {most / 1e6:.1f} MB, in {part.name} with {one.in_flight:g} in flight"
    sound = {name: run for name, run in runs.items() if usable(run)}
    slope = marginal([one for _, one in memory.scaled(sound)])
    if slope is None:
        return f"{most / 1e6:.1f} MB ({bound})"
    flights = f"{slope.fewest:g} to {slope.most:g} in flight"
    return f"{slope.per_job / 1e6:.1f} MB (slope over {slope.loads} loads of scaling, {flights}; {bound})"


def _cost(runs: Mapping[str, Run], prices: Prices) -> str:
    known = cost.bills(runs, prices)
    if not known:
        return NO_DATA
    name, found = cost.largest(known)
    return f"{cost.money(found.per_1000)} {prices.currency} (run {name}, {found.jobs:,} jobs; {prices.label})"


def _hit_rate(run: Run | None) -> str:
    why = unquotable(run)
    if run is None or why is not None:
        return why or NOT_RUN
    found = indicators(run)["cache_hit_rate"]
    if found.value is None:
        return NO_DATA
    return f"{100 * found.value:.1f}% (n = {found.n}; {found.note})"


def _recommendations(runs: Mapping[str, Run], prices: Prices) -> list[str]:
    sound = {scenario: run for scenario, run in runs.items() if usable(run)}
    found = [*memory.recommendations(sound), *cpu.recommendations(sound)]
    if CACHE in sound:
        found += cache_recommendations.cache_recommendations(sound[CACHE])
    found += spending_recommendations.spending(runs, prices)
    rules = (memory.RULES, cpu.RULES, cache_recommendations.RULES, spending_recommendations.RULES)
    return advice(found, [scenario for scenario in runs if scenario not in sound], f"Rules: {'; '.join(rules)}.")
