from pathlib import Path

import pytest

from reporter.network import traffic
from reporter.pricing import EXAMPLE, load_prices
from reporter.runs import Run
from reporter.sections.resources.network import network
from reporter.spending_recommendations import spending
from tests.unit.reporter.spent import JOBS, spent
from tests.unit.reporter.test_performance import row


def test_traffic_is_told_per_job_and_provider_with_what_the_wire_adds(tmp_path: Path) -> None:
    llm, tts, _ = traffic(Run.load(spent().write(tmp_path)))
    assert (llm.calls, tts.calls) == (1, 5)
    assert (tts.sent.payload, tts.sent.wire) == (4_500, 2_000)
    assert (llm.received.payload, llm.received.wire) == (12_000, 15_000)
    assert llm.received.overhead == 0.25
    assert llm.both.overhead == pytest.approx(17_000 / 12_900 - 1)
    assert llm.opened == 2 / JOBS


def test_a_kernel_that_counts_no_wire_leaves_no_data_and_no_0(tmp_path: Path) -> None:
    folder = spent()
    del folder.answers["call.wire"]
    run = Run.load(folder.write(tmp_path))
    assert all(one.both.wire is None and one.both.overhead is None for one in traffic(run))
    assert row(network({"single": run})[1], "single")[4] == "no data"


def test_the_section_has_a_row_per_provider_and_bars(tmp_path: Path) -> None:
    blocks = network({"single": Run.load(spent().write(tmp_path))})
    assert blocks[1].count("| single") == 3
    assert "single, LLM" in blocks[-1]
    assert network({}) == ["Runs with provider calls: not run."]


def test_connections_that_are_not_kept_and_heavy_heads_are_recommended_against(tmp_path: Path) -> None:
    folder = spent()
    for sample in folder.answers["call.connections"]:
        if sample["labels"] == {"provider": "tts", "event": "opened"}:
            sample["value"] = 5 * JOBS
    advice = spending({"single": Run.load(folder.write(tmp_path))}, load_prices(EXAMPLE))
    assert [one for one in advice if one.startswith("TTS opened 5 connections for 5 calls per job")]
    assert [one for one in advice if one.startswith("The wire carries 31.8 % beyond the payload of LLM")]
