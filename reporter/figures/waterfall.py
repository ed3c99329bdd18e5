"""Jobs step by step: when each part began and ended, and what each provider call and each wait for one came to."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from matplotlib.axes import Axes

from contract.calls import CallResult, WaitCause
from contract.jobs import Stage
from reporter.attribution import Attribution, Chain, Interval, chains
from reporter.figures.style import ACCENT, GREY, GRID, INK, SECOND, STYLE, TARGET, mpl, plt, save
from reporter.statistics import at_percentile

Kind = CallResult | WaitCause | str | None
"""What a bar shows: None is an attempt whose end is unknown."""

STAGE, OUTSIDE, SLOT, EARLIER, LOOKUP = "stage", "on the way", "all slots busy", "earlier executions", "cache lookup"
LOOKS: dict[Kind, tuple[str, str]] = {
    OUTSIDE: ("on the way, in the queue", GREY),
    SLOT: ("all slots busy", "#8e6bb0"),
    EARLIER: ("earlier executions", "#c9b8dc"),
    STAGE: ("stage", "#c3ccd5"),
    CallResult.OK: ("call: ok", ACCENT),
    None: ("call: result unknown", "#a9cfe4"),
    CallResult.STATUS: ("call: status", TARGET),
    CallResult.TIMEOUT: ("call: timeout", "#7b241c"),
    CallResult.RATE_LIMITED: ("call: rate limited", "#e08214"),
    CallResult.BAD_PAYLOAD: ("call: bad payload", "#d16ba5"),
    CallResult.REFUSED: ("call: refused", "#e57373"),
    CallResult.DISCONNECTED: ("call: disconnected", SECOND),
    CallResult.OUT_OF_TIME: ("call: out of time", "#4a1410"),
    CallResult.CANCELLED: ("call: cancelled", "#b7bfc8"),
    LOOKUP: ("cache lookup", "#5aa469"),
    WaitCause.BACKOFF: ("wait: backoff", "#f2d7a6"),
    WaitCause.RETRY_AFTER: ("wait: retry-after", "#e8c15d"),
    WaitCause.BREAKER: ("wait: breaker", "#d9c7b8"),
}


class Bar(NamedTuple):
    """Unix seconds."""

    kind: Kind
    start: float
    end: float


class Row(NamedTuple):
    """`critical`: on the critical path."""

    label: str
    bars: Sequence[Bar]
    critical: bool = True


def waterfall(found: Sequence[Attribution], path: Path) -> Path:
    """The median and the P95 job, by nearest rank of their response times; ms since each was due.

    Raises ValueError without jobs.
    """
    chosen = [(name, at_percentile(found, q, lambda job: job.response)) for name, q in (("median", 0.5), ("P95", 0.95))]
    panels = [(name, job, rows(job)) for name, job in chosen]
    heights = [len(drawn) for _, _, drawn in panels]
    with mpl.rc_context(STYLE):
        figure, axes = plt.subplots(2, 1, figsize=(9, 1.6 + 0.19 * sum(heights)), height_ratios=heights)
        for panel, (name, job, drawn) in zip(axes, panels, strict=True):
            _draw(panel, job, drawn)
            panel.set_title(f"The {name} job of {len(found)}: {1000 * job.response:,.0f} ms")
        axes[-1].set_xlabel("ms since the job was due")
        kinds = {bar.kind for _, _, drawn in panels for row in drawn for bar in row.bars}
        handles = [
            mpl.patches.Patch(color=colour, label=name) for kind, (name, colour) in LOOKS.items() if kind in kinds
        ]
        figure.legend(
            handles=handles,
            frameon=False,
            loc="outside right upper",
            fontsize=8.5,
            title="names in grey: not on\nthe critical path",
            title_fontsize=8.5,
            alignment="left",
        )
        return save(figure, path)


def rows(job: Attribution) -> list[Row]:
    """From top to bottom, in the order in which they begin."""
    return [row for row in _rows(job) if row.bars]


def _rows(job: Attribution) -> Iterator[Row]:
    when, timings = job.when, job.record.timings
    assert timings is not None, "an attribution has none without"
    first = when.started - job.parts["earlier"]
    yield Row("submit", [Bar(OUTSIDE, when.due, when.accepted)])
    yield Row("queue", [Bar(OUTSIDE, *span) for span in _gaps(job.full, when.accepted, first)])
    yield Row("slot wait", [Bar(SLOT, *span) for span in job.full])
    yield Row("earlier executions", [Bar(EARLIER, first, when.started)] * bool(job.record.history))
    for timing in sorted(timings.stages, key=lambda one: one.start):
        yield Row(timing.stage, [Bar(STAGE, timing.start, timing.start + timing.seconds)])
        if timing.stage in (Stage.SCRIPT, Stage.SCENES):
            for chain in chains(timings, timing.stage):
                yield Row(_label(chain), list(_bars(chain, timing.start)), chain == job.critical[timing.stage])
    yield Row("notify", [Bar(OUTSIDE, when.finished, when.due + when.response_seconds)])


def _gaps(full: Sequence[Interval], start: float, end: float) -> list[Interval]:
    """What `full` leaves of the time from `start` to `end`."""
    edges = [start, *(moment for span in full for moment in span), end]
    return [(since, until) for since, until in zip(edges[::2], edges[1::2], strict=True) if until > since]


def _label(chain: Chain) -> str:
    return f"{chain.provider.upper()} {chain.scene}" if chain.scene else chain.provider.upper()


def _bars(chain: Chain, begun: float) -> Iterator[Bar]:
    """A record does not tell when a lookup was: just before its call, or where there was none at the stage's start."""
    asked = sum(lookup.seconds for lookup in chain.lookups)
    if chain.lookups:
        start = min((start for start, _ in chain.spans), default=begun + asked) - asked
        yield Bar(LOOKUP, start, start + asked)
    for call in chain.calls:
        yield Bar(call.result, call.start, call.start + call.seconds)
    for wait in chain.waits:
        yield Bar(wait.cause, wait.start, wait.start + wait.seconds)


def _draw(axes: Axes, job: Attribution, drawn: Sequence[Row]) -> None:
    for level, row in enumerate(drawn):
        for kind, start, end in row.bars:
            left, width = 1000 * (start - job.when.due), 1000 * max(0.0, end - start)
            axes.barh(level, width, 0.72, left, color=LOOKS[kind][1], linewidth=0)
    axes.set_yticks(range(len(drawn)), [row.label for row in drawn])
    axes.tick_params(axis="y", labelsize=8.5, length=0)
    for label, row in zip(axes.get_yticklabels(), drawn, strict=True):
        label.set_color(INK if row.critical else GREY)
    axes.set(xlim=(0, 1000 * job.response), ylim=(len(drawn) - 0.4, -0.6))
    axes.xaxis.set_major_formatter(mpl.ticker.StrMethodFormatter("{x:,.0f}"))
    axes.grid(axis="x", color=GRID)
