"""`compare` and `report` of sets of runs, as a user or a pipeline calls them."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

import cli
from contract.runset import Member, SetKind
from tests.unit.reporter.folders import single
from tests.unit.reporter.sets import repeat, write_set

SEEDS = (1, 2, 3, 4, 5)
Called = Callable[..., tuple[int, str, str]]


@pytest.fixture
def runs(places: Mapping[str, str]) -> Path:
    """Three sets: `base`, `same` and one in which the LLM takes a tenth longer."""
    folder = Path(places["REELBENCH_RUNS"])
    for place, (name, slower) in enumerate((("base", 0.0), ("same", 0.0), ("slow", 0.1))):
        members = [
            (Member(run=f"{name}.{seed}", scenario="single", seed=seed), repeat(seed, place, slower=slower))
            for seed in SEEDS
        ]
        write_set(folder / name, SetKind.REPEATS, members, len(SEEDS))
    return folder


@pytest.fixture
def called(places: Mapping[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Called:
    for name, value in places.items():
        monkeypatch.setenv(name, value)

    def call(*args: str) -> tuple[int, str, str]:
        return cli.main([*args]), *capsys.readouterr()

    return call


@pytest.mark.usefixtures("runs")
def test_a_gate_lets_the_same_pass_and_stops_what_is_slower(called: Called) -> None:
    status, out, _ = called("compare", "--a", "base", "--b", "same")
    assert (status, "no difference shown by response time, mean" in out) == (0, True)
    status, out, _ = called("compare", "--a", "base", "--b", "slow")
    assert (status, "worse by response time, mean at 99 % confidence" in out) == (1, True)
    assert "stage script (LLM), mean: worse" in out
    assert called("compare", "--a", "slow", "--b", "base")[0] == 0
    assert called("compare", "--a", "base", "--b", "slow", "--on", "assemble")[0] == 0


def test_single_runs_are_named_one_by_one_and_decide_nothing(called: Called, runs: Path) -> None:
    status, out, _ = called("compare", "--a", "base/runs/base.1", "--b", str(runs / "slow/runs/slow.1"))
    assert (status, "undecided" in out) == (3, True)
    several = ",".join(f"base/runs/base.{seed}" for seed in SEEDS)
    assert called("compare", "--a", several, "--b", "slow")[0] == 1


def test_runs_of_another_workload_are_compared_only_if_that_is_meant(called: Called, runs: Path) -> None:
    for path in (runs / "slow").rglob("run.json"):
        path.write_text(path.read_text().replace('"slots":32', '"slots":4'))
    status, _, err = called("compare", "--a", "base", "--b", "slow")
    assert (status, "workload, slots: 32 and 4" in err, "ANYWAY=1" in err) == (2, True, True)
    status, out, _ = called("compare", "--a", "base", "--b", "slow", "--anyway")
    assert status == 1
    report = runs.parent / out.split("report  ")[1].splitlines()[0]
    assert "- workload, slots: 32 and 4" in report.read_text()
    assert "<li>workload, slots: 32 and 4" in (report.parent / "index.html").read_text()


@pytest.mark.usefixtures("runs")
@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (["--a", "base"], "Say what to compare"),
        (["--a", "base", "--b", "nosuch"], "There is no finished run 'nosuch'"),
        (["--a", "base", "--b", "same", "--rung", "users-5"], "which rung"),
        (["--a", "base", "--b", "base"], "named twice"),
        (["--a", "base", "--b", "base/runs/base.1"], "part of both sides"),
    ],
)
def test_wrong_usage_is_a_sentence(called: Called, args: list[str], sentence: str) -> None:
    status, _, err = called("compare", *args)
    assert (status, sentence in err) == (2, True)


def test_the_report_of_a_set_is_written_again_without_prometheus(called: Called, runs: Path) -> None:
    assert called("report", "base")[0] == 0
    text = (runs / "base" / "repeats.md").read_text()
    assert "5 runs: 5 VALID" in text
    assert called("report", "base")[0] == 0
    assert (runs / "base" / "repeats.md").read_text() == text
    assert "5 runs: 5 VALID" in (runs / "base" / "index.html").read_text()


def test_a_run_without_a_report_is_told_how_to_get_one_and_keeps_the_one_it_has(called: Called, runs: Path) -> None:
    single().write(runs / "bare")
    status, _, err = called("paper", "bare")
    assert (status, "make report RUN=bare" in err) == (2, True)
    assert called("report", "bare")[0] == 0
    status, out, _ = called("paper", "bare")
    assert (status, "figures, sample.tex, manifest.json" in out) == (0, True)
    (runs / "bare" / "performance_report.md").write_text("of all runs of a suite")
    assert called("report", "bare")[0] == 0
    assert (runs / "bare" / "performance_report.md").read_text() == "of all runs of a suite"
