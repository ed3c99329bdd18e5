"""How throughput grows with users: a law fitted to the rungs, and how far it can be trusted."""

from collections.abc import Sequence

from reporter.markdown import NO_DATA, NOT_RUN, bullets, percent, table
from reporter.rungs import Rung
from reporter.scalability import FEWEST, WHY_SO, Estimate, Fit, fit

SIGMA = "\N{GREEK SMALL LETTER SIGMA}"
FURTHER = 2
"""The prediction is for so many times the largest number of users measured."""


def fit_of(rungs: Sequence[Rung]) -> Fit | None:
    """None where too few rungs of a closed loop have a throughput."""
    points = [(float(rung.users), rung.throughput) for rung in rungs if rung.users and rung.throughput is not None]
    return fit(points) if len({users for users, _ in points}) >= FEWEST else None


def cpu_bound(rungs: Sequence[Rung]) -> float | None:
    """Jobs per second with which our processes would use up all cores, at the CPU per job of the largest load."""
    known = [rung for rung in rungs if rung.cost is not None and rung.cores]
    if not known or known[-1].cost is None or not known[-1].cores:
        return None
    return known[-1].cores / known[-1].cost.whole


def scalability(rungs: Sequence[Rung], fitted: Fit | None, picture: str | None) -> list[str]:
    if not rungs:
        return [f"Scenario `concurrent`: {NOT_RUN}, so nothing is fitted."]
    if fitted is None:
        return [f"Nothing is fitted: it takes the throughput of at least {FEWEST} numbers of users."]
    blocks = [
        (
            f"The Universal Scalability Law (Gunther), X(N) = λN / (1 + {SIGMA}(N − 1) + κN(N − 1)), by least squares "
            "on the throughput of each rung."
        ),
        table(("Figure", "Value", "95 % interval"), _rows(rungs, fitted), "lrr"),
        table(("Users", "Measured", "Fitted", "Residual"), _residuals(fitted), "rrrr"),
        "How far to trust it:",
        bullets(_trust(fitted)),
    ]
    return [*blocks, f"![Throughput by users: measured, fitted, extrapolated]({picture})"] if picture else blocks


def _rows(rungs: Sequence[Rung], fitted: Fit) -> list[tuple[str, ...]]:
    knee, far = fitted.knee, FURTHER * max(fitted.users)
    bound = cpu_bound(rungs)
    peak = ("**none found**", "κ may as well be 0") if knee is None else _cells(knee, ".0f", " users")
    return [
        ("λ, throughput of one user", *_cells(fitted.light, ".3f", " jobs/s")),
        (f"{SIGMA}, contention", *_cells(fitted.contention, ".4f")),
        ("κ, coherency", *_cells(fitted.coherency, ".2e")),
        (f"knee, √((1 − {SIGMA})/κ)", *peak),
        (f"throughput at {far:.0f} users, **extrapolated**", *_cells(fitted.predict(far), ".1f", " jobs/s")),
        (
            "not fitted: throughput that the machine's CPU allows at most",
            NO_DATA if bound is None else f"{bound:.1f} jobs/s",
            "cores / CPU per job at the largest load",
        ),
    ]


def _cells(found: Estimate, form: str, unit: str = "") -> tuple[str, str]:
    return f"{found.value:{form}}{unit}", f"{found.low:{form}} to {found.high:{form}}{unit}"


def _residuals(fitted: Fit) -> list[tuple[str, ...]]:
    rows = zip(fitted.users, fitted.throughputs, fitted.residuals, strict=True)
    return [
        (f"{n:.0f}", f"{x:.2f} jobs/s", f"{x - r:.2f} jobs/s", f"{r:+.2f} ({100 * r / x:+.1f} %)") for n, x, r in rows
    ]


def _trust(fitted: Fit) -> list[str]:
    df = fitted.degrees_of_freedom
    far = fitted.predict(FURTHER * max(fitted.users))
    freedom = "1 degree" if df == 1 else f"{df} degrees"
    notes = [
        f"{len(fitted.users)} points for 3 parameters leave {freedom} of freedom; R² = {fitted.r_squared:.4f}.",
        WHY_SO,
        (
            "One run per rung: how much a rung's throughput differs from run to run is not in the intervals, unless it "
            "shows as a residual."
        ),
        (
            f"The prediction lies outside of what was measured by a factor of {FURTHER}; its interval spans "
            f"{percent((far.high - far.low) / far.value, 0)} of it, and it holds only if the law does."
        ),
    ]
    if fitted.knee is not None and not fitted.fell:
        notes.append(
            "**The knee was not seen**: no rung gave less than the one before it. A plateau at the limit of a resource "
            "fits these points as well, and then throughput stays there instead of falling."
        )
    return notes
