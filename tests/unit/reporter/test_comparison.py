"""Is one set of runs better than another?"""

from collections.abc import Sequence
from pathlib import Path

import pytest

from contract.ablation import CHANGED
from contract.errors import UsageError
from contract.runset import Member, SetKind
from reporter.study.comparison import Comparison, UndecidableError, Word, compare
from reporter.study.comparison_report import comparison_text, headline, write_comparison, write_contrast
from reporter.study.sets import differences, run_set
from tests.unit.reporter.folders import Folder
from tests.unit.reporter.sets import repeat, write_runs, write_set

SEEDS = (1, 2, 3, 4, 5)


def compared(tmp_path: Path, a: Sequence[Folder], b: Sequence[Folder], on: str = "response_mean") -> Comparison:
    one, other = (run_set(name, write_runs(tmp_path / name, folders)) for name, folders in (("A", a), ("B", b)))
    return compare(one, other, on)


def test_a_tenth_more_in_one_stage_is_found_there_and_in_the_response_time(tmp_path: Path) -> None:
    found = compared(tmp_path, [repeat(s, 1) for s in SEEDS], [repeat(s, 2, slower=0.1) for s in SEEDS])
    assert found.pairs == 5
    assert found.verdict.word is Word.WORSE
    script = found.row("script")
    assert script.word is Word.WORSE
    told = script.ratio_interval()
    assert told
    assert told == pytest.approx((1.1, 1.1, 1.1), abs=0.001)
    others = {row.measure.name: row.word for row in found.rows if row.measure.name not in {"script", "response_mean"}}
    assert {others[name] for name in ("parse", "scenes", "assemble", "publish", "queue")} == {Word.NO_DIFFERENCE}
    assert script.effect is not None
    assert 0.1 < script.effect < 0.6


def test_the_other_way_round_it_is_better(tmp_path: Path) -> None:
    found = compared(tmp_path, [repeat(s, 1, slower=0.1) for s in SEEDS], [repeat(s, 2) for s in SEEDS])
    assert (found.verdict.word, found.row("script").word) == (Word.BETTER, Word.BETTER)


def test_more_of_what_should_be_high_is_better(tmp_path: Path) -> None:
    """Half of B's jobs fail: its success rate is worse for being lower."""
    worse = [repeat(s, 2) for s in SEEDS]
    for folder in worse:
        for job in folder.jobs[3::2]:
            job["outcome"] = "failed"
    found = compared(tmp_path, [repeat(s, 1) for s in SEEDS], worse, on="success_rate")
    assert found.verdict.word is Word.WORSE
    assert found.verdict.b == 0.5


@pytest.mark.parametrize("seeds", [(1, 2), SEEDS])
def test_the_same_loss_in_each_run_is_no_certainty(tmp_path: Path, seeds: tuple[int, ...]) -> None:
    """One job of 20 failed in each run of B: two equal services do that, too."""
    b = [repeat(s, 2, jobs=20) for s in seeds]
    for folder in b:
        folder.jobs[-1]["outcome"] = "failed"
    found = compared(tmp_path, [repeat(s, 1, jobs=20) for s in seeds], b, on="success_rate")
    assert found.verdict.word is Word.NO_DIFFERENCE


def test_only_jobs_that_were_done_in_both_count_in_their_times(tmp_path: Path) -> None:
    """That B lost its slow jobs does not make it quicker."""
    b = [repeat(s, 1) for s in SEEDS]
    for folder in b:
        slow = sorted(folder.jobs[3:], key=lambda job: float(job["response_seconds"]))[30:]
        for job in slow:
            job["outcome"] = "failed"
    found = compared(tmp_path, [repeat(s, 1) for s in SEEDS], b)
    assert found.verdict.word is Word.NO_DIFFERENCE
    assert found.verdict.a == found.verdict.b


def test_runs_without_partners_are_left_out_and_named(tmp_path: Path) -> None:
    found = compared(tmp_path, [repeat(s, 1) for s in SEEDS], [repeat(s, 2) for s in (3, 4, 5, 6)])
    assert found.pairs == 3
    assert [run.info.seed for run in found.a.runs] == [run.info.seed for run in found.b.runs]
    assert {line.partition(" has")[0] for line in found.a.left_out} == {"run-1-1 (seed 1)", "run-2-1 (seed 2)"}
    assert "run-6-2 (seed 6) has no partner" in comparison_text(found, [], None)


def test_sets_without_a_common_seed_stand_alone(tmp_path: Path) -> None:
    found = compared(tmp_path, [repeat(s, 1) for s in SEEDS], [repeat(s, 2, slower=2.0) for s in (6, 7, 8, 9, 10)])
    assert (found.pairs, found.verdict.word) == (0, Word.WORSE)
    assert "No seeds are shared" in comparison_text(found, [], None)


def test_a_single_run_on_a_side_decides_nothing(tmp_path: Path) -> None:
    found = compared(tmp_path, [repeat(1, 1)], [repeat(1, 2, slower=1.0)])
    assert found.verdict.word is Word.UNDECIDED
    assert "REPEAT=5" in headline(found)


def test_a_percentile_of_too_few_jobs_decides_nothing(tmp_path: Path) -> None:
    few, fewer = ([repeat(s, take, jobs=10) for s in SEEDS] for take in (1, 2))
    assert compared(tmp_path, few, fewer).row("response_p95").word is Word.UNDECIDED


def test_invalid_runs_are_left_out_and_named(tmp_path: Path) -> None:
    a = [repeat(s, 1) for s in SEEDS]
    a[0].result |= {"verdict": "invalid", "reasons": ["a job is missing"]}
    found = compared(tmp_path, a, [repeat(s, 2) for s in SEEDS])
    assert found.pairs == 4
    assert found.a.left_out[0] == "run-1-1 (seed 1) is INVALID: a job is missing"
    for folder in a:
        folder.result |= {"verdict": "invalid", "reasons": ["a job is missing"]}
    with pytest.raises(UndecidableError, match=r"A has no run that may be used\. run-1-1"):
        compared(tmp_path / "all", a, [repeat(s, 2) for s in SEEDS])


def test_what_was_not_measured_is_no_data_and_decides_nothing(tmp_path: Path) -> None:
    a = [repeat(s, 1) for s in SEEDS]
    del a[2].answers["call.usage"]
    found = compared(tmp_path, a, [repeat(s, 2) for s in SEEDS], on="cost")
    assert (found.verdict.a, found.verdict.word) == (None, Word.UNDECIDED)
    assert "no data" in comparison_text(found, [], None)


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("scenario", "api", "scenario: single and api"),
        ("concurrency", 5, "load: 1 user and 5 users"),
        ("jobs", 61, "jobs: 60 and 61"),
        ("workload", {"pooling": False}, "workload, pooling: True and False"),
        ("machine", {"cores": 4}, "machine, cores: 2 and 4"),
        ("machine", {"memory_bytes": 2**30}, "machine, memory_bytes"),
        ("document", {"sha256": "cd" * 32}, "document"),
        ("provider_faults", [{"provider": "tts", "kind": "error"}], "faults of providers"),
        ("foreign", True, "somebody else's target"),
    ],
)
def test_what_makes_runs_unlike_is_told(tmp_path: Path, key: str, value: object, told: str) -> None:
    one, other = repeat(1, 1), repeat(1, 2)
    other.info[key] = {**other.info[key], **value} if isinstance(value, dict) else value
    runs = run_set("both", write_runs(tmp_path, [one, other])).runs
    (found,) = differences(runs)
    assert found.startswith(told)


def test_runs_that_differ_in_moment_and_seed_are_alike(tmp_path: Path) -> None:
    other = repeat(2, 2)
    other.info["machine"] = other.info["machine"] | {"memory_bytes": 8 * 2**30 - 4096}
    runs = run_set("both", write_runs(tmp_path, [repeat(1, 1), other])).runs
    assert differences(runs) == []
    other.info["workload"] = other.info["workload"] | {"pooling": False}
    runs = run_set("both", write_runs(tmp_path / "meant", [repeat(1, 1), other])).runs
    assert differences(runs, but=["pooling"]) == []


def test_a_set_is_read_as_its_runs(tmp_path: Path) -> None:
    members = [(Member(run=f"r{s}", scenario="single", seed=s), repeat(s, 1)) for s in SEEDS]
    lost = (Member(run="r6", scenario="single", seed=6, broken="Redis did not start"), None)
    found = run_set("A", [write_set(tmp_path / "set", SetKind.REPEATS, [*members, lost], 6)])
    assert found.seeds == list(SEEDS)
    assert found.left_out == ["r6 (seed 6) could not be made: Redis did not start"]


def test_a_set_of_several_variants_is_no_side(tmp_path: Path) -> None:
    members = [
        (Member(run=f"r{v}", scenario="single", seed=1, variant=v), repeat(1, place))
        for place, v in enumerate(("", "cache"))
    ]
    folder = write_set(tmp_path / "set", SetKind.ABLATION, members, 1)
    with pytest.raises(UsageError, match="several kinds"):
        run_set("A", [folder])


def test_a_figure_that_nobody_knows_is_named_with_those_that_there_are(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no figure 'speed'; there are: response_mean"):
        compared(tmp_path, [repeat(1, 1)], [repeat(1, 2)], on="speed")


def test_the_same_runs_give_the_same_bytes(tmp_path: Path) -> None:
    found = compared(tmp_path, [repeat(s, 1) for s in SEEDS], [repeat(s, 2, slower=0.1) for s in SEEDS])
    written = [write_comparison(found, ["workload, x: 1 and 2"], tmp_path / name) for name in ("one", "two")]
    assert written[0].read_bytes() == written[1].read_bytes()
    pictures = [path.parent / "figures" / "comparison.svg" for path in written]
    assert pictures[0].read_bytes() == pictures[1].read_bytes()
    text = written[0].read_text()
    assert "**worse** by response time, mean at 99 % confidence" in text
    assert "- workload, x: 1 and 2" in text


def test_both_sides_of_a_contrast_are_told_apart_by_their_variant(tmp_path: Path) -> None:
    members = [
        (Member(run=f"{s}{v}", scenario="single", seed=s, variant=v), repeat(s, take, slower=slower))
        for s in SEEDS
        for take, (v, slower) in enumerate((("", 0.0), (CHANGED, 0.1)))
    ]
    folder = write_set(tmp_path / "set", SetKind.CONTRAST, members, 5)
    found, report = write_contrast(folder)
    assert (found.pairs, found.verdict.word) == (5, Word.WORSE)
    assert report == folder / "comparison.md"
    assert report.read_text().startswith("# Comparison: single and with T2V_X=1")


def test_seeds_that_come_twice_are_partners_in_order(tmp_path: Path) -> None:
    first, second = ([repeat(1, take), repeat(1, take + 1)] for take in (1, 3))
    found = compared(tmp_path, first[::-1], second)
    assert [run.info.id for run in found.a.runs] == ["run-1-1", "run-1-2"]
    assert [run.info.id for run in found.b.runs] == ["run-1-3", "run-1-4"]
