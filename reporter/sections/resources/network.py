"""What goes over the network between the workers and the providers."""

from collections.abc import Mapping

from reporter import ascii as chart
from reporter import pooling
from reporter.markdown import NO_DATA, NOT_RUN, fenced, figure, percent, table
from reporter.network import Traffic, traffic
from reporter.runs import Run
from reporter.stamp import unquotable

DEFINITIONS = (
    "Per measured job, whatever became of it; calls that failed or were repeated included. *Payload*: the bodies of "
    "requests and answers, as the workers counted them; the mocks' own count is the same to the byte, or the run is "
    "INVALID. *Wire*: what the kernel counted of the TCP streams (`TCP_INFO` of each socket), with HTTP's heads and "
    "without the headers of TCP and IP; the mocks' kernel agrees to 2 %. *Beyond payload*: wire / payload − 1."
)


def network(runs: Mapping[str, Run]) -> list[str]:
    """A row per run and provider; the blocks of the pooling scenario have a section of their own."""
    own = {name: run for name, run in runs.items() if name != pooling.SCENARIO}
    if not own:
        return [f"Runs with provider calls: {NOT_RUN}."]
    rows: list[tuple[str, ...]] = []
    bars = []
    for run in own.values():
        why = unquotable(run)
        found = [] if why else traffic(run)
        if not found:
            rows.append((f"{run.name}: {why or NO_DATA}", *("",) * 9))
        for one in found:
            rows.append(_row(run, one))
            whole = one.both.wire
            if whole is not None:
                bars.append((f"{run.name}, {one.provider.upper()}", whole / 1000))
    headers = (
        *("Run", "Provider", "Calls", "Sent: payload", "wire", "Received: payload", "wire", "Beyond payload"),
        *("Opened", "Reused"),
    )
    blocks = [DEFINITIONS, table(headers, rows, "llrrrrrrrr")]
    if bars:
        blocks += ["Bytes on the wire per job, both ways:", fenced(chart.bars(bars, "kB"))]
    return blocks


def _row(run: Run, one: Traffic) -> tuple[str, ...]:
    return (
        run.name,
        one.provider.upper(),
        figure(one.calls),
        _kilobytes(one.sent.payload),
        _kilobytes(one.sent.wire),
        _kilobytes(one.received.payload),
        _kilobytes(one.received.wire),
        percent(one.both.overhead),
        figure(one.opened),
        figure(one.reused),
    )


def _kilobytes(value: float | None) -> str:
    return NO_DATA if value is None else f"{value / 1000:,.2f} kB"
