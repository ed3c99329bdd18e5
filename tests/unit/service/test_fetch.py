import hashlib
import shutil

import pytest

from contract.jobs import Outcome
from contract.manifest import MANIFEST_NAME, VIDEO_NAME, Manifest
from tests.unit.service.fronts import VIDEO, Front, manifest_of, problem_of

FETCHED = ("content", "manifest", f"assets/{VIDEO_NAME}")


async def test_a_finished_video_is_handed_out_with_its_manifest(front: Front) -> None:
    job_id = await front.completed()
    content = await front.http.get(f"/v1/videos/{job_id}/content")
    assert (content.status_code, content.content) == (200, VIDEO)
    assert content.headers["content-type"] == "video/mp4"
    assert content.headers["etag"] == f'"{hashlib.sha256(VIDEO).hexdigest()}"'
    manifest = Manifest.model_validate((await front.http.get(f"/v1/videos/{job_id}/manifest")).json())
    assert manifest == manifest_of(job_id)
    assert (await front.http.get(f"/v1/videos/{job_id}/assets/{VIDEO_NAME}")).content == VIDEO


async def test_a_part_of_a_video_is_handed_out(front: Front) -> None:
    url = f"/v1/videos/{await front.completed()}/content"
    part = await front.http.get(url, headers={"Range": "bytes=4-7"})
    assert (part.status_code, part.content) == (206, VIDEO[4:8])
    beyond = await front.http.get(url, headers={"Range": "bytes=5000-6000"})
    assert beyond.status_code == 416
    problem_of(beyond)


@pytest.mark.parametrize("what", FETCHED)
async def test_nothing_is_handed_out_before_a_job_has_completed(front: Front, what: str) -> None:
    job_id = await front.accepted()
    url = f"/v1/videos/{job_id}/{what}"
    queued = await front.http.get(url)
    claim = await front.claim()
    running = await front.http.get(url)
    await front.finish(claim, Outcome.FAILED)
    failed = await front.http.get(url)
    for answer, status in ((queued, "queued"), (running, "in_progress"), (failed, "failed")):
        assert answer.status_code == 409
        assert status in problem_of(answer)["detail"]


@pytest.mark.parametrize(
    "name",
    ["none.png", "secret.txt", MANIFEST_NAME, "%2e%2e", "..%2f..%2f..%2fuploads", "%2Fetc%2Fpasswd", "a%00b"],
)
async def test_only_what_the_manifest_names_is_handed_out(front: Front, name: str) -> None:
    answer = await front.http.get(f"/v1/videos/{await front.completed()}/assets/{name}")
    assert answer.status_code == 404
    problem_of(answer)


async def test_files_that_are_gone_are_said_to_be(front: Front) -> None:
    job_id = await front.completed()
    (folder,) = front.data.job(job_id).iterdir()
    (folder / VIDEO_NAME).unlink()
    answer = await front.http.get(f"/v1/videos/{job_id}/content")
    assert answer.status_code == 404
    problem_of(answer)
    (folder / MANIFEST_NAME).unlink()
    assert (await front.http.get(f"/v1/videos/{job_id}/manifest")).status_code == 404, "read anew each time"
    shutil.rmtree(folder)
    for what in FETCHED:
        answer = await front.http.get(f"/v1/videos/{job_id}/{what}")
        assert answer.status_code == 404, "files are away, not the ledger"
        problem_of(answer)
