"""The orders that a mock takes: from whom, and what they change."""

import asyncio
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import httpx
import pytest

from contract.calls import CallKey, CallResult, Provider
from contract.provider_faults import Answered, FaultKind
from tests.unit.mocks.faults import NOTES, TOKEN, Mock, fault, keys, obedient, plan, until
from tests.unit.mocks.server import latencies, running

KEY = CallKey("seed/measure/1", 1, 1, 1)
ORDERS = (("PUT", "/control/faults"), ("DELETE", "/control/faults"), ("GET", "/control/faults/run-1"))
BAD_TOKENS = {
    "no token": {},
    "another token": {"Authorization": "Bearer another"},
    "half of it": {"Authorization": f"Bearer {TOKEN[:-1]}"},
    "more than it": {"Authorization": f"Bearer {TOKEN}x"},
    "an empty one": {"Authorization": "Bearer"},
    "another scheme": {"Authorization": f"Basic {TOKEN}"},
    "a name of no ASCII": {"Authorization": "Bearer t\u00f6ken"},
}


@pytest.fixture(scope="module")
def deaf() -> Iterator[str]:
    """The address of a mock without a token."""
    with running(**latencies("0.001", "0.0001"), T2V_CONTROL_TOKEN="") as (_, url):
        yield url


def sentence(answer: httpx.Response) -> str:
    message = answer.json()["error"]["message"]
    assert message.endswith(".")
    return str(message)


@pytest.mark.parametrize(("method", "path"), ORDERS)
@pytest.mark.parametrize("headers", BAD_TOKENS.values(), ids=BAD_TOKENS)
async def test_an_order_without_the_right_token_is_refused(
    mock: Mock, method: str, path: str, headers: dict[str, str]
) -> None:
    async with httpx.AsyncClient(base_url=mock.url, trust_env=False) as stranger, mock.under(plan(run="run-1")):
        encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
        answer = await stranger.request(method, path, content=b"{}", headers=encoded)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert "T2V_CONTROL_TOKEN" in sentence(answer)
        before = len(mock.calls("run-1"))
        await mock.call(Provider.TTS, KEY)
        assert len(mock.calls("run-1")) == before + 1, "the plan is still in force"


@pytest.mark.parametrize(("method", "path"), ORDERS)
async def test_a_mock_without_a_token_takes_no_orders_not_even_with_an_empty_one(
    deaf: str, method: str, path: str
) -> None:
    for headers in ({}, {"Authorization": "Bearer"}, {"Authorization": f"Bearer {TOKEN}"}):
        async with httpx.AsyncClient(base_url=deaf, trust_env=False, headers=headers) as client:
            answer = await client.request(method, path, content=plan().model_dump_json(exclude_unset=True))
            assert answer.status_code == 403
            assert "T2V_CONTROL_TOKEN" in sentence(answer)


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ("{not json", "JSON"),
        ("{}", "run"),
        ('{"run": "a", "start": 0, "faults": [{"provider": "tts", "kind": "flood"}]}', "faults.0.kind"),
        ('{"run": "a", "start": 0, "faults": [{"provider": "tts", "kind": "hang", "rate": 2}]}', "faults.0.rate"),
        ('{"run": "a", "start": 0, "faults": [{"provider": "tts", "kind": "hang", "status": 500}]}', "faults.0"),
        ('{"run": "../a", "start": 0, "faults": []}', "run"),
        ('{"run": "", "start": 0, "faults": []}', "run"),
        ('{"run": "a\\n", "start": 0, "faults": []}', "run"),
        ('{"run": "a\\u0000", "start": 0, "faults": []}', "run"),
    ],
)
async def test_a_bad_plan_is_refused_in_a_sentence_and_changes_nothing(mock: Mock, body: str, named: str) -> None:
    files = sorted(mock.data_dir.rglob("*"))
    async with mock.under(plan(fault(Provider.TTS, FaultKind.ERROR))) as run:
        answer = await mock.control.put("/control/faults", content=body)
        assert answer.status_code == 422
        assert named in answer.json()["error"]["message"]
        assert (await mock.call(Provider.TTS, KEY))[0] is CallResult.STATUS
    assert sorted(mock.data_dir.rglob("*")) == sorted({*files, mock.data_dir / "provider_calls", mock.path(run)})


async def test_without_a_plan_or_after_its_withdrawal_no_call_is_spoilt_or_written_down(mock: Mock) -> None:
    assert (await mock.call(Provider.TTS, KEY))[0] is CallResult.OK
    async with mock.under(plan(fault(Provider.TTS, FaultKind.ERROR))) as run:
        assert (await mock.call(Provider.TTS, KEY))[0] is CallResult.STATUS
    notes = mock.notes(run)
    assert (await mock.call(Provider.TTS, KEY))[0] is CallResult.OK
    assert mock.notes(run) == notes
    assert (await mock.control.delete("/control/faults")).status_code == 204, "withdrawn twice"


async def test_a_new_plan_of_the_run_takes_the_old_one_s_place_and_goes_on_in_its_file(mock: Mock) -> None:
    async with mock.under(plan(fault(Provider.TTS, FaultKind.ERROR))) as run:
        await mock.call(Provider.TTS, KEY)
        async with mock.under(plan(fault(Provider.TTS, FaultKind.RATE_LIMIT), run=run)):
            assert (await mock.call(Provider.TTS, KEY))[0] is CallResult.RATE_LIMITED
    assert [note.fault for note in mock.calls(run)] == [FaultKind.ERROR, FaultKind.RATE_LIMIT]


async def test_a_call_ends_in_the_file_of_its_own_plan_even_after_its_withdrawal(mock: Mock) -> None:
    async with mock.under(plan(fault(Provider.TTS, FaultKind.HANG))) as run:
        call = asyncio.create_task(mock.call(Provider.TTS, KEY, 1))
        await until(partial(mock.calls, run))
    async with mock.under(plan()) as other:
        assert not call.done()
        assert (await call)[0] is CallResult.TIMEOUT
        await until(partial(mock.ended, run, Answered.LEFT))
    assert mock.notes(other) == []


async def test_a_mock_that_is_started_again_goes_on_in_the_run_s_file(tmp_path: Path) -> None:
    ordered = plan(run="2024-05-01T10.00.00_a-run")
    for _ in range(2):
        with running(**obedient(tmp_path)) as (process, url):
            async with Mock.at(url, tmp_path) as mock, mock.under(ordered):
                await mock.call(Provider.TTS, KEY)
            process.kill()
    assert len(mock.calls(ordered.run)) == 2


async def test_the_ledger_of_a_run_is_read_as_its_file_holds_it(mock: Mock) -> None:
    async with mock.under(plan(fault(Provider.TTS, FaultKind.ERROR, rate=0.5))) as run:
        empty = await mock.control.get(f"/control/faults/{run}")
        assert (empty.status_code, empty.content) == (200, b"")
        await asyncio.gather(*(mock.call(Provider.TTS, key) for key in keys(30)))
    answer = await mock.control.get(f"/control/faults/{run}")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/x-ndjson"
    assert [NOTES.validate_json(line) for line in answer.content.splitlines()] == mock.notes(run)
    assert len(mock.calls(run)) == 30
    assert 0 < len(mock.ends(run)) < 30


async def test_half_a_line_is_left_out_until_it_is_whole(mock: Mock) -> None:
    async with mock.under(plan()) as run:
        await mock.call(Provider.TTS, KEY)
        whole = mock.path(run).read_bytes()
        with mock.path(run).open("ab") as file:
            file.write(whole[:20])
        assert (await mock.control.get(f"/control/faults/{run}")).content == whole


@pytest.mark.parametrize("run", ["never", "..", "%2e%2e", "..%2F..%2Fsecret", "a%00b", "a%0a", "a b", "x" * 121])
async def test_the_ledger_of_an_unknown_run_is_404_and_no_other_file_is_to_be_had(mock: Mock, run: str) -> None:
    (mock.data_dir / "secret.jsonl").write_bytes(b"{}\n")
    answer = await mock.control.get(httpx.URL(f"{mock.url}/control/faults/{run}"))
    assert answer.status_code in {404, 405} if run == ".." else answer.status_code == 404
    assert answer.json()["error"]["message"]


async def test_orders_count_as_no_provider_s_calls(mock: Mock) -> None:
    async def counted() -> list[str]:
        text = (await mock.control.get("/metrics")).text
        return [line for line in text.splitlines() if line.startswith("t2v_mock_")]

    before = await counted()
    async with mock.under(plan()) as run:
        await mock.control.get(f"/control/faults/{run}")
        await mock.control.get("/control/faults/never")
        await mock.control.put("/control/faults", content="{}")
        await mock.control.put("/control/faults", headers={"Authorization": "no"})
    assert await counted() == before


async def test_a_folder_that_cannot_be_written_is_one_sentence_and_no_plan(tmp_path: Path) -> None:
    (tmp_path / "provider_calls").write_bytes(b"in the way")
    with running(**obedient(tmp_path)) as (_, url):
        async with Mock.at(url, tmp_path) as mock:
            ordered = plan(fault(Provider.TTS, FaultKind.ERROR)).model_dump_json(exclude_unset=True)
            answer = await mock.control.put("/control/faults", content=ordered)
            assert answer.status_code == 500
            assert "provider_calls" in sentence(answer)
            assert (await mock.call(Provider.TTS, KEY))[0] is CallResult.OK
