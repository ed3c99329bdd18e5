"""How do the AI providers behave, and what do they cost?"""

from contract.calls import UsageUnit
from grafana.dashboard import Dashboard, Row
from grafana.expressions import QUANTILES, quantile, rate, share
from grafana.panels import Line, graph, stat, timeline
from reporter.pricing import EXAMPLE, load_prices

PRICES = load_prices(EXAMPLE)
PRICE_OF_ONE = {
    UsageUnit.INPUT_TOKENS: PRICES.input_tokens_1000 / 1000,
    UsageUnit.OUTPUT_TOKENS: PRICES.output_tokens_1000 / 1000,
    UsageUnit.CHARACTERS: PRICES.characters_1000 / 1000,
    UsageUnit.IMAGES: PRICES.image,
}
SPENT = {unit: rate("call.usage", (), f'unit="{unit}"') + f" * {price:g}" for unit, price in PRICE_OF_ONE.items()}
"""Per second."""
COMPLETED = rate("ledger.finished", (), 'outcome="completed"')
FAILED = 'result!~"ok|out_of_time|cancelled"'
OPEN, HALF_OPEN = 't2v_breaker_state{state="open"}', 't2v_breaker_state{state="half_open"}'
BREAKER = {0: ("closed", "green"), 1: ("half-open", "yellow"), 2: ("open", "red")}

PROVIDERS = Dashboard(
    "providers",
    "Latency, errors, retries, circuit breakers and cost of the AI providers' calls, as the workers see them.",
    [
        Row(
            "Latency",
            (
                *(
                    graph(
                        f"Length of a call, {name}",
                        "Good or bad, retries counted one by one.",
                        "s",
                        Line(quantile("call", q), "{{provider}}"),
                    )
                    for name, q in QUANTILES.items()
                ),
                graph(
                    "Planned by the mocks, P95",
                    "What the calls would take if nothing else took time; only mocked providers tell.",
                    "s",
                    Line(quantile("mock.planned", 0.95), "{{provider}}"),
                    width=12,
                ),
                graph(
                    "Lateness of the mocks, P99",
                    "By how much answers left after their planned latency: the mocks' own share of what is measured.",
                    "s",
                    Line(quantile("mock.late", 0.99), "{{provider}}"),
                    width=12,
                ),
            ),
        ),
        Row(
            "Errors",
            (
                graph(
                    "Calls",
                    "Per second, by result as the workers see it.",
                    "ops",
                    Line(rate("call.results") + " > 0", "{{provider}} {{result}}"),
                    stacked=True,
                ),
                graph(
                    "Share of calls that fail",
                    "Of all calls, those whose result counts against the provider.",
                    "percentunit",
                    Line(share("call.results", FAILED, by=("provider",)), "{{provider}}"),
                ),
                graph(
                    "Answers of the mocks",
                    "Per second, by the status that they sent.",
                    "ops",
                    Line(rate("mock.calls") + " > 0", "{{provider}} {{status}}"),
                    stacked=True,
                ),
            ),
        ),
        Row(
            "Retries",
            (
                graph(
                    "Retries",
                    "Calls per second that repeat a failed one, by how that one had ended.",
                    "ops",
                    Line(rate("call.retries") + " > 0", "{{provider}} {{reason}}"),
                    stacked=True,
                    width=12,
                ),
                graph(
                    "Waiting for the next attempt",
                    "Calls that wait at once, on average, by what for.",
                    "short",
                    Line(rate("call.retry_wait") + " > 0", "{{provider}} {{cause}}"),
                    stacked=True,
                    width=12,
                ),
            ),
        ),
        Row(
            "Circuit breakers",
            (
                timeline(
                    "State",
                    "The worst state of each provider's breaker over all workers. An open one stays so until a call "
                    "asks.",
                    Line(f"max by (provider) (2 * {OPEN} or {HALF_OPEN})", "{{provider}}"),
                    states=BREAKER,
                ),
                graph(
                    "Changes",
                    "Per second, by the state they went into.",
                    "ops",
                    Line(rate("breaker.transitions") + " > 0", "{{provider}} {{state}}"),
                    width=12,
                ),
                graph(
                    "Refused attempts",
                    "Per second: no call was made.",
                    "ops",
                    Line(rate("breaker.rejected"), "{{provider}}"),
                ),
                graph(
                    "Probes",
                    "Calls per second that a half-open breaker let through, by what they said of the provider.",
                    "ops",
                    Line(rate("breaker.probes") + " > 0", "{{provider}} {{result}}"),
                ),
                stat(
                    "Last opened",
                    "The breaker of each provider, in any worker that is there.",
                    "dateTimeFromNow",
                    Line(
                        'max by (provider) (t2v_breaker_changed_timestamp_seconds{state="open"}) * 1000 > 0',
                        "{{provider}}",
                    ),
                    shows="value_and_name",
                    none="never",
                    width=8,
                ),
            ),
        ),
        Row(
            "Cost",
            (
                graph(
                    "Usage",
                    "Tokens, characters and images per second that providers bill, answers of no use included.",
                    "ops",
                    Line(rate("call.usage"), "{{provider}} {{unit}}"),
                ),
                graph(
                    "Cost per hour",
                    f"At {PRICES.label} ({PRICES.currency}), of providers alone.",
                    "currencyUSD",
                    *(Line(f"{spent} * 3600", unit) for unit, spent in SPENT.items()),
                    stacked=True,
                ),
                graph(
                    "Cost per 1,000 jobs",
                    f"At {PRICES.label} ({PRICES.currency}): all that providers bill, by the jobs that were completed.",
                    "currencyUSD",
                    Line(
                        f"1000 * ({' + '.join(SPENT.values())}) / ({COMPLETED} > 0)",
                        "1,000 jobs",
                    ),
                ),
                graph(
                    "Answers that do not tell their usage",
                    "Per second: while there are any, cost is a lower bound.",
                    "ops",
                    Line(rate("call.usage_untold"), "{{provider}}"),
                    width=12,
                ),
                graph(
                    "Usage, as the mocks reckon",
                    "Tokens, characters and images per second of the answers that they sent.",
                    "ops",
                    Line(rate("mock.usage"), "{{provider}} {{unit}}"),
                    width=12,
                ),
            ),
        ),
    ],
)
