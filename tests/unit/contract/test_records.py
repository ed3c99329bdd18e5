from contract.jobs import Status, new_job_id
from contract.ledger import Ledger
from contract.records import Records
from tests.unit.contract.ledgers import COMPLETED, LIVES, REQUEST
from tests.unit.orders import order


async def all_pages(records: Records, limit: int, status: Status | None = None) -> list[str]:
    found: list[str] = []
    while page := await records.page(found[-1] if found else None, limit, status):
        assert len(page) <= limit
        found.extend(job.id for job in page)
    return found


async def test_pages_hold_each_job_once_newest_first(ledger: Ledger, records: Records) -> None:
    same_millisecond = [f"video_0198f0000001{number:016x}" for number in (7, 1, 5)]
    later = [f"video_0198f000000{ms}{'0' * 16}" for ms in (2, 3, 4)]
    for job_id in (*same_millisecond, *later):
        await ledger.accept(job_id, REQUEST)
    for limit in (1, 2, 4, 6, 10):
        assert await all_pages(records, limit) == [*reversed(later), *sorted(same_millisecond, reverse=True)]


async def test_a_job_accepted_while_one_turns_the_pages_disturbs_none(ledger: Ledger, records: Records) -> None:
    ids = [f"video_{number}" for number in range(4)]
    for job_id in ids:
        await ledger.accept(job_id, REQUEST)
    first = await records.page(None, 2, None)
    await ledger.accept("video_9", REQUEST)
    second = await records.page(first[-1].id, 2, None)
    assert [job.id for job in (*first, *second)] == ids[::-1]


async def test_a_page_can_be_of_one_status(ledger: Ledger, records: Records) -> None:
    ids = [f"video_{number}" for number in range(6)]
    for job_id in ids:
        await ledger.accept(job_id, REQUEST)
    claims = await ledger.claim(order("worker", LIVES, 4, "t-"))
    for claim in claims[:2]:
        await ledger.finish(claim.job_id, claim.token, COMPLETED)
    await ledger.cancel(ids[5])
    assert await all_pages(records, 1, Status.COMPLETED) == ["video_1", "video_0"]
    assert await all_pages(records, 1, Status.IN_PROGRESS) == ["video_3", "video_2"]
    assert await all_pages(records, 1, Status.QUEUED) == ["video_4"]
    assert await all_pages(records, 1, Status.CANCELLED) == ["video_5"]
    assert await all_pages(records, 1, Status.FAILED) == []


def test_job_ids_sort_by_the_time_of_their_making() -> None:
    ids = [new_job_id() for _ in range(200)]
    assert len(set(ids)) == 200
    stamps = [job_id[:18] for job_id in ids]
    assert stamps == sorted(stamps)
