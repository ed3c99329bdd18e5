import asyncio

import pytest

from contract.jobs import Outcome
from tests.unit.service.fronts import Front, problem_of

UNKNOWN = "video_" + "0" * 28


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/videos/{}"),
        ("GET", "/v1/videos/{}?wait=5"),
        ("GET", "/v1/videos/{}/events"),
        ("GET", "/v1/videos/{}/content"),
        ("GET", "/v1/videos/{}/manifest"),
        ("GET", "/v1/videos/{}/assets/video.mp4"),
        ("POST", "/v1/videos/{}/cancel"),
        ("DELETE", "/v1/videos/{}"),
    ],
)
async def test_an_unknown_video_is_not_found(front: Front, method: str, path: str) -> None:
    for job_id in (UNKNOWN, "none", "%2e%2e", "x" * 500, "a%00b", "%ff"):
        answer = await front.http.request(method, path.format(job_id))
        assert answer.status_code == 404
        problem = problem_of(answer)
        assert problem["type"].endswith(("unknown-video", "not-found"))
        assert len(problem["detail"]) < 300


@pytest.mark.parametrize("path", ["/nothing", "/v1", "/v1/video", "/v1/videos/x/y", "//v1/videos"])
async def test_an_unknown_path_is_not_found(front: Front, path: str) -> None:
    answer = await front.http.get(path)
    assert answer.status_code == 404, answer.headers
    assert "/docs" in problem_of(answer)["detail"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/v1/videos", {"GET", "POST"}),
        ("POST", f"/v1/videos/{UNKNOWN}", {"GET", "DELETE"}),
        ("GET", f"/v1/videos/{UNKNOWN}/cancel", {"POST"}),
        ("POST", "/metrics", {"GET"}),
        ("DELETE", "/healthz", {"GET"}),
    ],
)
async def test_a_wrong_method_is_refused_with_the_right_ones(
    front: Front, method: str, path: str, allowed: set[str]
) -> None:
    answer = await front.http.request(method, path)
    assert answer.status_code == 405
    told = {word.strip() for word in answer.headers["allow"].split(",")}
    assert told
    assert told <= allowed
    problem_of(answer)


async def test_the_process_lives_and_is_ready(front: Front) -> None:
    for path in ("/healthz", "/readyz", "/docs", "/openapi.json"):
        assert (await front.http.get(path)).status_code == 200


async def test_the_list_is_turned_page_by_page_newest_first(front: Front) -> None:
    ids = [await front.accepted() for _ in range(5)]
    found: list[str] = []
    cursor: dict[str, str] = {}
    pages = 0
    while True:
        page = (await front.http.get("/v1/videos", params={"limit": 2, **cursor})).json()
        assert page["object"] == "list"
        found += [job["id"] for job in page["data"]]
        pages += 1
        if not page["has_more"]:
            assert page["next"] is None
            break
        cursor = {"after": page["next"]}
    assert (sorted(found, reverse=True), pages) == (found, 3)
    assert set(found) == set(ids)


async def test_the_list_can_be_of_one_status(front: Front) -> None:
    done, waiting = await front.completed(), await front.accepted()
    for status, expected in (("completed", [done]), ("queued", [waiting]), ("failed", [])):
        page = (await front.http.get("/v1/videos", params={"status": status})).json()
        assert [job["id"] for job in page["data"]] == expected


@pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 101}, {"status": "lost"}, {"after": "x" * 81}])
async def test_a_list_that_makes_no_sense_is_refused(front: Front, query: dict[str, str | int]) -> None:
    answer = await front.http.get("/v1/videos", params=query)
    assert answer.status_code == 422
    assert next(iter(query)) in problem_of(answer)["detail"]


async def test_a_waiting_job_is_cancelled_at_once_with_its_document(front: Front) -> None:
    job_id = await front.accepted()
    job = (await front.http.post(f"/v1/videos/{job_id}/cancel")).json()
    assert job["status"] == "cancelled"
    assert front.uploads() == []
    again = await front.http.post(f"/v1/videos/{job_id}/cancel")
    assert (again.status_code, again.json()) == (200, job)


async def test_a_running_job_is_asked_to_stop_and_keeps_its_document(front: Front) -> None:
    job_id = await front.accepted()
    await front.claim()
    job = (await front.http.post(f"/v1/videos/{job_id}/cancel")).json()
    assert (job["status"], job["cancel_requested"]) == ("in_progress", True)
    assert front.uploads() == [job_id]


async def test_cancelling_an_ended_job_leaves_it_as_it_is(front: Front) -> None:
    job_id = await front.completed()
    assert (await front.http.post(f"/v1/videos/{job_id}/cancel")).json()["status"] == "completed"
    assert (await front.http.get(f"/v1/videos/{job_id}/content")).status_code == 200


async def test_deleting_a_job_removes_record_document_and_assets(front: Front) -> None:
    for job_id in (await front.completed(), await front.accepted()):
        answer = await front.http.delete(f"/v1/videos/{job_id}")
        assert (answer.status_code, answer.content) == (204, b"")
        assert not front.data.upload(job_id).exists()
        assert not front.data.job(job_id).exists()
        assert (await front.http.get(f"/v1/videos/{job_id}")).status_code == 404
        assert (await front.http.delete(f"/v1/videos/{job_id}")).status_code == 404
    assert (await front.http.get("/v1/videos")).json()["data"] == []


async def test_deleting_a_running_job_waits_for_its_end(front: Front) -> None:
    job_id = await front.accepted()
    claim = await front.claim()
    deletion = asyncio.create_task(front.http.delete(f"/v1/videos/{job_id}"))
    async with asyncio.timeout(5):
        while (await front.ledger.renew(60, {job_id: claim.token})) == {}:  # noqa: ASYNC110 - as its worker does
            await asyncio.sleep(0.002)
    assert not deletion.done()
    await front.finish(claim, Outcome.CANCELLED)
    assert (await deletion).status_code == 204


async def test_a_running_job_that_does_not_stop_is_not_deleted(front: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.routes.CANCEL_WAIT", 0.05)
    job_id = await front.accepted()
    await front.claim()
    answer = await front.http.delete(f"/v1/videos/{job_id}")
    assert answer.status_code == 409
    assert "delete it again" in problem_of(answer)["detail"]
    assert int(answer.headers["retry-after"]) >= 1
    assert front.uploads() == [job_id]
