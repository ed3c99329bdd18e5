"""A target of somebody else's: what needs its API alone is measured, and all else refused."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from contract.runfolder import RESULT, RUN, Result, RunInfo, Verdict
from stack.local import LocalStack
from tests.integration.conftest import Cli
from tests.integration.test_command_line import ended

FEW_JOBS = """
title = "Four jobs of somebody else's service"
description = "Nothing is judged by the clock."

[load]
model = "closed"
users = 2
jobs = 4

[[targets]]
indicator = "integrity"
op = ">="
limit = 1.0
"""


def test_a_scenario_that_needs_the_api_alone_is_measured(
    cli: Cli, stack: LocalStack, places: Mapping[str, str]
) -> None:
    """Its ledger and the load generator's metrics are no parties, and every other count must agree all the same."""
    scenario = Path(places["REELBENCH_RUNS"]).with_name("few-jobs.toml")
    scenario.write_text(FEW_JOBS)
    where = ("--target", f"{stack.api_url}/", "--prometheus", stack.prometheus_url)
    status, out, err = ended(cli("scenario", str(scenario), "--seed", "1", *where))
    assert status == 0, out + err
    assert f"using the target {stack.api_url}" in err
    assert "the target is somebody else's" in out
    [folder] = [one for one in Path(places["REELBENCH_RUNS"]).iterdir() if not one.is_symlink()]
    result = Result.model_validate_json((folder / RESULT).read_bytes())
    assert result.verdict is Verdict.PASS
    told = {entry.name: set(entry.parties) for entry in result.books}
    assert told["submitted"] == {"client", "exporter", "api"}
    assert told["completed"] == {"client", "listing", "exporter", "workers"}
    assert RunInfo.model_validate_json((folder / RUN).read_bytes()).foreign


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (["worker-crash"], "worker-crash ends processes"),
        (["tts-failures"], "tts-failures leads the mocked providers"),
        (["cache"], "cache leads the mocked providers"),
        (["pooling"], "pooling starts processes with settings of its own"),
    ],
)
def test_one_that_needs_control_says_so(cli: Cli, args: list[str], sentence: str) -> None:
    status, _, err = ended(
        cli("scenario", *args, "--target", "http://127.0.0.1:9", "--prometheus", "http://127.0.0.1:9")
    )
    assert status == 2
    assert sentence in err


def test_a_target_needs_its_prometheus_and_must_answer(cli: Cli) -> None:
    status, _, err = ended(cli("scenario", "single", "--target", "http://127.0.0.1:9"))
    assert (status, "PROMETHEUS=" in err) == (2, True)
    status, _, err = ended(
        cli("scenario", "single", "--target", "http://127.0.0.1:9", "--prometheus", "http://127.0.0.1:9")
    )
    assert (status, "The target does not answer" in err) == (3, True)
