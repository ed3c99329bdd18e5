"""The Universal Scalability Law, fitted to the rungs of a ladder.

X(N) = light · N / (1 + sigma · (N − 1) + kappa · N · (N − 1)): throughput with N users, where `light` is that of one
user, `sigma` the share of the work that only one can do at a time (contention), `kappa` what it costs to keep each pair
of users consistent (N. J. Gunther, "Guerrilla Capacity Planning", Springer 2007).

The uncertainty: every (light, sigma, kappa) whose sum of squared residuals is within 1 + t²/df of the smallest one is
as good as the fit, with t of Student at 95 % (profile likelihood; D. M. Bates and D. G. Watts, "Nonlinear Regression
Analysis and Its Applications", Wiley 1988, section 6.1). An interval is the range of a figure over all of these.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

FEWEST = 4
"""Points: three parameters take three, and one must be left to tell how well they fit."""
PARAMETERS = 3
MOST = (1.0, 1.0)
"""Of sigma and kappa; at 1 a second user adds nothing."""

WHY_SO = (
    "The 95 % intervals are profile-likelihood ones rather than the covariance's, which knows nothing of the bounds at "
    "0, and rather than a bootstrap of the completions, which would leave out how badly the model itself fits."
)


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with the ends of its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Fit:
    """`residuals` are measured − fitted, in the order of the points; `r_squared` about the mean."""

    users: tuple[float, ...]
    throughputs: tuple[float, ...]
    best: tuple[float, float, float]
    residuals: tuple[float, ...]
    r_squared: float
    region: "Region"

    @property
    def degrees_of_freedom(self) -> int:
        return len(self.users) - PARAMETERS

    @property
    def light(self) -> Estimate:
        """Throughput of one user."""
        return Estimate(self.best[0], float(self.region.light_low.min()), float(self.region.light_high.max()))

    @property
    def contention(self) -> Estimate:
        return Estimate(self.best[1], float(self.region.sigma.min()), float(self.region.sigma.max()))

    @property
    def coherency(self) -> Estimate:
        return Estimate(self.best[2], float(self.region.kappa.min()), float(self.region.kappa.max()))

    @property
    def knee(self) -> Estimate | None:
        """The users with the highest throughput, √((1 − sigma)/kappa); None where kappa may as well be 0."""
        if self.best[2] <= 0 or self.region.kappa.min() <= 0:
            return None
        found = ((1 - self.region.sigma) / self.region.kappa) ** 0.5
        return Estimate(((1 - self.best[1]) / self.best[2]) ** 0.5, float(found.min()), float(found.max()))

    @property
    def fell(self) -> bool:
        """Did the measured throughput fall anywhere as users grew? Without that, nobody has seen a knee."""
        return any(after < before for before, after in zip(self.throughputs, self.throughputs[1:], strict=False))

    def predict(self, users: float) -> Estimate:
        light, sigma, kappa = self.best
        shapes = shape(users, self.region.sigma, self.region.kappa)
        low, high = (self.region.light_low * shapes).min(), (self.region.light_high * shapes).max()
        return Estimate(float(light * shape(users, sigma, kappa)), max(0.0, float(low)), float(high))


@dataclass(frozen=True)
class Region:
    """The pairs that are as good as the best one, and for each the range of `light` that is."""

    sigma: "Array"
    kappa: "Array"
    light_low: "Array"
    light_high: "Array"


def shape(users: Any, sigma: Any, kappa: Any) -> Any:  # noqa: ANN401 - numbers or arrays of them
    """X(N)/light."""
    return users / (1 + sigma * (users - 1) + kappa * users * (users - 1))


def fit(points: Sequence[tuple[float, float]]) -> Fit:
    """Least squares on (users, throughput). Raises ValueError with fewer than FEWEST numbers of users."""
    import numpy as np  # noqa: PLC0415 - numpy and scipy take half a second, which `--help` should not pay
    from scipy.optimize import curve_fit  # noqa: PLC0415
    from scipy.special import stdtrit  # noqa: PLC0415

    if len({n for n, _ in points}) < FEWEST:
        raise ValueError(f"a fit of {PARAMETERS} parameters needs at least {FEWEST} numbers of users")
    users, found = (np.array(column, dtype=float) for column in zip(*sorted(points), strict=True))
    best, _ = curve_fit(
        lambda n, light, sigma, kappa: light * shape(n, sigma, kappa),
        users,
        found,
        p0=_first_guess(users, found),
        bounds=((0, 0, 0), (np.inf, *MOST)),
        x_scale="jac",
        ftol=1e-12,
        xtol=1e-12,
        gtol=1e-12,
    )
    residuals = found - best[0] * shape(users, best[1], best[2])
    smallest = float(residuals @ residuals)
    t = float(stdtrit(len(users) - PARAMETERS, 0.975))
    region = _region(users, found, best, smallest * (1 + t**2 / (len(users) - PARAMETERS)))
    spread = float(((found - found.mean()) ** 2).sum())
    return Fit(
        tuple(users.tolist()),
        tuple(found.tolist()),
        (float(best[0]), float(best[1]), float(best[2])),
        tuple(residuals.tolist()),
        1 - smallest / spread,
        region,
    )


def _first_guess(users: "Array", found: "Array") -> tuple[float, float, float]:
    """N/X = (1 + sigma · (N − 1) + kappa · N · (N − 1))/light is linear in its three coefficients."""
    import numpy as np  # noqa: PLC0415
    from scipy.optimize import nnls  # noqa: PLC0415

    terms = np.column_stack([np.ones_like(users), users - 1, users * (users - 1)])
    (inverse, sigma, kappa), _ = nnls(terms, users / found)
    if inverse <= 0:
        return float((found / users).max()), 0.1, 0.001
    return 1 / inverse, min(sigma / inverse, 0.99), min(kappa / inverse, 0.99)


def _region(users: "Array", found: "Array", best: "Array", allowed: float) -> Region:
    """All pairs of a grid around the good ones, with the range of `light` that keeps within `allowed` squares."""
    import numpy as np  # noqa: PLC0415

    def ranges(sigma: "Array", kappa: "Array") -> tuple["Array", "Array"]:
        """The best `light` of each pair (the model is linear in it) and how much it may differ; NaN if not at all."""
        shapes = shape(users[:, None], sigma, kappa)
        square = (shapes**2).sum(axis=0)
        light = (found[:, None] * shapes).sum(axis=0) / square
        squares = ((found[:, None] - light * shapes) ** 2).sum(axis=0)
        with np.errstate(invalid="ignore"):
            return light, np.sqrt((allowed - squares) / square)

    sigma, kappa = _grid(best[1:], lambda s, k: ~np.isnan(ranges(s, k)[1]))
    sigma, kappa = np.append(sigma, best[1]), np.append(kappa, best[2])
    light, slack = ranges(sigma, kappa)
    good = ~np.isnan(slack)
    good[-1], slack[-1] = True, np.nan_to_num(slack[-1])
    return Region(sigma[good], kappa[good], (light - slack)[good], (light + slack)[good])


def _grid(best: "Array", good: Callable[["Array", "Array"], "NDArray[np.bool_]"]) -> tuple["Array", "Array"]:
    """A grid of pairs whose rectangle grows and shrinks until the good ones fill most of it and none is at its edge."""
    import numpy as np  # noqa: PLC0415

    def mesh(steps: int) -> tuple["Array", "Array"]:
        axes = [np.linspace(low, high, steps) for low, high in zip(lows, highs, strict=True)]
        sigma, kappa = np.meshgrid(*axes)
        return sigma.ravel(), kappa.ravel()

    half = np.array([1e-3, 1e-6])
    lows, highs = np.maximum(best - half, 0), np.minimum(best + half, MOST)
    for _ in range(60):
        pairs = np.array(mesh(41))
        inside = pairs[:, good(*pairs)]
        if inside.shape[1] == 0:
            low = high = best
        else:
            low, high = np.minimum(inside.min(axis=1), best), np.maximum(inside.max(axis=1), best)
        step = (highs - lows) / 40
        wider_low, wider_high = (low - lows < step) & (lows > 0), (highs - high < step) & (highs < MOST)
        if not (wider_low | wider_high).any() and (high - low >= 0.5 * (highs - lows)).all():
            break
        lows = np.maximum(np.where(wider_low, best - 2 * (best - lows), low - 2 * step), 0)
        highs = np.minimum(np.where(wider_high, best + 2 * (highs - best), high + 2 * step), MOST)
    return mesh(201)
