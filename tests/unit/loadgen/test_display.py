import io

from rich.console import Console

from contract.catalogue import Phase
from loadgen.display import Display
from loadgen.runner import Progress
from tests.unit.loadgen.handmade import record

ONE_LINE_UP = "\x1b[1A"


def play(console: Console) -> None:
    """A run of 30 jobs as its display lives it."""
    with Display(console) as display:
        progress = Progress(changed=display.show)
        progress.enter(Phase.WARMUP, 2)
        for index in range(2):
            progress.add(record(index))
        progress.enter(Phase.SETTLE)
        progress.enter(Phase.MEASURE, 30)
        for index in range(30):
            progress.add(record(index, response_seconds=0.5))
        progress.enter(Phase.SETTLE)


def test_without_a_terminal_each_phase_is_a_line_when_it_begins_and_one_when_all_is_done() -> None:
    out = io.StringIO()
    play(Console(file=out))
    assert out.getvalue().splitlines() == [
        "warm-up 0 of 2",
        "warm-up 2 of 2, last completed",
        "settling",
        "measuring 0 of 30",
        "measuring 30 of 30, last completed in 0.50 s",
        "settling",
    ]


def test_a_terminal_shows_a_bar_that_forgets_the_total_of_the_phase_before() -> None:
    out = io.StringIO()
    play(Console(file=out, force_terminal=True, width=100))
    shown = out.getvalue()
    last = shown[shown.rindex("settling") :]
    assert "0/?" in last
    assert "/30" not in last
    assert last.count(ONE_LINE_UP) == 1, "what is wiped at the end is one line high"


def test_a_request_that_failed_is_shown_by_its_reason() -> None:
    out = io.StringIO()
    with Display(Console(file=out)) as display:
        progress = Progress(changed=display.show)
        progress.enter(Phase.MEASURE, 1)
        progress.add(record(0, outcome=None, id=None, request_failure="timeout"))
    assert out.getvalue().splitlines()[-1] == "measuring 1 of 1, last timeout"
