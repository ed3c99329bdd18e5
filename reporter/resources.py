"""The resources report: one Markdown file and its figures, from the folders of runs, without Prometheus."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from contract.errors import UsageError
from contract.suites import RESOURCES
from reporter import cache_recommendations, spending_recommendations
from reporter.caching import SCENARIO as CACHE
from reporter.indicators import indicators
from reporter.markdown import NO_DATA, NOT_RUN, document, fenced
from reporter.newest import in_order
from reporter.pricing import Prices, load_prices, price_file
from reporter.queries import LATENCIES
from reporter.runs import Run
from reporter.sections import appendix, counts, headline, method
from reporter.sections.recommendations import recommendations as advice
from reporter.sections.resources import cache, cost, network, pooling
from reporter.stamp import unquotable, usable

SCENARIOS = RESOURCES
"""What the report is about; others that are given get their rows, their bill and their method too."""

PREAMBLE = (
    "A document goes in, a narrated video comes out. This report says what that takes: bytes and connections to the "
    "providers, what a cache saves of both, and what it all costs, with the method behind each figure. A figure nobody "
    "measured is “no data”; a scenario nobody ran is “not run”."
)


def write_resources_report(runs: Sequence[Path], out: Path) -> Path:
    """Writes the report to `out` and its figure to `figures/` beside it; of two runs of a scenario the newest counts.

    Prices are those of REELBENCH_PRICES, else the example's. Raises UsageError where a folder is not a run's, or the
    price table is none. Returns `out`.
    """
    if not runs:
        raise UsageError("A resources report needs at least one run: make scenario NAME=cache")
    prices = load_prices(price_file())
    chosen = in_order([Run.load(folder) for folder in runs], SCENARIOS)
    out.parent.mkdir(parents=True, exist_ok=True)
    picture = _draw(chosen, prices, out.parent / "figures")
    out.write_text(resources_text(chosen, prices, picture), encoding="utf-8")
    return out


def _draw(runs: Mapping[str, Run], prices: Prices, folder: Path) -> str | None:
    """Where the bill's figure is, as seen from `folder`'s parent."""
    from reporter.figures import bill  # noqa: PLC0415 - matplotlib takes a second, which `--help` should not pay

    known = cost.bills(runs, prices)
    if not known:
        return None
    return f"{folder.name}/{bill.cost(known, prices.currency, folder / 'resources_cost.svg').name}"


def resources_text(chosen: Mapping[str, Run], prices: Prices, picture: str | None = None) -> str:
    """The report as Markdown; `picture` is the bill's, as seen from the report."""
    runs, cached = list(chosen.values()), chosen.get(CACHE)
    sections = [
        ("", [PREAMBLE, *headline.headline(runs, SCENARIOS)]),
        ("Key metrics", _key_metrics(chosen, prices)),
        ("Recommendations", _recommendations(chosen, prices)),
        ("Cache", cache.cache(cached)),
        ("Network", network.network(chosen)),
        ("Connection pooling", pooling.pooling(chosen)),
        ("Cost", cost.cost(chosen, prices, picture)),
        ("Counts and books", counts.balances(runs)),
        ("Method", method.method(runs)),
        ("Appendix: PromQL", [block for run in runs for block in appendix.appendix(run, LATENCIES)]),
    ]
    return document("Resources report", sections)


def _key_metrics(runs: Mapping[str, Run], prices: Prices) -> list[str]:
    """What an INVALID run measured is not quoted."""
    lines = (f"Cost per 1000 jobs: {_cost(runs, prices)}", f"Cache hit rate: {_hit_rate(runs.get(CACHE))}")
    return ["For a paper:", fenced("\n".join(lines))]


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
    cached = runs.get(CACHE)
    found = [*cache_recommendations.cache_recommendations(cached)] if cached is not None and usable(cached) else []
    found += spending_recommendations.spending(runs, prices)
    left_out = [scenario for scenario, run in runs.items() if not usable(run)]
    return advice(found, left_out, f"{cache_recommendations.RULES} {spending_recommendations.RULES}")
