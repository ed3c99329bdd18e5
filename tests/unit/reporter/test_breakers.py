"""When breakers opened and closed, from readings of a gauge once a second."""

from pathlib import Path
from typing import Any

import pytest

from contract.calls import BreakerState
from reporter.breakers import changes, spells
from reporter.indicator import Indicator
from reporter.indicators import indicators
from reporter.runs import Run
from tests.unit.reporter.folders import START, Folder
from tests.unit.reporter.spoilt import OUTAGE, changed, llm_outage, tts_failures


def of(tmp_path: Path, run: Folder, name: str) -> Indicator:
    return indicators(Run.load(run.write(tmp_path)))[name]


def outage(fault: dict[str, Any] = OUTAGE) -> Folder:
    """The run of an outage, without readings of any breaker."""
    run = llm_outage()
    run.info["provider_faults"] = [fault]
    del run.answers["series.breaker_changed"]
    return run


def test_detection_runs_from_the_start_of_the_fault_to_the_first_opening(tmp_path: Path) -> None:
    """5.0 to 5.8 s, to the digit, although the gauge is read once a second."""
    found = of(tmp_path, llm_outage(), "detect_time")
    assert found.value == pytest.approx(0.8)
    assert (found.n, found.note) == (6, "llm outage: the first of 6 openings")


def test_closing_runs_from_the_end_of_the_fault_to_the_last_closing(tmp_path: Path) -> None:
    """9.0 to 11.5 s."""
    found = of(tmp_path, llm_outage(), "close_time")
    assert found.value == pytest.approx(2.5)
    assert (found.n, found.note) == (2, "llm outage: the last of 2 closings")


def test_changes_are_counted_over_all_workers_and_providers(tmp_path: Path) -> None:
    assert of(tmp_path, llm_outage(), "breaker_opened") == Indicator(6.0, 6, "llm 6, tts 0, visual 0")
    assert of(tmp_path, llm_outage(), "breaker_closed") == Indicator(2.0, 2, "llm 2, tts 0, visual 0")


def test_a_breaker_that_never_changed_is_counted_as_such(tmp_path: Path) -> None:
    """0 is a count; what nobody counted is none."""
    assert of(tmp_path, tts_failures(), "breaker_opened").value == 0
    run = tts_failures()
    del run.answers["breaker.transitions"]
    assert of(tmp_path, run, "breaker_opened") == Indicator(None)


def test_an_opening_before_the_fault_or_of_another_provider_detects_nothing(tmp_path: Path) -> None:
    run = outage()
    changed(run, "worker-1", open=[2.0], half_open=[3.1], closed=[4.0])
    found = of(tmp_path / "before", run, "detect_time")
    assert found == Indicator(None, 0, "no breaker opened after the start of llm outage")
    assert of(tmp_path / "before", run, "close_time").value is None
    run = outage(OUTAGE | {"provider": "tts"})
    changed(run, "worker-1", open=[5.8], closed=[9.5])
    assert of(tmp_path / "other", run, "detect_time").value is None


def test_without_readings_nothing_is_known(tmp_path: Path) -> None:
    """Which is not the same as a breaker that did not open."""
    assert of(tmp_path, outage(), "detect_time") == Indicator(None)
    assert of(tmp_path, outage(), "close_time") == Indicator(None)


def test_without_a_fault_of_a_provider_there_is_nothing_to_detect(tmp_path: Path) -> None:
    run = llm_outage()
    run.info["provider_faults"] = []
    assert of(tmp_path, run, "detect_time") == Indicator(None, 0)


def test_a_breaker_that_stayed_open_has_no_time_to_close(tmp_path: Path) -> None:
    """However soon the other worker's closed."""
    run = outage()
    changed(run, "worker-1", open=[5.8], half_open=[9.1], closed=[9.5])
    changed(run, "worker-2", open=[5.9], half_open=[9.2])
    found = of(tmp_path, run, "close_time")
    assert found == Indicator(None, 1, "still open after llm outage: worker-2")


def test_a_fault_that_lasts_to_the_end_has_no_time_to_close(tmp_path: Path) -> None:
    run = llm_outage()
    del run.info["provider_faults"][0]["duration"]
    assert of(tmp_path, run, "close_time").value is None
    assert of(tmp_path, run, "detect_time").value == pytest.approx(0.8)


def test_a_second_fault_of_the_provider_does_not_stretch_the_first(tmp_path: Path) -> None:
    run = outage()
    run.info["provider_faults"] = [OUTAGE | {"at": 20.0}, OUTAGE]
    changed(run, "worker-1", open=[5.8, 21.0], half_open=[9.2, 24.5], closed=[9.5, 26.0])
    assert of(tmp_path, run, "close_time").value == pytest.approx(0.5)
    assert of(tmp_path, run, "detect_time").value == pytest.approx(0.8)


def test_the_times_in_which_a_breaker_was_not_closed(tmp_path: Path) -> None:
    """In order, each until the next change; one that lasts on is cut where the look ends."""
    run = outage()
    changed(run, "worker-1", open=[5.5], half_open=[7.0], closed=[8.0])
    changed(run, "worker-2", open=[6.5])
    loaded = Run.load(run.write(tmp_path))
    found = [(one.instance, one.state, one.start - START, one.end - START) for one in spells(loaded, START + 20)]
    assert found == [
        ("worker-1", BreakerState.OPEN, 5.5, 7.0),
        ("worker-2", BreakerState.OPEN, 6.5, 20.0),
        ("worker-1", BreakerState.HALF_OPEN, 7.0, 8.0),
    ]
    assert len(changes(loaded) or []) == 4


def test_of_two_openings_between_two_readings_the_later_is_known(tmp_path: Path) -> None:
    """The count says that there were more."""
    run = outage()
    changed(run, "worker-1", open=[5.2, 5.9], closed=[9.5])
    assert of(tmp_path, run, "detect_time").value == pytest.approx(0.9)
