"""Which runs the suites make again."""

from pathlib import Path

import pytest

from contract.runfolder import Counts, Integrity, Result, Verdict
from tests.test_data_helper import TRIES, undisturbed

COUNTS = Counts.model_validate(dict.fromkeys(Counts.model_fields, 0))
LATE = "1 of 64 requests were sent over 10 ms after they were due"


@pytest.mark.parametrize(
    ("reasons", "runs"),
    [([LATE], TRIES), ([LATE, "worker-1 died"], 1), (["worker-1 died"], 1), ([], 1)],
    ids=["late", "late and worse", "worse", "fine"],
)
async def test_only_a_run_that_was_late_and_nothing_else_is_made_again(reasons: list[str], runs: int) -> None:
    made = []

    async def run() -> tuple[Result, Path]:
        verdict = Verdict.INVALID if reasons else Verdict.PASS
        nothing = {"targets": [], "books": [], "counts": COUNTS, "integrity": Integrity()}
        made.append(Result(scenario="poisson", seed=1, verdict=verdict, reasons=reasons, **nothing))
        return made[-1], Path("run")

    assert (await undisturbed(run))[0] is made[-1]
    assert len(made) == runs
