"""The commands of the README as a user meets them: results, errors, signals, and nothing left behind."""

import signal
import socket
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.pdfgen.canvas import Canvas

import cli as command_line
from contract.runfolder import JOBS, QUERIES, RESULT, RUN, Result, RunInfo, Verdict
from tests.integration.conftest import Cli, descendants

BOUND = 90
Called = Callable[..., tuple[int, str, str]]


def ended(process: "subprocess.Popen[str]") -> tuple[int, str, str]:
    out, err = process.communicate(timeout=BOUND)
    return process.returncode, out, err


def wait_for_line(process: "subprocess.Popen[str]", words: str, stream: str) -> None:
    """Reads until a line holds `words`; pytest's timeout bounds the wait."""
    lines = process.stdout if stream == "out" else process.stderr
    assert lines
    seen = []
    for line in lines:
        seen.append(line)
        if words in line:
            return
    raise AssertionError(f"{words!r} never came: {''.join(seen)}")


@pytest.fixture
def called(places: Mapping[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Called:
    """Calls the command line in this process: for commands that end before they start one."""
    for name, value in places.items():
        monkeypatch.setenv(name, value)

    def call(*args: str) -> tuple[int, str, str]:
        try:
            status = command_line.main([*args])
        except SystemExit as end:  # argparse's way
            status = int(end.code or 0)
        return status, *capsys.readouterr()

    return call


def pdf(path: Path, text: str, *, password: str | None = None) -> Path:
    canvas = Canvas(str(path), encrypt=StandardEncryption(password, canPrint=0) if password else None)
    canvas.drawString(72, 720, text)
    canvas.save()
    return path


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (["scenario", "nosuch"], "There is no scenario 'nosuch'; there are:"),
        (["scenario", "single", "--jobs", "0"], "is not a whole number from 1 up"),
        (["scenario", "single", "--seed", "x"], "is not a whole number from 0"),
        (["scenario", "single", "--document", "no.pdf"], "no.pdf"),
        (["query", " "], "Say what to ask"),
        (["scenario", "single", "--with", "T2V_SLOTS=4"], "WITH goes with REPEAT"),
        (["scenario", "single", "--repeat", "2", "--with", "SLOTS=4"], "'SLOTS=4' is no setting of the workload"),
        (["scenario", "single", "--repeat", "2", "--with", "T2V_SLOTS=32"], "changes nothing"),
        (["scenario", "single", "--repeat", "2", "--with", "T2V_SLOTS=many"], "does not fit"),
        (["scenario", "reliability", "--repeat", "2"], "REPEAT goes with one scenario"),
        (["scenario", "stress", "--repeat", "2"], "REPEAT does not go with it"),
        (["ablation", "--repeat", "1"], "An ablation needs two seeds"),
        (["compare", "--a", "x", "--b", "y", "--confidence", "2"], "no confidence"),
        (["dance"], "invalid choice"),
    ],
)
def test_wrong_usage_ends_with_2_and_a_sentence(called: Called, args: list[str], sentence: str) -> None:
    status, _, err = called(*args)
    assert status == 2
    assert sentence in err


def test_a_setting_that_does_not_fit_is_named(cli: Cli) -> None:
    status, _, err = ended(cli("scenario", "single", T2V_SLOTS="-1"))
    assert status == 2
    assert "T2V_SLOTS" in err


def test_a_query_without_a_stack_says_how_to_start_one(called: Called) -> None:
    status, _, err = called("query", "up")
    assert status == 3
    assert "make up" in err


def test_a_taken_port_is_named(called: Called) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, _, err = called("up", "--api-port", str(port))
    assert status == 3
    assert f"Port {port} is taken" in err


def test_the_scenarios_are_listed_with_a_line_each(called: Called) -> None:
    status, out, _ = called("scenarios")
    assert status == 0
    assert any(line.startswith("single") and "One job after another" in line for line in out.splitlines())


def test_a_document_that_the_service_refuses_ends_with_2_and_the_reason(cli: Cli, tmp_path: Path) -> None:
    encrypted, no_pdf = tmp_path / "encrypted.pdf", tmp_path / "text.pdf"
    pdf(encrypted, "Nobody may read this sentence without the word.", password="word")
    no_pdf.write_text("This is no PDF.")
    wait_for_line(cli("up"), "Ctrl-C stops everything", "out")
    for path, reason in ((encrypted, "protected by a password"), (no_pdf, "does not begin like a PDF")):
        status, _, err = ended(cli("scenario", "single", "--jobs", "2", "--document", str(path)))
        assert status == 2, err
        assert "The document cannot be used: The document " in err
        assert reason in err


def test_planted_defects_make_the_run_invalid_and_fail_its_integrity(cli: Cli, places: Mapping[str, str]) -> None:
    """One job that its worker leaves uncounted, and videos that show their scenes in the wrong order."""
    planted = "skip-job-count,swap-scenes"
    status, out, err = ended(cli("scenario", "single", "--jobs", "4", "--seed", "3", T2V_PLANT=planted))
    assert status == 3, out + err
    result = Result.model_validate_json((Path(places["REELBENCH_RUNS"]) / "latest" / RESULT).read_bytes())
    assert result.verdict is Verdict.INVALID
    assert [entry.name for entry in result.books if not entry.passed] == ["completed"]
    assert "3 by workers" in result.reasons[0]
    assert "INVALID" in (Path(places["REELBENCH_REPORTS"]) / "performance_report.md").read_text()

    assert [target.name for target in result.targets if not target.passed] == ["integrity"]
    assert (result.integrity.sound, result.integrity.sound_videos) == (44, 0)
    assert len(result.integrity.losses) == 4
    assert "scene 1 shows" in result.integrity.losses[0]


@pytest.mark.parametrize(("number", "generators"), [(signal.SIGINT, "2"), (signal.SIGTERM, "1")])
def test_a_stopped_run_leaves_nothing_behind(
    cli: Cli, places: Mapping[str, str], number: signal.Signals, generators: str
) -> None:
    process = cli("scenario", "single", "--generators", generators)
    wait_for_line(process, "warm-up", "err")
    process.send_signal(number)
    status, _, err = ended(process)
    assert status == 128 + number
    assert "stopped by" in err
    assert descendants(places) == []


def test_scenario_and_query_use_the_stack_that_is_up(cli: Cli, places: Mapping[str, str]) -> None:
    up = cli("up")
    wait_for_line(up, "Ctrl-C stops everything", "out")
    status, out, err = ended(cli("scenario", "single", "--jobs", "4", "--seed", "5"))
    assert status == 0, out + err
    assert "using the running stack" in err
    folder = Path(places["REELBENCH_RUNS"]) / "latest"
    assert {RUN, JOBS, RESULT, QUERIES, "sample.mp4", "logs"} <= {path.name for path in folder.iterdir()}
    assert (folder / "logs" / "worker-1.log").exists()
    assert RunInfo.model_validate_json((folder / RUN).read_bytes()).seed == 5
    assert (folder / "performance_report.md").exists()
    assert "One job after another" in (folder / "index.html").read_text()
    assert "page    " in out

    status, out, _ = ended(cli("query", "sum by (outcome) (t2v_jobs_finished_total)"))
    assert status == 0
    assert "completed     12" in out
    status, _, err = ended(cli("query", "sum by ("))
    assert status == 2
    assert "parse error" in err
    assert ended(cli("up"))[0] == 2

    status, out, err = ended(cli("scenario", "data-integrity", "--jobs", "6", "--seed", "5"))
    assert status == 0, out + err
    assert (folder / "reliability_report.md").exists()
    assert not list((folder / "figures").glob("performance_*")), "figures of another report"
    assert (Path(places["REELBENCH_REPORTS"]) / "reliability_report.md").exists()

    status, out, err = ended(cli("scenario", "single", "--jobs", "2", "--seed", "5", "--repeat", "2"))
    assert status == 0, out + err
    assert "run 2 of 2: single, seed " in err
    assert "2 runs: 2 UNDER-SAMPLED, 0 missed a target" in out
    assert {run.name[-2:] for run in (folder / "runs").iterdir()} == {".1", ".2"}
    assert (folder / "repeats.md").exists()

    up.send_signal(signal.SIGINT)
    assert ended(up)[0] == 130
