"""The worked examples of the README beside this file are executed as they stand there."""

import inspect
import os
import re
import subprocess
import types
from pathlib import Path
from typing import Any

import httpx
import pytest

from contract.exposition import ProcessRegistry, render
from contract.runfolder import Verdict
from loadgen.document import default_document
from loadgen.runner import Progress
from loadgen.scenario import read
from measure import measure
from stack.local import LocalStack
from stack.places import ROOT
from stack.programs import PROMETHEUS, find_programs
from tests.test_data_helper import UploadableDocument

README = Path(__file__).with_name("README.md")


def example(heading: str, language: str) -> str:
    """The one fenced block of this language under this heading."""
    text = README.read_text(encoding="utf-8")
    section = re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert section is not None, f"{README} has no section {heading!r}"
    [block] = re.findall(rf"^```{language}\n(.*?)^```", section[1], re.MULTILINE | re.DOTALL)
    assert isinstance(block, str)
    return block


def executed(source: str) -> types.ModuleType:
    module = types.ModuleType("example")
    exec(compile(source, str(README), "exec"), module.__dict__)
    return module


async def test_the_test_passes(api: httpx.AsyncClient, mock_file_context: UploadableDocument) -> None:
    module = executed(example("Add a test", "python"))
    [test] = [one for name, one in vars(module).items() if name.startswith("test_")]
    assert inspect.iscoroutinefunction(test)
    await test(api=api, mock_file_context=mock_file_context)


async def test_the_scenario_runs_and_each_of_its_targets_is_judged(stack: LocalStack, tmp_path: Path) -> None:
    path, folder = tmp_path / "example.toml", tmp_path / "run"
    path.write_text(example("Add a scenario", "toml"), encoding="utf-8")
    folder.mkdir()
    scenario = read(path).with_jobs(6)
    result = await measure(scenario, default_document(ROOT), 1, stack, folder, Progress())
    assert result.verdict is not Verdict.INVALID, result.reasons
    assert result.counts.completed == 6
    assert [target.name for target in result.targets] == [spec.indicator for spec in scenario.targets]
    assert all(target.value is not None for target in result.targets)


@pytest.fixture
def registry() -> ProcessRegistry:
    return ProcessRegistry()


@pytest.fixture
def subtitles(registry: ProcessRegistry) -> Any:
    return executed(example("Add a metric", "python")).SubtitleMetrics(registry)


def shown(registry: ProcessRegistry) -> set[str]:
    return {line for line in render(registry)[0].decode().splitlines() if line.startswith("t2v_subtitle")}


def test_the_metric_reads_0_before_the_first_event_and_counts_it_then(
    registry: ProcessRegistry, subtitles: Any
) -> None:
    zero = {'t2v_subtitles_total{result="ok"} 0.0', 't2v_subtitles_total{result="failed"} 0.0'}
    assert zero | {'t2v_subtitle_seconds_count{result="ok"} 0.0'} <= shown(registry)
    subtitles.made.labels("ok").inc()
    subtitles.seconds.labels("ok").observe(0.03)
    assert {
        't2v_subtitles_total{result="ok"} 1.0',
        't2v_subtitles_total{result="failed"} 0.0',
        't2v_subtitle_seconds_count{result="ok"} 1.0',
        't2v_subtitle_seconds_sum{result="ok"} 0.03',
    } <= shown(registry)


@pytest.mark.usefixtures("subtitles")
def test_prometheus_finds_nothing_to_mend_in_the_metric(registry: ProcessRegistry) -> None:
    prometheus = find_programs()[PROMETHEUS.name]
    promtool = prometheus.path.with_name("promtool")
    if not promtool.exists():
        pytest.skip("promtool is not installed beside prometheus")
    checked = subprocess.run(
        [promtool, "check", "metrics"],
        input=render(registry)[0],
        capture_output=True,
        check=False,
        env=os.environ | prometheus.env,
    )
    assert (checked.returncode, checked.stderr.decode()) == (0, "")
