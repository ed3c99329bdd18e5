import time

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from contract.catalogue import LoadMetrics, Phase
from contract.jobs import Outcome, Status
from contract.runfolder import JobRecord, RequestFailure
from loadgen.cancellations import Cancellations
from loadgen.client import Client, Form
from loadgen.document import Document
from loadgen.repeats import Repeats
from loadgen.scenario import ClosedLoop
from loadgen.users import Clock, Users, outcome_of, script_seed
from tests.unit.loadgen.handmade import job
from tests.unit.loadgen.tiny import TinyService, serving

FORM = Form.of(Document("paper.pdf", b"%PDF-1.7"))


class Loop:
    """One closed loop against a tiny service, and what it left."""

    def __init__(
        self, service: TinyService, cancel: Cancellations | None = None, repeats: Repeats | None = None
    ) -> None:
        self.service = service
        self.repeats = repeats
        self.cancel = cancel
        self.registry = CollectorRegistry()
        self.announced: list[JobRecord] = []

    async def run(
        self, users: int, jobs: int, phase: Phase = Phase.MEASURE, seed: int = 1, ramp: float = 0.0
    ) -> list[JobRecord]:
        """The records, in the order of their indexes."""
        metrics, clock = LoadMetrics(self.registry), Clock()
        self.untouched = generate_latest(self.registry)
        load = ClosedLoop(model="closed", users=users, jobs=jobs, ramp=ramp)
        async with serving(self.service.app) as url, Client(url) as client:
            loop = Users(
                client,
                FORM,
                seed,
                metrics,
                self.announced.append,
                clock=clock,
                cancel=self.cancel,
                repeats=self.repeats,
            )
            await loop.closed_loop(load, phase, clock.now())
        return sorted(self.announced, key=lambda record: record.index)

    def value(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(name, labels)


@pytest.mark.parametrize(("users", "jobs"), [(1, 3), (4, 30), (3, 3)])
async def test_as_many_jobs_are_under_way_as_there_are_users_and_each_is_asked_for_once(users: int, jobs: int) -> None:
    loop = Loop(TinyService())
    records = await loop.run(users, jobs)
    assert loop.service.most == users
    assert [record.index for record in records] == list(range(jobs))
    assert sorted(form["seed_key"] for form in loop.service.forms) == sorted(f"1/measure/{i}" for i in range(jobs))
    assert len(loop.announced) == len(records)


async def test_users_join_over_the_ramp_and_the_first_job_is_due_at_once() -> None:
    service = TinyService()
    loop = Loop(service)
    began = time.time()
    records = await loop.run(4, 4, ramp=1.0)
    assert records[0].due - began < 0.25
    assert service.most == 1, "the first user has done all four jobs when the second one joins"
    assert time.time() - began < 1.0


async def test_a_record_holds_the_job_s_whole_life_in_order() -> None:
    for record in await Loop(TinyService()).run(3, 12):
        assert record.id is not None
        assert record.outcome is Outcome.COMPLETED
        assert record.sent is not None
        assert record.acknowledged is not None
        assert record.held is not None
        assert record.due <= record.sent <= record.acknowledged <= record.held
        assert record.response_seconds == record.held - record.due
        assert (record.request_failure, record.detail, record.http_status) == (None, None, None)


async def test_a_request_that_fails_is_recorded_and_its_user_goes_on() -> None:
    loop = Loop(TinyService(refused=frozenset({"1/measure/0", "1/measure/2"}), failed=frozenset({"1/measure/3"})))
    records = await loop.run(1, 5)
    refused = [record for record in records if record.request_failure is RequestFailure.STATUS]
    assert [record.index for record in refused] == [0, 2]
    for record in refused:
        assert (record.http_status, record.detail, record.id, record.outcome) == (503, "Redis is away.", None, None)
        assert (record.sent is None, record.acknowledged, record.held) == (False, None, None)
    assert records[3].outcome is Outcome.FAILED
    assert loop.value("t2v_load_arrivals_total") == 5
    assert loop.value("t2v_load_errors_total") == 2
    assert loop.value("t2v_load_jobs_total", outcome="completed") == 2
    assert loop.value("t2v_load_jobs_total", outcome="failed") == 1
    assert loop.value("t2v_load_response_seconds_count") == 2, "a job that failed counts as a quick one"
    assert loop.value("t2v_load_in_flight") == 0


async def test_warm_up_leaves_no_trace_in_the_metrics() -> None:
    loop = Loop(TinyService(refused=frozenset({"1/warmup/1"})))
    records = await loop.run(2, 6, Phase.WARMUP)
    assert len(records) == 6
    assert generate_latest(loop.registry) == loop.untouched


async def test_jobs_have_scripts_of_their_own_that_come_again_with_the_run_s_seed() -> None:
    async def seeds(phase: Phase, seed: int) -> dict[str, str]:
        loop = Loop(TinyService())
        await loop.run(2, 8, phase, seed)
        return {form["seed_key"]: form["seed"] for form in loop.service.forms}

    first = await seeds(Phase.MEASURE, 1)
    assert first == await seeds(Phase.MEASURE, 1)
    every = first | await seeds(Phase.WARMUP, 1) | await seeds(Phase.MEASURE, 2)
    assert len(every) == len(set(every.values())) == 24


async def test_jobs_that_ask_for_the_same_share_a_cache_and_jobs_of_other_loads_share_none() -> None:
    async def forms(phase: Phase, repeats: Repeats | None) -> list[dict[str, str]]:
        loop = Loop(TinyService(), repeats=repeats)
        records = await loop.run(2, 8, phase)
        by_key = {form["seed_key"]: form for form in loop.service.forms}
        return [by_key[record.seed_key] | {"input": str(record.input)} for record in records]

    twice = await forms(Phase.MEASURE, Repeats(repeats=2))
    assert len({form["cache_namespace"] for form in twice}) == 1
    assert len({form["seed_key"] for form in twice}) == 8
    asked = [(form["input"], form["seed"], form["voice"]) for form in twice]
    assert len(set(asked)) == 4
    assert all(asked.count(one) == 2 for one in asked)
    once = [*await forms(Phase.MEASURE, None), *await forms(Phase.WARMUP, Repeats(repeats=2))]
    assert len({form["cache_namespace"] for form in once} - {twice[0]["cache_namespace"]}) == 16
    assert {form["input"] for form in once} == {"None"}


def test_a_script_s_seed_is_one_that_the_service_takes() -> None:
    assert all(0 <= script_seed(f"1/measure/{index}") < 2**31 for index in range(1000))


def test_a_completed_job_with_failed_scenes_is_partial() -> None:
    assert outcome_of(job(0)) is Outcome.COMPLETED
    assert outcome_of(job(0, failed_scenes=[2])) is Outcome.PARTIAL
    assert outcome_of(job(0, Status.FAILED, failed_scenes=[2])) is Outcome.FAILED
    assert outcome_of(job(0, Status.CANCELLED)) is Outcome.CANCELLED
