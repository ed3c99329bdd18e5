from collections.abc import Mapping
from dataclasses import replace

import pytest

from contract.runfolder import Entry, Integrity, Result, Verdict
from loadgen.books import Parties, balance, client_party
from loadgen.history import reconcile
from loadgen.scenario import Scenario, read
from loadgen.verdict import Evidence, Figure, judge
from tests.unit.loadgen.handmade import job, record, run_info

GOOD = {"response_p95": Figure(1.2, 60), "success_rate": Figure(0.95, 60, "exact 95 % interval")}


@pytest.fixture(scope="module")
def scenario(tmp_path_factory: pytest.TempPathFactory) -> Scenario:
    path = tmp_path_factory.mktemp("scenario") / "small.toml"
    path.write_text(
        'title = "Small"\ndescription = "Two targets."\nload = { model = "closed", users = 1, jobs = 3 }\n'
        '[[targets]]\nindicator = "response_p95"\nop = "<"\nlimit = 2\n'
        '[[targets]]\nindicator = "success_rate"\nop = ">="\nlimit = 0.95\n'
    )
    return read(path)


def evidence(jobs: int = 3, late: int = 0) -> Evidence:
    records = [record(index, sent=100.0 + index + (0.011 if index < late else 0.009)) for index in range(jobs)]
    return Evidence(
        info=run_info(jobs=jobs),
        records=records,
        reconciliation=reconcile(records, [job(index) for index in range(jobs)]),
        books=[Entry(name="submitted", parties={"client": 3, "redis": 3}, passed=True)],
        integrity=Integrity(named=3, sound=3, jobs=3, videos=3, sound_videos=3),
        deaths=[],
    )


def with_figures(**figures: Figure) -> Mapping[str, Figure]:
    return GOOD | figures


def test_targets_met_and_nothing_wrong_is_a_pass_without_reasons(scenario: Scenario) -> None:
    result = judge(scenario.steps()[0], evidence(), GOOD)
    assert (result.verdict, result.reasons, result.seed) == (Verdict.PASS, [], 1)
    assert [(t.name, t.value, t.unit, t.n, t.passed) for t in result.targets] == [
        ("response_p95", 1.2, "s", 60, True),
        ("success_rate", 0.95, "ratio", 60, True),
    ]
    assert Result.model_validate_json(result.model_dump_json(by_alias=True)) == result


def test_a_missed_target_fails_with_value_and_limit(scenario: Scenario) -> None:
    result = judge(scenario.steps()[0], evidence(), with_figures(response_p95=Figure(2.0, 60)))
    assert result.verdict is Verdict.FAIL
    assert result.reasons == ["response_p95 is 2 s, the target is < 2 s"]
    result = judge(scenario.steps()[0], evidence(), with_figures(success_rate=Figure(0.94999, 60)))
    assert result.reasons == ["success_rate is 0.94999, the target is >= 0.95"]


@pytest.mark.parametrize(
    "figures", [{"success_rate": GOOD["success_rate"]}, with_figures(response_p95=Figure(None, 0))]
)
def test_a_figure_without_data_fails_its_target_and_says_so(scenario: Scenario, figures: Mapping[str, Figure]) -> None:
    result = judge(scenario.steps()[0], evidence(), figures)
    assert result.verdict is Verdict.FAIL
    assert (result.targets[0].value, result.targets[0].passed) == (None, False)
    assert result.reasons == ["response_p95 is no data, the target is < 2 s"]


def test_a_figure_that_is_no_number_fails_its_target(scenario: Scenario) -> None:
    assert (
        judge(scenario.steps()[0], evidence(), with_figures(response_p95=Figure(float("nan")))).verdict is Verdict.FAIL
    )


def test_invalid_outranks_fail_and_both_say_why(scenario: Scenario) -> None:
    sick = replace(evidence(), deaths=["worker-1"])
    result = judge(scenario.steps()[0], sick, with_figures(response_p95=Figure(3.0, 60)))
    assert result.verdict is Verdict.INVALID
    assert result.reasons == [
        "the process worker-1 died that no fault killed",
        "response_p95 is 3 s, the target is < 2 s",
    ]


def test_books_that_do_not_balance_make_a_run_invalid(scenario: Scenario) -> None:
    records = evidence().records
    client = client_party(records)
    silent = Parties(client, client, None, None, None, None, None, videos=3)
    result = judge(scenario.steps()[0], replace(evidence(), books=balance(silent)), GOOD)
    assert result.verdict is Verdict.INVALID
    assert (
        "the books do not balance: submitted is 3 by client, unknown by redis, unknown by exporter, unknown by api"
        in result.reasons
    )


def test_lost_and_unexpected_jobs_make_a_run_invalid_and_are_named(scenario: Scenario) -> None:
    whole = evidence()
    strange = [job(0), job(1), job(9, seed_key="another/run")]
    result = judge(scenario.steps()[0], replace(whole, reconciliation=reconcile(whole.records, strange)), GOOD)
    assert result.verdict is Verdict.INVALID
    assert result.reasons == [
        f"the job {job(2).id} was acknowledged and is lost",
        f"nobody of this run asked for the job {job(9).id}",
    ]


@pytest.mark.parametrize(("jobs", "late", "verdict"), [(100, 1, "pass"), (100, 2, "invalid"), (99, 1, "invalid")])
def test_more_than_one_percent_of_late_arrivals_make_a_run_invalid(
    scenario: Scenario, jobs: int, late: int, verdict: str
) -> None:
    result = judge(scenario.steps()[0], evidence(jobs, late), GOOD)
    assert result.verdict == verdict
    wanted = [] if verdict == "pass" else [f"{late} of {jobs} requests were sent over 10 ms after they were due"]
    assert result.reasons == wanted


def test_exactly_one_percent_is_never_more_by_rounding(scenario: Scenario) -> None:
    verdicts = {judge(scenario.steps()[0], evidence(100 * n, n), GOOD).verdict for n in (3, 7, 29, 57)}
    assert verdicts == {Verdict.PASS}


@pytest.mark.parametrize(
    ("skew", "reason"),
    [
        (1.0, None),
        (-0.99, None),
        (1.25, "Prometheus's clock differs from ours by 1.25 s"),
        (-1.25, "Prometheus's clock differs from ours by -1.25 s"),
        (None, "Prometheus's clock could not be compared with ours"),
    ],
)
def test_clocks_that_differ_by_more_than_a_scrape_make_a_run_invalid(
    scenario: Scenario, skew: float | None, reason: str | None
) -> None:
    result = judge(scenario.steps()[0], replace(evidence(), info=run_info(clock_skew=skew)), GOOD)
    assert result.verdict == ("pass" if reason is None else "invalid")
    assert result.reasons == ([] if reason is None else [reason])


def test_a_busy_generator_is_noted_with_what_helps_and_makes_no_run_invalid(scenario: Scenario) -> None:
    info = run_info(generators=2, generators_busy={"loadgen-1": 0.905, "loadgen-2": 0.899})
    result = judge(scenario.steps()[0], replace(evidence(), info=info), GOOD)
    assert (result.verdict, result.reasons) == (Verdict.PASS, [])
    assert result.notes == [
        "loadgen-1 used 90% of a core: the load generator may be what limits here; GENERATORS=3 spreads the load"
    ]


def test_broken_assets_are_told_but_only_the_target_judges_them(scenario: Scenario) -> None:
    broken = Integrity(named=3, sound=2, videos=3, losses=["video_1/video.mp4: is not what the manifest says"])
    result = judge(scenario.steps()[0], replace(evidence(), integrity=broken), GOOD)
    assert result.verdict is Verdict.PASS
    assert result.reasons == ["lost: video_1/video.mp4: is not what the manifest says"]
