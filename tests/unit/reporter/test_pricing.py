import math
from pathlib import Path

import pytest

from contract.errors import UsageError
from reporter.pricing import EXAMPLE, Prices, bill, load_prices, price_file, wasted
from reporter.runs import Run
from reporter.sections.resources.cost import cost
from reporter.spending_recommendations import spending
from tests.unit.reporter.folders import Folder
from tests.unit.reporter.spent import JOBS, WALL, spent

PRICES = Prices(
    label="of this test",
    currency="EUR",
    input_tokens_1000=1.0,
    output_tokens_1000=2.0,
    characters_1000=4.0,
    image=8.0,
    cpu_hour=3600.0,
    memory_gb_hour=3600.0,
    sent_gb=1e9,
)


def run(tmp_path: Path, folder: Folder) -> Run:
    return Run.load(folder.write(tmp_path / "run"))


def test_the_example_is_labelled_as_one_and_taken_unless_another_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REELBENCH_PRICES", raising=False)
    assert price_file() == EXAMPLE
    assert "example" in load_prices(EXAMPLE).label
    monkeypatch.setenv("REELBENCH_PRICES", "mine.toml")
    assert price_file() == Path("mine.toml")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("image = 0.011", ""), "image: this price is missing"),
        (("image = 0.011", "image = -1"), "image: Input should be greater than or equal to 0"),
        (("image = 0.011", "image = inf"), "image: Input should be a finite number"),
        (("image = 0.011", 'image = "cheap"'), "image: Input should be a valid number"),
        (("image = 0.011", "image = 0.011\nimages = 1"), "images: there is no such price"),
    ],
    ids=["missing", "negative", "infinite", "text", "unknown"],
)
def test_a_table_that_does_not_fit_is_one_sentence_with_file_and_key(
    tmp_path: Path, change: tuple[str, str], said: str
) -> None:
    path = tmp_path / "prices.toml"
    assert change[0] in EXAMPLE.read_text()
    path.write_text(EXAMPLE.read_text().replace(*change))
    with pytest.raises(UsageError, match=f"The price table {path} does not fit: {said}"):
        load_prices(path)


def test_a_table_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read: No such file"):
        load_prices(tmp_path / "none.toml")
    (tmp_path / "broken.toml").write_text("image = ")
    with pytest.raises(UsageError, match="is not TOML"):
        load_prices(tmp_path / "broken.toml")


def test_a_bill_is_amounts_times_prices_and_sums(tmp_path: Path) -> None:
    found = bill(run(tmp_path, spent()), PRICES)
    amounts = {item.title: item.amount for item in found.items}
    assert amounts["input tokens"] == 6 * JOBS
    assert amounts["images"] == 5 * JOBS
    # 0.6 s of the service, 2.1 of the workers, 0.9 and 1.0 of their sandboxes; the rig's is not billed
    assert amounts["CPU"] == pytest.approx(4.6 / 3600)
    assert amounts["memory"] == pytest.approx(0.35 * WALL / 3600)
    assert amounts["data sent"] == pytest.approx((3 * 2_000 + 48_000) * JOBS / 1e9)
    assert found.whole == pytest.approx(math.fsum(item.money or math.nan for item in found.items))
    per_job = 6 * 1 + 0.4 * 2 + 0.5 * 4 + 5 * 8 + (4.6 + 0.35 * WALL) / JOBS + 3 * 2_000 + 48_000
    assert found.per_1000 == pytest.approx(1000 * per_job)


def test_all_that_was_used_is_shared_by_the_jobs_that_succeeded(tmp_path: Path) -> None:
    """Half of the jobs fail, and used as much: the others cost twice as much."""
    good = bill(run(tmp_path / "good", spent()), PRICES)
    folder = spent()
    measured = [job for job in folder.jobs if job["phase"] == "measure"]
    for job in measured[::2]:
        job["outcome"] = "failed"
    half = bill(run(tmp_path / "half", folder), PRICES)
    assert half.jobs == JOBS / 2
    assert half.whole == pytest.approx(good.whole)
    assert half.per_1000 == pytest.approx(2 * (good.per_1000 or math.nan))


@pytest.mark.parametrize("query", ["call.usage", "call.wire", "memory.held", "cpu.processes"])
def test_an_amount_that_is_unknown_makes_the_sum_unknown_and_never_0(tmp_path: Path, query: str) -> None:
    folder = spent()
    del folder.answers[query]
    found = bill(run(tmp_path, folder), PRICES)
    assert (found.whole, found.per_1000, found.month(1.0)) == (None, None, None)


def test_without_a_successful_job_there_is_no_cost_of_one(tmp_path: Path) -> None:
    folder = spent()
    for job in folder.jobs:
        job["outcome"] = "failed"
    assert bill(run(tmp_path, folder), PRICES).per_1000 is None


def test_a_month_pays_for_jobs_by_their_number_and_for_the_memory_of_whole_stacks(tmp_path: Path) -> None:
    found = bill(run(tmp_path, spent()), PRICES)
    assert found.throughput == pytest.approx(JOBS / WALL)
    rate = 2.5 * JOBS / WALL
    assert [found.stacks(rate / 100), found.stacks(rate)] == [1, 3]
    memory = next(item for item in found.items if item.title == "memory")
    by_job = ((found.whole or math.nan) - (memory.money or math.nan)) / JOBS
    assert found.month(rate) == pytest.approx(by_job * rate * 3600 * 730 + 3600 * 0.35 * 730 * 3)


def test_answers_of_no_use_are_told_what_they_cost(tmp_path: Path) -> None:
    folder = spent()
    first = next(job for job in folder.jobs if job["phase"] == "measure")
    speech = next(call for call in first["timings"]["calls"] if call["provider"] == "tts")
    speech |= {"result": "ok", "usage": {"characters": 700}}
    first["timings"]["calls"].append(speech | {"attempt": 2, "result": "bad_payload", "usage": {"characters": 500}})
    assert wasted(run(tmp_path, folder), PRICES) == 0.5 * 4


def test_the_section_tells_the_bill_and_what_makes_it_a_lower_bound(tmp_path: Path) -> None:
    folder = spent()
    folder.answers["call.usage_untold"] = [{"labels": {"provider": "llm"}, "value": 3}]
    folder.count("call.results", 2, provider="tts", result="cancelled")
    text = "\n".join(cost({"single": run(tmp_path, folder)}, PRICES, "figures/resources_cost.svg"))
    assert "Prices: **of this test**, in EUR." in text
    assert "3 answers could not be read" in text
    assert "2 calls were given up without an answer" in text
    assert "(figures/resources_cost.svg)" in text
    assert "730 h" in text


def test_the_section_of_a_run_without_figures_says_no_data_and_of_none_not_run(tmp_path: Path) -> None:
    folder = spent()
    del folder.answers["call.usage"]
    assert "no data" in "\n".join(cost({"single": run(tmp_path, folder)}, PRICES))
    assert "not run" in "\n".join(cost({}, PRICES))


def test_the_largest_item_is_recommended_for_saving_and_an_invalid_run_recommends_nothing(tmp_path: Path) -> None:
    dear = PRICES.model_copy(update={"sent_gb": 0.0, "memory_gb_hour": 0.0})
    folder = spent()
    advice = spending({"single": run(tmp_path / "good", folder)}, dear)
    assert "`single` is images" in advice[-1]
    folder.result["verdict"] = "invalid"
    assert spending({"single": run(tmp_path / "bad", folder)}, dear) == []
