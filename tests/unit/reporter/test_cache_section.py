"""What the report says of the cache, from a run made by hand whose every figure is known."""

from pathlib import Path

import pytest

from reporter.cache_recommendations import cache_recommendations
from reporter.caching import audit_of, cache_hit_rate, first_asked
from reporter.runs import Run
from reporter.sections.resources.cache import cache
from tests.unit.reporter.folders import Folder, single

MIB = 2**20
PER_JOB = {"llm": 1, "tts": 5, "visual": 5}


def twice(results: str = "hit") -> Folder:
    """Ten inputs, asked for by two jobs each; the second came to `results` and, where that saves calls, made none."""
    run = single(n=20, warmup=0)
    run.info["scenario"] = run.result["scenario"] = "cache"
    for index, job in enumerate(run.jobs):
        calls, again = job["timings"]["calls"], index % 2 == 1
        job["input"] = index // 2
        job["timings"]["lookups"] = [
            {
                "provider": call["provider"],
                "scene": call["scene"],
                "request": f"{call['provider']}-{index // 2}-{call['scene']}",
                "result": results if again else "miss",
                "seconds": 0.001,
                "saved": 0.25 if again and results == "hit" else 0.0,
            }
            for call in calls
        ]
        for call in calls:
            call["result"], call["seconds"], call["planned"] = "ok", 0.25, 0.24
        if again and results == "hit":
            job["timings"]["calls"] = []
    for provider, n in PER_JOB.items():
        lookups, hits = 20 * n, 10 * n if results == "hit" else 0
        for result in ("hit", "coalesced", "miss", "abandoned", "down", "slow", "corrupt"):
            counted = {"miss": 10 * n, results: 10 * n}.get(result, 0)
            run.count("cache.lookups", counted, provider=provider, result=result)
        for result, kept in (("stored", 10 * n), ("failed", 0), ("dropped", 0)):
            run.count("cache.stores", kept, provider=provider, result=result)
        run.count("cache.saved", 0.25 * hits, provider=provider)
        run.count("cache.bytes", hits * MIB, provider=provider, direction="received")
        run.count("cache.bytes", 10 * n * MIB, provider=provider, direction="sent")
        run.answers["mock.calls"] = [s for s in run.answers["mock.calls"] if s["labels"]["provider"] != provider]
        run.count("mock.calls", lookups - hits, provider=provider, status="200")
        run.result["books"].append(
            {"name": f"cache lookups, {provider}", "parties": {"client": lookups, "records": lookups}, "pass": True}
        )
    run.count("cache.evicted", 0)
    run.count("cache.memory", 30 * MIB)
    run.count("cache.limit", 64 * MIB)
    return run


def loaded(folder: Path, run: Folder) -> Run:
    return Run.load(run.write(folder))


def section(folder: Path, run: Folder) -> str:
    return "\n\n".join(cache(loaded(folder, run)))


def test_without_a_run_it_was_not_run() -> None:
    assert cache(None) == ["Scenario `cache`: not run."]


def test_a_run_without_lookups_has_no_data(tmp_path: Path) -> None:
    assert section(tmp_path, single()) == "Scenario `single`: no data of lookups in the cache."


def test_the_hit_rate_is_hits_over_lookups_and_beside_it_stands_what_was_achievable(tmp_path: Path) -> None:
    found = cache_hit_rate(loaded(tmp_path, twice()))
    assert (found.value, found.n) == (0.5, 220)
    assert found.note is not None
    assert found.note.startswith("110 of 220 lookups; exact 95 % interval 43.")
    assert found.note.endswith("110 of 110 achievable hits")


def test_an_answer_that_was_shared_under_way_is_a_hit(tmp_path: Path) -> None:
    run = twice()
    for sample in run.answers["cache.lookups"]:
        sample["labels"]["result"] = {"hit": "coalesced", "coalesced": "hit"}.get(*[sample["labels"]["result"]] * 2)
    assert cache_hit_rate(loaded(tmp_path, run)).value == 0.5


def test_each_kind_has_its_row_and_the_mocks_tell_the_same(tmp_path: Path) -> None:
    text = section(tmp_path, twice())
    rows = {tuple(cell.strip() for cell in line.split("|")[1:-1]) for line in text.splitlines() if line.startswith("|")}
    assert ("narration", "100", "50", "0", "50.0 %", "50", "50", "0", "0", "0", "0") in rows
    assert ("narration", "50", "12.500 s", "50.00 MiB", "50.00 MiB", "50", "0", "0") in rows
    assert ("narration", "100", "50", "50", "50", "50", "–", "12.500 s", "12.500 s", "12.000 s") in rows
    assert ("asked for it again", "10", "110", "110", "100.0 %") in {row[:5] for row in rows}
    assert "narration  50.0 %  ####################" in text
    assert "used 30.00 MiB at most, of 64.00 MiB that it may use, and forgot 0 entries" in text
    assert "Each of these counts is told alike by every party that keeps it." in text


def test_what_does_not_balance_is_told(tmp_path: Path) -> None:
    run = twice()
    run.result["books"][-1] |= {"pass": False}
    text = section(tmp_path, run)
    assert "What does not balance:\n\n- cache lookups, visual" in text
    assert "told alike" not in text


def test_a_count_that_nobody_told_is_no_data_and_not_zero(tmp_path: Path) -> None:
    run = twice()
    del run.answers["cache.evicted"], run.answers["cache.saved"]
    text = section(tmp_path, run)
    assert "forgot no data entries" in text
    assert "no data" in next(line for line in text.splitlines() if line.startswith("| script") and "MiB" in line)


def test_lookups_of_which_one_provider_tells_nothing_have_no_rate(tmp_path: Path) -> None:
    run = twice()
    run.answers["cache.lookups"] = [s for s in run.answers["cache.lookups"] if s["labels"]["provider"] != "tts"]
    told = loaded(tmp_path, run)
    assert cache_hit_rate(told).value is None
    assert not any("saved" in sentence for sentence in cache_recommendations(told))


def test_calls_for_what_had_been_called_for_are_counted_apart(tmp_path: Path) -> None:
    audit = audit_of(loaded(tmp_path, twice("slow")).measured)
    assert {p: (one.hits, one.achievable, one.calls, one.again) for p, one in audit.items()} == {
        "llm": (0, 10, 20, 10),
        "tts": (0, 50, 100, 50),
        "visual": (0, 50, 100, 50),
    }


def test_who_asked_first_is_told_by_due_time(tmp_path: Path) -> None:
    run = twice()
    run.jobs[0]["due"], run.jobs[1]["due"] = run.jobs[1]["due"], run.jobs[0]["due"]
    first, repeated = first_asked(loaded(tmp_path, run).measured)
    assert (len(first), len(repeated)) == (10, 10)
    assert first[0].index == 1
    assert 0 in {record.index for record in repeated}


def advice(folder: Path, run: Folder) -> list[str]:
    return list(cache_recommendations(loaded(folder, run)))


def test_a_good_cache_is_worth_keeping(tmp_path: Path) -> None:
    (saved,) = advice(tmp_path, twice())
    assert saved == (
        "The cache saved 110 of 220 calls and 27.5 s of waiting for providers in `cache`: keep it on where inputs come "
        "again."
    )


def test_a_cache_that_is_slow_is_told_with_what_it_cost(tmp_path: Path) -> None:
    had, unusable = advice(tmp_path, twice("slow"))
    assert had.startswith("0 of 110 achievable hits were had in `cache` (0.0 %)")
    assert unusable.startswith("The cache was of no use in 110 of 220 lookups (50.0 %)")


@pytest.mark.parametrize(
    ("query", "value", "sentence"),
    [
        ("cache.evicted", 7, "The cache forgot 7 entries to make room: raise `cache_bytes` (67,108,864)."),
        (
            "cache.memory",
            60 * MIB,
            "The cache used 93.8 % of its memory: soon it forgets entries. Raise `cache_bytes`.",
        ),
    ],
)
def test_a_cache_that_is_full_wants_more_room(tmp_path: Path, query: str, value: float, sentence: str) -> None:
    run = twice()
    run.answers[query][0]["value"] = value
    assert sentence in advice(tmp_path, run)
