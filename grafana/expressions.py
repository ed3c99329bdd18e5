"""PromQL of panels, from the queries that the reports ask by name."""

from reporter.queries import HISTOGRAMS, QUERIES, CounterSum

INTERVAL = "$__rate_interval"
QUANTILES = {"P50": 0.5, "P95": 0.95, "P99": 0.99}
COUNTERS = {query.id: query.form for query in QUERIES if isinstance(query.form, CounterSum)}
HISTOGRAM = {histogram.id: histogram for histogram in HISTOGRAMS}


def rate(id_: str, by: tuple[str, ...] | None = None, where: str = "") -> str:
    """Per second, of the counter that the query of this id counts; by the query's labels unless others are given."""
    return COUNTERS[id_].rate(INTERVAL, by, where)


def counter_rate(metric: str, *by: str, ledger: bool = False) -> str:
    """Of a counter that no report asks for."""
    return CounterSum(metric, by, ledger).rate(INTERVAL)


def share(id_: str, where: str, of: str = "", by: tuple[str, ...] = ()) -> str:
    """Of what a counter counts, the part that matches `where` of that which matches `of`."""
    return f"{rate(id_, by, where)} / {rate(id_, by, of)}"


def quantile(id_: str, q: float, by: tuple[str, ...] | None = None, where: str = "") -> str:
    return HISTOGRAM[id_].quantile(q, INTERVAL, by, where)


def mean(id_: str, by: tuple[str, ...] | None = None, where: str = "") -> str:
    histogram = HISTOGRAM[id_]
    labels = histogram.by if by is None else by
    total, count = (CounterSum(f"{histogram.metric}_{part}", labels) for part in ("sum", "count"))
    return f"{total.rate(INTERVAL, where=where)} / {count.rate(INTERVAL, where=where)}"
