import pytest
from aiohttp import web

from contract.calls import Provider
from contract.errors import EnvironmentFault, UsageError
from contract.provider_faults import Answered, CallNote, FaultKind, FaultNote, FaultPlan
from loadgen.providers import CallLedger, Mocks
from tests.unit.loadgen.tiny import serving

PLAN = FaultPlan(run="a-run", start=100.0, faults=())


def call(key: str, at: float = 100.0, fault: FaultKind | None = None) -> CallNote:
    return CallNote(key=key, provider=Provider.TTS, at=at, fault=fault, number=None if fault is None else 0)


def test_a_call_that_met_a_fault_is_joined_with_its_end() -> None:
    ended = FaultNote(key="1/measure/0 1 1 1", provider=Provider.TTS, answered=Answered.SENT, at=100.2)
    notes: list[FaultNote | CallNote] = [
        call("1/measure/0 1 1 1", fault=FaultKind.ERROR),
        call("1/measure/0 2 1 1"),
        call("1/measure/1 1 1 1", fault=FaultKind.HANG),
        ended,
    ]
    first, second = CallLedger(notes).faulted
    assert (first.kind, first.answered, first.ended) == (FaultKind.ERROR, Answered.SENT, 100.2)
    assert (second.kind, second.answered, second.ended) == (FaultKind.HANG, None, None)


def test_late_calls_are_those_of_the_job_alone() -> None:
    notes = [call("1/measure/1 1 1 1", 100.0), call("1/measure/1 2 1 1", 101.0), call("1/measure/11 2 1 1", 102.0)]
    assert CallLedger(notes).late_calls("1/measure/1", 100.5) == 1


def test_without_a_token_nothing_is_asked() -> None:
    with pytest.raises(UsageError, match="T2V_CONTROL_TOKEN"):
        Mocks("http://127.0.0.1:9", "")


async def test_mocks_that_do_not_answer_or_refuse_are_a_fault_of_the_environment(unused_tcp_port: int) -> None:
    async with Mocks(f"http://127.0.0.1:{unused_tcp_port}", "token") as mocks:
        with pytest.raises(EnvironmentFault, match="do not answer"):
            async with mocks.led(PLAN):
                pytest.fail("without its faults a run means nothing")
    async with serving(web.Application()) as url, Mocks(url, "token") as mocks:
        with pytest.raises(EnvironmentFault, match=r"refuse .* 404"):
            async with mocks.led(PLAN):
                pytest.fail("without its faults a run means nothing")


@pytest.mark.parametrize("answers", [True, False], ids=["in force", "perhaps in force"])
async def test_the_plan_is_withdrawn_whatever_ends_the_block_or_keeps_it_from_beginning(*, answers: bool) -> None:
    asked: list[tuple[str, str | None]] = []

    async def take(request: web.Request) -> web.Response:
        asked.append((request.method, request.headers.get("Authorization")))
        return web.Response(status=204 if answers or request.method == "DELETE" else 500)

    app = web.Application()
    app.router.add_route("*", "/control/faults", take)
    async with serving(app) as url, Mocks(url, "token") as mocks:
        with pytest.raises(KeyError if answers else EnvironmentFault):
            async with mocks.led(PLAN):
                raise KeyError
    assert asked == [("PUT", "Bearer token"), ("DELETE", "Bearer token")]
