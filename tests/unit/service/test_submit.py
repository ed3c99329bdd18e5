import asyncio
from collections.abc import AsyncIterator

import pytest

from contract.records import Records
from tests.unit.service.fronts import LIMIT, PDF, Front, problem_of

SEPARATOR = "boundary"


async def test_an_accepted_document_is_answered_with_where_to_follow_it(front: Front) -> None:
    answer = await front.submit(
        fields={
            "scenes": "3",
            "style": "dark",
            "voice": "nova",
            "seed": "7",
            "seed_key": "job-1",
            "cache_namespace": "apart",
        }
    )
    assert answer.status_code == 202
    job = answer.json()
    assert answer.headers["location"] == f"/v1/videos/{job['id']}"
    assert int(answer.headers["retry-after"]) >= 1
    assert (job["status"], job["object"], job["progress"]) == ("queued", "video", 0)
    assert job["options"] == {
        "scenes": 3,
        "style": "dark",
        "voice": "nova",
        "seed": 7,
        "seed_key": "job-1",
        "cache_namespace": "apart",
    }
    assert job["document"]["bytes"] == len(PDF)
    assert (await front.http.get(answer.headers["location"])).json() == job
    assert front.data.upload(job["id"]).read_bytes() == PDF


async def test_the_name_of_a_document_is_only_a_name(front: Front) -> None:
    files = {"document": ("../../etc/passwd.pdf", PDF, "application/pdf")}
    answer = await front.http.post("/v1/videos", files=files)
    assert answer.json()["document"]["name"] == "passwd.pdf"


@pytest.mark.parametrize(
    ("content", "media_type", "status", "words"),
    [
        (PDF, "text/plain", 415, "send a PDF as application/pdf"),
        (b"", "application/pdf", 422, "is empty"),
        (b"GIF89a" + b"\0" * 2000, "application/pdf", 422, "does not begin like a PDF"),
        (b"\0" * 1025 + PDF, "application/pdf", 422, "does not begin like a PDF"),
        (PDF + b"\0" * LIMIT, "application/pdf", 413, "100,000"),
    ],
)
async def test_a_document_that_is_none_is_refused(
    front: Front, content: bytes, media_type: str, status: int, words: str
) -> None:
    answer = await front.http.post("/v1/videos", files={"document": ("paper.pdf", content, media_type)})
    assert answer.status_code == status
    assert words in problem_of(answer)["detail"]
    assert front.uploads() == []


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_far_over_the_limit_is_refused_before_it_is_read(front: Front, chunked: bool) -> None:  # noqa: FBT001
    head = f'--{SEPARATOR}\r\nContent-Disposition: form-data; name="document"; filename="a.pdf"\r\n\r\n'.encode() + PDF
    body = head + b"\0" * LIMIT * 3

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(body), LIMIT):
            yield body[start : start + LIMIT]

    headers = {"Content-Type": f"multipart/form-data; boundary={SEPARATOR}"}
    answer = await front.http.post("/v1/videos", content=chunks() if chunked else body, headers=headers)
    assert answer.status_code == 413
    assert "100,000 bytes" in problem_of(answer)["detail"]


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"scenes": "0"}, "scenes"),
        ({"scenes": "21"}, "scenes"),
        ({"scenes": "many"}, "scenes"),
        ({"style": "baroque"}, "style"),
        ({"voice": "tenor"}, "voice"),
        ({"seed": "-1"}, "seed"),
        ({"seed_key": "two words"}, "seed_key"),
        ({"seed_key": "x" * 81}, "seed_key"),
        ({"seed_key": "ends-with-newline\n"}, "seed_key"),
        ({"scnes": "3"}, "scnes"),
    ],
)
async def test_an_option_that_is_none_is_refused_by_its_name(front: Front, fields: dict[str, str], word: str) -> None:
    answer = await front.submit(fields=fields)
    assert answer.status_code == 422
    assert word in problem_of(answer)["detail"]
    assert front.uploads() == []


@pytest.mark.parametrize(
    ("content", "media_type", "status"),
    [
        (b"{}", "application/json", 415),
        (PDF, "application/pdf", 415),
        (b"", "", 415),
        (b"", f"multipart/form-data; boundary={SEPARATOR}", 422),
        (b"nothing of the kind", f"multipart/form-data; boundary={SEPARATOR}", 400),
        (b"", "multipart/form-data", 400),
    ],
)
async def test_a_body_that_is_no_form_is_refused(front: Front, content: bytes, media_type: str, status: int) -> None:
    answer = await front.http.post("/v1/videos", content=content, headers={"Content-Type": media_type})
    assert answer.status_code == status, answer.text
    problem_of(answer)


async def test_a_form_without_the_document_or_with_text_in_its_place_is_refused(front: Front) -> None:
    for form in ({"scenes": (None, "5")}, {"document": (None, "just words")}):
        answer = await front.http.post("/v1/videos", files=form)
        assert answer.status_code == 422
        assert "document" in problem_of(answer)["detail"]


async def test_the_same_key_and_request_are_answered_with_the_same_job(front: Front) -> None:
    first, again = await front.submit(key="k"), await front.submit(key="k")
    assert first.json()["id"] == again.json()["id"]
    assert again.status_code == 202
    assert again.headers["location"] == first.headers["location"]
    assert ("idempotent-replayed" in first.headers, again.headers["idempotent-replayed"]) == (False, "true")
    assert front.uploads() == [first.json()["id"]]


async def test_the_same_key_a_hundred_times_at_once_is_one_job(front: Front) -> None:
    answers = await asyncio.gather(*(front.submit(key="k") for _ in range(100)))
    assert {answer.status_code for answer in answers} == {202}
    (job_id,) = {answer.json()["id"] for answer in answers}
    assert sum("idempotent-replayed" not in answer.headers for answer in answers) == 1
    assert front.uploads() == [job_id]
    assert (await Records(front.ledger.redis).totals())["submitted"] == 1


async def test_a_key_that_stands_for_another_request_is_refused(front: Front) -> None:
    job_id = (await front.submit(key="k")).json()["id"]
    for answer in (await front.submit(key="k", fields={"scenes": "2"}), await front.submit(PDF + b"more", key="k")):
        assert answer.status_code == 422
        assert problem_of(answer)["type"].endswith("idempotency-conflict")
    assert front.uploads() == [job_id]


async def test_a_key_must_have_a_sensible_length(front: Front) -> None:
    for key in ("", "k" * 256):
        answer = await front.submit(key=key)
        assert answer.status_code == 422
        assert "idempotency-key" in problem_of(answer)["detail"]


async def test_many_submissions_at_once_with_one_key_make_one_job(front: Front) -> None:
    answers = await asyncio.gather(*(front.submit(key="k") for _ in range(20)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len(front.uploads()) == 1
