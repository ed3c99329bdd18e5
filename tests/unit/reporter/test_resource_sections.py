"""What the report says of memory and CPU."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from reporter.pricing import EXAMPLE, load_prices
from reporter.resource_pictures import draw
from reporter.runs import Run
from reporter.sections.resources import cpu, memory
from tests.unit.reporter.resources import MB, resources, steady
from tests.unit.reporter.test_performance import row


def runs(folder: Path, **workers: float) -> dict[str, Run]:
    """By scenario; a keyword gives the bytes that the worker keeps of each job there."""
    names = ("idle", "job-profile", "leak")
    return {
        name: Run.load(resources(name, steady(workers.get(name.replace("-", "_"), 0.0)), users=1).write(folder / name))
        for name in names
    }


BLOCKS: Mapping[str, Callable[[Mapping[str, Run]], list[str]]] = {
    "at rest": memory.at_rest,
    "per job": memory.per_job,
    "leaks": memory.leaks,
    "by stage": cpu.by_stage,
    "utilisation": cpu.utilisation,
    "loop lag": cpu.loop_lag,
    "collecting": cpu.collecting,
}


@pytest.mark.parametrize("block", BLOCKS.values(), ids=BLOCKS)
def test_what_was_not_run_is_said_to_be_so(block: Callable[[Mapping[str, Run]], list[str]]) -> None:
    [text] = block({})
    assert text.endswith(": not run.")


@pytest.mark.parametrize("block", BLOCKS.values(), ids=BLOCKS)
def test_what_has_no_data_is_never_0(tmp_path: Path, block: Callable[[Mapping[str, Run]], list[str]]) -> None:
    empty = {}
    for name in ("idle", "job-profile", "leak"):
        folder = resources(name)
        folder.answers = {}
        empty[name] = Run.load(folder.write(tmp_path / name))
    text = "\n".join(block(empty))
    assert "no data" in text
    assert "0.0 MB" not in text


def test_memory_at_rest_has_a_row_per_process_and_their_sum(tmp_path: Path) -> None:
    text = "\n".join(memory.at_rest(runs(tmp_path)))
    assert row(text, "worker-1, its children")[1:] == ["70.0 MB", "100.0 MB", "–"]
    assert row(text, "**the service**")[1] == "**220.0 MB**"
    assert "mocks" not in text


def test_the_verdict_on_growth_names_the_process_and_its_interval(tmp_path: Path) -> None:
    quiet = "\n".join(memory.leaks(runs(tmp_path / "quiet")))
    leaking = "\n".join(memory.leaks(runs(tmp_path / "leaking", leak=MB)))
    assert float(row(quiet, "worker-1")[-1].rstrip(" %")) < 1
    worker = row(leaking, "worker-1")
    assert worker[1:4] == ["30", "29", "60.0 MB"]
    assert float(worker[-1].rstrip(" %")) > 30


def test_only_growth_beyond_doubt_is_advised_upon(tmp_path: Path) -> None:
    assert not any("grows by" in one for one in memory.recommendations(runs(tmp_path / "quiet")))
    [advice] = [one for one in memory.recommendations(runs(tmp_path / "leaking", leak=MB)) if "grows by" in one]
    assert advice.startswith("worker-1 grows by 1,000 kB per job in `leak`")


def test_cpu_by_process_tells_user_from_system(tmp_path: Path) -> None:
    [_, table] = cpu.by_process(runs(tmp_path)["job-profile"])
    assert row(table, "worker-1")[1:] == ["1,500.0 ms", "500.0 ms", "150.0 ms", "19 %", "900", "12", "8"]
    assert row(table, "worker-1, its children")[3:5] == ["–", "25 %"]
    assert row(table, "worker-1, its children")[-1] == "–"


def test_a_late_loop_is_advised_upon(tmp_path: Path) -> None:
    folder = resources("job-profile")
    folder.answers["loop.p99"][0]["value"] = 0.055
    found = cpu.recommendations({"job-profile": Run.load(folder.write(tmp_path))})
    assert any("The event loops of `worker` are late by 55.0 ms (P99)" in one for one in found)
    assert not any("late by" in one for one in cpu.recommendations(runs(tmp_path)))


def test_few_looks_at_a_loop_carry_a_bound_and_no_p99(tmp_path: Path) -> None:
    folder = resources("job-profile")
    folder.answers["loop.n"][0]["value"] = 298
    few = "\n".join(cpu.loop_lag({"job-profile": Run.load(folder.write(tmp_path / "few"))}))
    assert row(few, "job-profile")[-1] == "≤ 6.0 ms"
    assert row("\n".join(cpu.loop_lag(runs(tmp_path / "many"))), "job-profile")[-1] == "4.0 ms"


def test_a_figure_is_drawn_for_each_run_along_which_memory_is_known(tmp_path: Path) -> None:
    found = draw(runs(tmp_path), load_prices(EXAMPLE), tmp_path / "figures")
    assert found == {
        "memory job-profile": "figures/resources_memory_job-profile.svg",
        "memory leak": "figures/resources_memory_leak.svg",
        "cpu": "figures/resources_cpu.svg",
    }
    for place in found.values():
        assert (tmp_path / place).read_text().startswith("<?xml")
    assert draw({}, load_prices(EXAMPLE), tmp_path / "none") == {}
