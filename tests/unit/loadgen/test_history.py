import pytest
from aiohttp import web

from contract.jobs import Status
from loadgen.client import Client
from loadgen.history import adopt, jobs_since, loss_age, reconcile
from tests.unit.loadgen.handmade import job, record, video_id
from tests.unit.loadgen.tiny import serving


def test_a_clean_history_counts_nothing_but_its_outcomes() -> None:
    known = [job(0), job(1, failed_scenes=[1]), job(2, Status.FAILED), job(3, Status.CANCELLED)]
    found = reconcile([record(index) for index in range(4)], known)
    assert found.counts.model_dump() == {
        "attempted": 4,
        "acknowledged": 4,
        "completed": 1,
        "partial": 1,
        "failed": 1,
        "cancelled": 1,
        "lost": 0,
        "unexpected": 0,
        "duplicated": 0,
        "recovered": 0,
    }


def test_an_acknowledged_job_that_is_gone_or_has_not_ended_is_lost() -> None:
    found = reconcile([record(0), record(1), record(2)], [job(0), job(1, Status.IN_PROGRESS)])
    assert found.lost == [video_id(1), video_id(2)]
    assert (found.counts.lost, found.counts.completed, found.counts.unexpected) == (2, 1, 0)


def test_a_job_that_nobody_asked_for_is_unexpected_and_counts_nowhere_else() -> None:
    stranger = job(7, seed_key="", executions=3)
    found = reconcile([record(0)], [job(0), stranger])
    assert found.unexpected == [stranger.id]
    assert (found.counts.unexpected, found.counts.completed, found.counts.duplicated) == (1, 1, 0)


def test_a_second_job_for_one_request_is_unexpected() -> None:
    twin = job(7, seed_key=job(0).options.seed_key)
    for known in ([job(0), twin], [twin, job(0)]):
        found = reconcile([record(0)], known)
        assert (found.lost, found.unexpected) == ([], [twin.id])
    assert reconcile([record(0, id=None)], [job(0), twin]).counts.unexpected == 1


def test_executions_beyond_the_first_are_duplicated() -> None:
    known = [job(0, executions=3), job(1, executions=1), job(2, Status.CANCELLED, executions=0)]
    assert reconcile([record(0), record(1), record(2)], known).counts.duplicated == 2


def test_a_job_whose_acknowledgement_was_lost_is_recovered_once_it_has_ended() -> None:
    records = [record(index, id=None, outcome=None) for index in range(3)]
    found = reconcile(records, [job(0), job(1, Status.IN_PROGRESS)])
    assert (found.counts.attempted, found.counts.acknowledged, found.counts.recovered) == (3, 0, 1)
    assert (found.lost, found.unexpected, found.counts.completed) == ([], [], 1)


def test_records_of_jobs_whose_end_nobody_saw_are_completed_from_the_ledger() -> None:
    records = [record(0), record(1, id=None, outcome=None), record(2, outcome=None), record(3)]
    found = reconcile(records, [job(0), job(1), job(2, Status.FAILED), job(3)])
    adopt(records, found)
    assert [entry.outcome for entry in records] == ["completed", "completed", "failed", "completed"]
    assert records[1].id == video_id(1)


async def test_the_ledger_is_read_page_by_page_back_to_the_start_and_no_further() -> None:
    jobs = [job(index, created_at=float(index)) for index in reversed(range(450))]
    asked = []

    async def page(request: web.Request) -> web.Response:
        asked.append(request.query.get("after"))
        ids = [one.id for one in jobs]
        first = ids.index(asked[-1]) + 1 if asked[-1] else 0
        shown = jobs[first : first + int(request.query["limit"])]
        more = first + len(shown) < len(jobs)
        data = [one.model_dump(mode="json") for one in shown]
        return web.json_response({"data": data, "has_more": more, "next": shown[-1].id if more else None})

    app = web.Application()
    app.add_routes([web.get("/v1/videos", page)])
    async with serving(app) as url, Client(url) as client:
        since = await jobs_since(client, 230.0)
        assert asked == [None, video_id(350), video_id(250)]
        assert [one.id for one in since] == [video_id(index) for index in reversed(range(230, 450))]
        assert len(await jobs_since(client, 0.0)) == 450
        assert await jobs_since(client, 1000.0) == []


@pytest.mark.parametrize(
    ("acknowledged", "age"),
    [
        ([], 0.0),
        ([9.5], 0.5),
        ([9.5, 18.0, 19.9], 2.0),
        ([9.5, 20.1], None),  # after the last cut
        ([None], None),
    ],
)
def test_the_age_of_a_loss_is_how_long_before_the_next_cut_the_job_was_acknowledged(
    acknowledged: list[float | None], age: float | None
) -> None:
    lost = [record(index, acknowledged=moment) for index, moment in enumerate(acknowledged)]
    assert loss_age(lost, [10.0, 20.0]) == (None if age is None else pytest.approx(age))
