"""A stage that became slow is found: by its target, and by the report's component analysis."""

import re
from pathlib import Path

from contract.runfolder import Result, Verdict
from contract.settings import Plant
from loadgen.document import default_document
from loadgen.runner import Progress
from loadgen.scenario import read
from measure import measure
from reporter.breakdown import OVERHEAD_TITLES
from reporter.performance import write_performance_report
from stack.local import LocalStack
from stack.places import ROOT
from stack.protocol import Stack

PLANTED_MS = 200
SCENARIO = """
title = "Four users, and how long assembly takes"
description = "Few jobs, judged by one stage alone."

[load]
model = "closed"
users = 4
jobs = 12

[[targets]]
indicator = "assemble_p95"
op = "<"
limit = 0.15
"""


async def run_on(stack: Stack, folder: Path) -> tuple[Result, str]:
    """The result, and the section of the written report that tells of the components."""
    scenario = folder / "slow-stage.toml"
    scenario.write_text(SCENARIO)
    run = folder / "run"
    run.mkdir()
    result = await measure(read(scenario), default_document(ROOT), 1, stack, run, Progress())
    report = write_performance_report([run], folder / "report.md").read_text(encoding="utf-8")
    section = re.search(r"^## Component analysis\n(.*?)^## ", report, re.MULTILINE | re.DOTALL)
    assert section is not None
    return result, section[1]


def cell(section: str, row: str, column: str) -> float:
    """Milliseconds, from the one table that has this row."""
    head = ""
    for line in section.splitlines():
        cells = [text.strip() for text in line.strip("|").split("|")]
        if cells[0] in {"Part", "Component"}:
            head = line
        elif cells[0] == row:
            index = [text.strip() for text in head.strip("|").split("|")].index(column)
            return float(cells[index].removesuffix(" ms").replace(",", ""))
    raise AssertionError(f"no row {row!r} in {section}")


async def test_a_slow_assembly_misses_its_target_and_is_named_by_the_report(tmp_path: Path) -> None:
    async with LocalStack(tmp_path / "logs", env={"T2V_PLANT": Plant.SLOW_ASSEMBLY}) as stack:
        result, section = await run_on(stack, tmp_path)

    assert result.verdict is Verdict.FAIL, result.reasons
    [reason] = result.reasons
    assert re.fullmatch(r"assemble_p95 is 0\.[2-9]\d* s, the target is < 0\.15 s", reason)
    assert cell(section, "stage assemble", "P50") >= PLANTED_MS
    parts = {name: cell(section, title, "P50") for name, title in OVERHEAD_TITLES.items()}
    assert [name for name, millis in parts.items() if millis >= PLANTED_MS] == ["assemble"]


async def test_the_same_scenario_passes_without_the_plant(stack: LocalStack, tmp_path: Path) -> None:
    result, section = await run_on(stack, tmp_path)

    assert result.verdict is Verdict.PASS, result.reasons
    assert cell(section, "stage assemble", "P50") < PLANTED_MS
