"""What the report says of loads, requests and components."""

import re
from pathlib import Path

from tests.unit.reporter.folders import single
from tests.unit.reporter.ladder import api, ladder
from tests.unit.reporter.test_performance import row, section, written


def test_a_ladder_has_a_row_per_rung(tmp_path: Path) -> None:
    report = written(tmp_path, single(), ladder())
    load = section(report, "Concurrent load")
    outcome, cause = load.split("| Load")[1:3]
    assert row(outcome, "5 users")[1:3] == ["80", "7.35"]
    assert row(outcome, "50 users")[-1] == "80 of 80, 95.5–100.0 %"
    assert row(cause, "5 users")[1:5] == ["0.59 of 4", "50 %", "60.0 ms", "4.6"]
    assert row(cause, "50 users")[-1] == "CPU: machine 95 % busy, 54 % by our processes"
    assert row(section(report, "Calibration").split("Worst deviation")[1], "concurrent, users-20")[-1] == "yes"
    assert row(section(report, "Success rate"), "concurrent, users-1")[-1] == "95.5 % to 100.0 %"
    assert "rungs/users-5/queries.json" in section(report, "Appendix: PromQL")
    assert row(section(report, "Method"), "users-10")[1] == "10 users"


def test_a_slow_histogram_in_one_rung_shows(tmp_path: Path) -> None:
    """200 ms more in the assembly of one rung's histogram than in its records."""
    run = ladder(users=(1, 5))
    rung = run.rungs["users-5"]
    for name in [name for name in rung.answers if name.startswith("stage.")]:
        rung.answers[name] = [s for s in rung.answers[name] if s["labels"].get("stage") != "assemble"]
    rung.observe("stage", [0.218] * 80, stage="assemble")
    verdicts = section(written(tmp_path, run), "Calibration").split("Worst deviation")[1]
    assert row(verdicts, "concurrent, users-1")[-1] == "yes"
    assert row(verdicts, "concurrent, users-5")[-1] == "NO"


def test_the_law_is_fitted_and_its_prediction_said_to_be_one(tmp_path: Path) -> None:
    fitted = section(written(tmp_path, ladder()), "Scalability")
    assert row(fitted, "λ, throughput of one user")[1] == "1.600 jobs/s"
    assert row(fitted, "throughput at 100 users, **extrapolated**")[1] == "23.1 jobs/s"
    assert "5 points for 3 parameters leave 2 degrees of freedom; R² = 1.0000" in fitted
    assert row(fitted, "not fitted: throughput that the machine's CPU allows at most")[1] == "50.0 jobs/s"


def test_three_rungs_are_not_fitted(tmp_path: Path) -> None:
    assert "it takes the throughput of at least 4 numbers of users" in section(
        written(tmp_path, ladder(users=(1, 5, 10))), "Scalability"
    )


def test_an_open_loop_is_told_beside_the_ladder(tmp_path: Path) -> None:
    run = single()
    run.info |= {"scenario": "poisson", "load_model": "poisson", "concurrency": None, "rate": 5.0}
    report = written(tmp_path, single(), run)
    load = section(report, "Concurrent load")
    assert "Scenario `concurrent`: not run." in load
    assert row(load, "5 jobs/s")[1] == "60"
    assert "open loop, 5 jobs/s, poisson arrivals" in report


def test_key_metrics_quote_no_invalid_run(tmp_path: Path) -> None:
    good, bad = ladder(users=(1, 5)), ladder(users=(1, 5))
    assert "\nThroughput: 7.4 requests/second\n" in written(tmp_path / "good", single(), good)
    bad.result |= {"verdict": "invalid", "reasons": ["users-1: books do not balance"]}
    assert "\nThroughput: no figure, the run is INVALID\n" in written(tmp_path / "bad", single(), bad)


def test_requests_are_told_by_client_and_service(tmp_path: Path) -> None:
    """Exact percentiles of 300 requests beside PromQL's, 1 ms apart as planned; a failed one is counted apart."""
    run = api()
    run.requests.append({"endpoint": "GET /healthz", "due": 1.0, "sent": 1.0, "failure": "timeout", "seconds": 9.0})
    latency = section(written(tmp_path, single(), run), "API latency")
    found = row(latency, "`GET /v1/videos/{job_id}`")
    assert found[1:6] == ["300", "6.5 ms", "7.8 ms", "8.0 ms", "0"]
    assert re.fullmatch(r"6\.[789] ms", found[8])
    assert row(latency, "`GET /healthz`")[1:6:4] == ["300", "1"]


def test_a_client_that_is_quicker_than_the_service_is_flagged(tmp_path: Path) -> None:
    """Its records and the histogram cannot both be right."""
    run = api()
    for request in run.requests:
        request["seconds"] /= 3
    assert row(section(written(tmp_path / "bad", run), "API latency"), "`GET /healthz`")[-1] == "NO"
    assert row(section(written(tmp_path / "good", api()), "API latency"), "`GET /healthz`")[-1] == "yes"


def test_of_a_target_that_rungs_share_the_nearest_to_missing_is_told(tmp_path: Path) -> None:
    """And every rung that missed it."""
    run = ladder(users=(1, 5, 10, 20))
    rate = {"name": "throughput", "op": ">", "limit": 1.0, "unit": "jobs/s", "n": 80, "pass": True}
    run.result["targets"] = [rate | {"value": 1.0 + n, "rung": f"users-{n}"} for n in (5, 1, 10)]
    told = written(tmp_path / "met", run).split("## Key metrics")[0]
    assert "concurrent, users-1 " in told
    assert "concurrent, users-5 " not in told
    run.result["targets"] += [rate | {"value": v, "rung": "users-20", "pass": False} for v in (0.5, 0.1)]
    told = written(tmp_path / "missed", run).split("## Key metrics")[0]
    assert told.count("| FAIL") == 2


def test_too_few_requests_have_a_maximum(tmp_path: Path) -> None:
    latency = section(written(tmp_path, api(n=20)), "API latency")
    assert row(latency, "`GET /healthz`")[3] == "max 2.2 ms"


def test_components_are_told_by_their_own_scenario_where_it_ran(tmp_path: Path) -> None:
    """A stage that is 200 ms slower there shows there, by name."""
    own = single(n=20)
    own.info |= {"scenario": "components", "id": "components"}
    for job in own.jobs:
        next(s for s in job["timings"]["stages"] if s["stage"] == "assemble")["seconds"] += 0.2
        for name in ("finished", "held", "response_seconds"):
            job[name] += 0.2
    analysis = section(written(tmp_path, single(), own), "Component analysis")
    assert "From `components`." in analysis
    assert row(analysis, "assemble, beyond its CPU")[1] == "201.0 ms"
    shares = [
        float(line.rstrip("% |").rsplit("|", 1)[1])
        for line in analysis.split("\n\n")[1].splitlines()
        if line.startswith("| ") and "**" not in line and line.rstrip().endswith("% |")
    ]
    assert len(shares) == 13
    assert abs(sum(shares) - 100) < 0.7
    assert row(analysis, "TTS call")[1] == "100"
    assert row(analysis, "stage assemble")[1:3] == ["20", "218.0 ms"]
