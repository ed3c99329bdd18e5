"""Which alerts fired, from the series that Prometheus keeps of them."""

from dataclasses import dataclass

from reporter.runs import Run

QUERY = "series.alerts"


@dataclass(frozen=True, slots=True)
class Firing:
    """An alert that began to fire at `start` (Unix seconds), known to the interval at which it is evaluated."""

    name: str
    start: float


def first_alert(run: Run, since: float) -> Firing | None:
    """The first that began to fire after `since`; one that fired already is not news."""
    begun = (Firing(s.labels["alertname"], s.points[0][0]) for s in run.answers.samples(QUERY) if s.points)
    return min((one for one in begun if one.start > since), key=lambda one: (one.start, one.name), default=None)
