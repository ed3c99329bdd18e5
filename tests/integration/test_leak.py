"""A service that keeps a megabyte of each job is found out. That the real one keeps nothing is judged in the suite."""

from pathlib import Path

from contract.runfolder import Verdict
from contract.settings import Plant
from loadgen.document import default_document
from loadgen.runner import Progress
from loadgen.scenario import load
from measure import measure
from reporter.memory import growths
from reporter.runs import Run
from stack.local import LocalStack
from stack.places import ROOT


async def test_a_planted_leak_is_found_and_its_size_told(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    scenario = load("leak").with_jobs(80)  # a megabyte of each job shows sooner than the nothing that the suite judges
    async with LocalStack(tmp_path / "logs", env={"T2V_PLANT": Plant.LEAK}) as stack:
        result = await measure(scenario, default_document(ROOT), 1, stack, run, Progress())

    assert result.verdict is Verdict.FAIL, result.reasons
    assert [target.name for target in result.targets if not target.passed] == ["leak"]
    worst, second = growths(Run.load(run))[:2]
    assert {worst.process, second.process} == {"worker-1", "worker-2"}
    assert worst.low < 1e6 < worst.high or abs(worst.slope - 1e6) < 0.1e6
