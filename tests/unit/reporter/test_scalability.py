import random
import subprocess
import sys

import pytest

from reporter.scalability import Estimate, fit, shape
from tests.unit.reporter.ladder import KAPPA, LIGHT, SIGMA, USERS, throughput

POINTS = [(float(users), throughput(users)) for users in USERS]


def noisy(seed: int, sigma: float = SIGMA, kappa: float = KAPPA) -> list[tuple[float, float]]:
    """A ladder of seven rungs, each measured with an error of 3 % of the highest throughput."""
    rng = random.Random(seed)
    users = (1, 2, 5, 10, 20, 35, 50)
    true = [LIGHT * float(shape(n, sigma, kappa)) for n in users]
    return [(n, x + rng.gauss(0, 0.03 * max(true))) for n, x in zip(users, true, strict=True)]


def holds(found: Estimate, value: float) -> bool:
    return found.low <= value <= found.high


def test_a_law_without_noise_is_found_again() -> None:
    found = fit(POINTS)
    assert found.best == pytest.approx((LIGHT, SIGMA, KAPPA), rel=1e-5)
    assert found.r_squared == pytest.approx(1)
    assert found.degrees_of_freedom == 2
    assert found.knee is not None
    assert found.knee.value == pytest.approx(((1 - SIGMA) / KAPPA) ** 0.5, rel=1e-4)
    assert found.predict(100).value == pytest.approx(throughput(100), rel=1e-4)


def test_the_order_of_the_points_does_not_matter() -> None:
    assert fit(POINTS[::-1]).best == fit(POINTS).best


def test_the_intervals_hold_the_truth_as_often_as_they_say() -> None:
    """95 % of 60 noisy ladders are 57; 52 or fewer would come of a true 95 % once in a hundred times."""
    fits = [fit(noisy(seed)) for seed in range(60)]
    truths = {
        "light": sum(holds(found.light, LIGHT) for found in fits),
        "sigma": sum(holds(found.contention, SIGMA) for found in fits),
        "kappa": sum(holds(found.coherency, KAPPA) for found in fits),
        "prediction": sum(holds(found.predict(100), throughput(100)) for found in fits),
    }
    assert min(truths.values()) > 52, truths
    assert any(not holds(found.coherency, KAPPA * 1.5) for found in fits)


def test_a_knee_is_claimed_only_where_kappa_is_above_0() -> None:
    """Without coherency throughput never falls: a knee is claimed by chance in few of many noisy ladders."""
    claimed = [fit(noisy(seed, kappa=0.0)).knee for seed in range(25)]
    assert sum(knee is not None for knee in claimed) <= 3
    assert all(fit(noisy(seed, kappa=0.003)).knee is not None for seed in range(5))


def test_a_fall_is_told_from_a_plateau() -> None:
    assert not fit([(1, 2.0), (5, 9.0), (10, 15.0), (20, 20.0), (50, 20.5)]).fell
    assert fit([(1, 2.0), (5, 9.0), (10, 15.0), (20, 20.0), (50, 17.0)]).fell


def test_three_numbers_of_users_are_too_few() -> None:
    with pytest.raises(ValueError, match="at least 4"):
        fit([(1, 1.0), (5, 5.0), (10, 10.0), (10, 10.1)])


def test_points_that_fit_no_law_still_have_finite_figures() -> None:
    found = fit([(1, 5.0), (2, 1.0), (5, 9.0), (10, 0.5)])
    assert found.r_squared < 0.9
    assert found.predict(20).high < 1e6
    assert found.knee is None


def test_importing_the_reporter_is_quick() -> None:
    """A command line that only prints its help does not wait for the libraries of figures and fits."""
    heavy = {"matplotlib", "numpy", "scipy"}
    imports = "import sys, reporter.performance, reporter.reliability, reporter.summary"
    code = f"{imports}; sys.exit(bool({heavy} & sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
