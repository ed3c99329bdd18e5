"""Each fault as a client meets it over HTTP, and what the mock writes down of it."""

import asyncio
import time
from collections import Counter
from functools import partial
from pathlib import Path

import httpx
import pytest

from contract.calls import CALL_HEADER, PLANNED_HEADER, CallKey, CallResult, Provider
from contract.provider_faults import Answered, FaultedCall, FaultKind
from tests.unit.mocks.faults import Mock, fault, keys, obedient, plan, until
from tests.unit.mocks.server import running

KEY = CallKey("seed/measure/1", 1, 1, 1)
SPEECH = {"model": "m", "input": "A few words.", "voice": "alloy", "response_format": "aac"}
SPEECH_PATH = "/v1/audio/speech"
STATUSES = ("200", "400", "429", "500", "503", "other")
ANSWERING = [kind for kind in FaultKind if kind not in (FaultKind.HANG, FaultKind.OUTAGE)]
ANSWERED = {FaultKind.OUTAGE: Answered.CUT, FaultKind.HANG: Answered.LEFT}


@pytest.mark.parametrize("kind", FaultKind)
@pytest.mark.parametrize("provider", Provider)
async def test_a_worker_notices_each_fault_as_what_it_is(mock: Mock, provider: Provider, kind: FaultKind) -> None:
    bound = 0.3 if kind is FaultKind.HANG else 10
    async with mock.under(plan(fault(provider, kind))) as run:
        result, _ = await mock.call(provider, KEY, bound)
        await until(partial(mock.ends, run))
    (call,), (end,) = mock.calls(run), mock.ends(run)
    met = FaultedCall(
        key=call.key, provider=provider, kind=kind, number=0, at=call.at, answered=end.answered, ended=end.at
    )
    assert met.explains(result)
    assert (call.key, call.provider, call.fault, call.number) == (KEY.encode(), provider, kind, 0)
    assert (end.key, end.provider, end.answered) == (KEY.encode(), provider, ANSWERED.get(kind, Answered.SENT))
    assert time.time() - 20 < call.at <= end.at <= time.time()


async def test_other_calls_are_written_down_and_answered_as_ever(mock: Mock) -> None:
    async with mock.under(plan(fault(Provider.TTS, FaultKind.ERROR, scenes=(2,)))) as run:
        for provider in Provider:
            assert (await mock.call(provider, KEY))[0] is CallResult.OK
        assert (await mock.call(Provider.TTS, CallKey("seed/measure/1", 2, 1, 1)))[0] is CallResult.STATUS
    assert [(call.provider, call.fault, call.number) for call in mock.calls(run)] == [
        (Provider.LLM, None, None),
        (Provider.TTS, None, None),
        (Provider.VISUAL, None, None),
        (Provider.TTS, FaultKind.ERROR, 0),
    ]
    assert len(mock.ends(run)) == 1


async def test_an_error_comes_with_its_status_in_openai_s_shape_after_the_planned_latency(mock: Mock) -> None:
    for status in (418, 500, 503, 599):
        async with mock.under(plan(fault(Provider.TTS, FaultKind.ERROR, status=status))):
            answer = await speech(mock, KEY)
        assert answer.status_code == status
        assert answer.json()["error"]["type"] == ("server_error" if status >= 500 else "invalid_request_error")
        assert answer.elapsed.total_seconds() > 0.012


async def test_a_rate_limit_says_when_to_come_again(mock: Mock) -> None:
    async with mock.under(plan(fault(Provider.TTS, FaultKind.RATE_LIMIT, retry_after=0.25))):
        answer = await speech(mock, KEY)
        _, error = await mock.call(Provider.TTS, KEY)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "0.25")
    assert error
    assert error.retry_after == 0.25


async def test_a_slow_call_is_planned_and_counted_as_slow(mock: Mock) -> None:
    async def planned() -> list[float]:
        return [await mock.metric(f"t2v_mock_planned_seconds_{part}", provider="tts") for part in ("count", "sum")]

    ordinary = float((await speech(mock, KEY)).headers[PLANNED_HEADER])
    before = await planned()
    async with mock.under(plan(fault(Provider.TTS, FaultKind.LATENCY, factor=7))):
        timing, _ = await mock.timed(Provider.TTS, KEY)
    assert timing.result is CallResult.OK
    assert timing.planned == pytest.approx(7 * ordinary, abs=1e-5)
    assert timing.planned
    assert timing.seconds >= timing.planned
    grown = [after - earlier for after, earlier in zip(await planned(), before, strict=True)]
    assert grown == pytest.approx([1, 7 * ordinary], abs=1e-5)


async def test_a_truncated_answer_has_the_length_that_it_promises(mock: Mock) -> None:
    whole = await speech(mock, KEY)
    async with mock.under(plan(fault(Provider.TTS, FaultKind.TRUNCATE))):
        half = await speech(mock, KEY)
    assert half.status_code == 200
    assert int(half.headers["Content-Length"]) == len(half.content)
    assert len(whole.content) // 2 - len(half.content) in {0, 1}
    assert half.headers["Content-Type"] == whole.headers["Content-Type"]


async def test_a_refused_request_is_refused_as_ever_when_its_answer_would_be_spoilt(mock: Mock) -> None:
    headers = {CALL_HEADER: KEY.encode()}
    async with mock.under(plan(fault(Provider.TTS, FaultKind.CORRUPT))) as run:
        answer = await mock.control.post(SPEECH_PATH, json={"model": "m"}, headers=headers)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "input")
    assert mock.answers(run) == [Answered.SENT]


async def test_a_call_stands_in_the_file_before_anything_is_answered(mock: Mock) -> None:
    slow = fault(Provider.TTS, FaultKind.LATENCY, factor=1000)
    for ordered, kind in ((plan(slow), FaultKind.LATENCY), (plan(fault(Provider.TTS, FaultKind.HANG)), FaultKind.HANG)):
        async with mock.under(ordered) as run:
            call = asyncio.create_task(mock.call(Provider.TTS, KEY))
            await until(partial(mock.calls, run))
            assert not call.done()
            assert not mock.ends(run)
            assert [note.fault for note in mock.calls(run)] == [kind]
            call.cancel()
            await asyncio.gather(call, return_exceptions=True)
            await until(partial(mock.ended, run, Answered.LEFT))


async def test_a_call_without_a_fault_stands_in_the_file_when_its_answer_arrives(mock: Mock) -> None:
    async with mock.under(plan()) as run:
        for number, key in enumerate(keys(50), start=1):
            assert (await speech(mock, key)).status_code == 200
            assert [note.key for note in mock.calls(run)][number - 1 :] == [key.encode()]


async def test_a_client_that_hangs_up_before_the_answer_is_noted_as_gone_at_once(tmp_path: Path) -> None:
    with running(**obedient(tmp_path, "30", "0.001")) as (_, url):
        async with Mock.at(url, tmp_path) as mock:
            for count, kind in enumerate(ANSWERING, start=1):
                async with mock.under(plan(fault(Provider.VISUAL, kind))) as run:
                    assert (await mock.call(Provider.VISUAL, KEY, 0.1))[0] is CallResult.TIMEOUT
                    await until(partial(mock.ended, run, Answered.LEFT), bound=5)
                assert await mock.metric("t2v_mock_faults_answered_total", provider="visual", answered="left") == count
            assert await mock.metric("t2v_mock_faults_answered_total", provider="visual", answered="sent") == 0
            answered = [await mock.metric("t2v_mock_calls_total", provider="visual", status=s) for s in STATUSES]
            assert sum(answered) == 0, "an answer that nobody waited for was not given"


async def test_a_hanging_call_hangs_until_its_client_gives_up(mock: Mock) -> None:
    async with mock.under(plan(fault(Provider.LLM, FaultKind.HANG))) as run:
        call = asyncio.create_task(mock.call(Provider.LLM, KEY, 0.5))
        await until(partial(mock.calls, run))
        assert not mock.ends(run)
        assert (await call)[0] is CallResult.TIMEOUT
        await until(partial(mock.ended, run, Answered.LEFT))
    (noted,), (end,) = mock.calls(run), mock.ends(run)
    assert end.at - noted.at == pytest.approx(0.5, abs=0.3)


async def test_an_outage_cuts_the_connection_and_the_next_call_finds_the_mock_well(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with running(**obedient(tmp_path)) as (process, url):
        async with Mock.at(url, tmp_path) as mock:
            assert (await mock.call(Provider.TTS, KEY))[0] is CallResult.OK, "so that a connection is used again"
            async with mock.under(plan(fault(Provider.TTS, FaultKind.OUTAGE))) as run:
                calls = keys(20)
                for key in calls:
                    assert (await mock.call(Provider.TTS, key))[0] is CallResult.DISCONNECTED
                await until(lambda: mock.answers(run) == [Answered.CUT] * 20)
                assert [note.key for note in mock.calls(run)] == [key.encode() for key in calls], "none came twice"
                assert (await mock.call(Provider.VISUAL, KEY))[0] is CallResult.OK
            assert (await mock.call(Provider.TTS, KEY))[0] is CallResult.OK
            for status, count in (("500", 0), ("200", 2)):
                assert await mock.metric("t2v_mock_calls_total", provider="tts", status=status) == count
        process.terminate()
        assert process.wait(10) == 0
    assert capfd.readouterr().err == ""


async def test_a_call_that_cannot_be_noted_is_not_answered_either(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with running(**obedient(tmp_path)) as (_, url):
        async with Mock.at(url, tmp_path) as mock, mock.under(plan()) as run:
            mock.path(run).unlink()
            mock.path(run).parent.rmdir()
            assert (await mock.call(Provider.TTS, KEY))[0] is CallResult.STATUS
            assert await mock.metric("t2v_mock_calls_total", provider="tts", status="500") == 1
    assert "FileNotFoundError" in capfd.readouterr().err, "a server that fails says so, unlike above"


async def test_the_fates_of_calls_are_the_same_one_after_the_other_and_all_at_once(mock: Mock) -> None:
    ordered = (fault(Provider.TTS, FaultKind.ERROR, rate=0.3), fault(Provider.TTS, FaultKind.CORRUPT, rate=0.3))
    calls = [CallKey(key.seed_key, key.scene, 1, attempt) for key in keys(20) for attempt in (1, 2, 3)]

    def fates(run: str) -> dict[str, tuple[FaultKind | None, int | None]]:
        return {note.key: (note.fault, note.number) for note in mock.calls(run)}

    async with mock.under(plan(*ordered)) as run:
        for key in calls:
            await speech(mock, key)
        slowly = fates(run)
    async with mock.under(plan(*ordered)) as run:
        await asyncio.gather(*(speech(mock, key) for key in reversed(calls)))
        at_once = fates(run)
    assert slowly == at_once
    assert {number for _, number in slowly.values()} == {0, 1, None}


async def test_a_persistent_fault_meets_every_attempt_of_a_scene_or_none(mock: Mock) -> None:
    async with mock.under(plan(fault(Provider.TTS, FaultKind.ERROR, rate=0.5, persistent=True))) as run:
        calls = [CallKey(key.seed_key, key.scene, 1, attempt) for key in keys(20) for attempt in (1, 2, 3, 4)]
        await asyncio.gather(*(speech(mock, key) for key in calls))
    fates: dict[str, set[FaultKind | None]] = {}
    for note in mock.calls(run):
        fates.setdefault(CallKey.decode(note.key).seed_key, set()).add(note.fault)
    assert len(mock.calls(run)) == len(set(calls))
    assert all(len(fate) == 1 for fate in fates.values())
    assert {FaultKind.ERROR, None} == set().union(*fates.values())


async def test_a_fault_begins_and_ends_with_its_window(mock: Mock) -> None:
    now = time.time()
    ordered = (
        fault(Provider.TTS, FaultKind.ERROR, at=100, duration=50),
        fault(Provider.VISUAL, FaultKind.ERROR, at=100, duration=50),
    )
    for start, result in ((now, CallResult.OK), (now - 120, CallResult.STATUS), (now - 200, CallResult.OK)):
        async with mock.under(plan(*ordered, start=start)):
            for provider in (Provider.TTS, Provider.VISUAL):
                assert (await mock.call(provider, KEY))[0] is result


async def test_a_call_without_a_key_meets_no_fault_and_leaves_no_note(mock: Mock) -> None:
    async with mock.under(plan(fault(Provider.TTS, FaultKind.ERROR))) as run:
        assert (await mock.control.post(SPEECH_PATH, json=SPEECH)).status_code == 200
        spoilt = await mock.control.post(SPEECH_PATH, json=SPEECH, headers={CALL_HEADER: "job one"})
    assert spoilt.status_code == 400
    assert mock.notes(run) == []


async def test_the_metrics_count_what_the_notes_say(mock: Mock) -> None:
    async def counted() -> Counter[tuple[str, ...]]:
        found: Counter[tuple[str, ...]] = Counter()
        for provider in Provider:
            for kind in FaultKind:
                found[provider, kind] = int(await mock.metric("t2v_mock_faults_total", provider=provider, kind=kind))
            for answered in Answered:
                name = "t2v_mock_faults_answered_total"
                found[provider, answered] = int(await mock.metric(name, provider=provider, answered=answered))
        return found

    before = await counted()
    ordered = [fault(provider, kind, rate=0.2) for provider in Provider for kind in FaultKind]
    async with mock.under(plan(*ordered)) as run:
        await asyncio.gather(*(mock.call(provider, key, 3) for provider in Provider for key in keys(40)))
        noted = [note for note in mock.calls(run) if note.fault]
        await until(lambda: len(mock.ends(run)) == len(noted))
    grown = await counted() - before
    expected = Counter((str(note.provider), str(note.fault)) for note in noted)
    assert len(mock.calls(run)) == 120
    assert len(expected) > 12
    assert grown == expected + Counter((str(end.provider), str(end.answered)) for end in mock.ends(run))


async def speech(mock: Mock, key: CallKey) -> httpx.Response:
    return await mock.control.post(SPEECH_PATH, json=SPEECH, headers={CALL_HEADER: key.encode()})
