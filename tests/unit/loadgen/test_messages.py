"""What travels between a leading process and its generators arrives as it was sent."""

from contract.calls import CallResult, Provider
from contract.jobs import CallTiming, Timings
from loadgen.messages import Said, line
from tests.unit.loadgen.handmade import record


def test_a_record_of_a_call_that_failed_without_an_answer_arrives_whole() -> None:
    call = CallTiming(
        provider=Provider.LLM,
        scene=0,
        attempt=1,
        result=CallResult.DISCONNECTED,
        start=100.0,
        seconds=0.1,
        planned=None,
        bytes_sent=10,
        bytes_received=0,
    )
    said = Said(job=record(0, id=None, outcome=None, timings=Timings(calls=[call])))
    assert Said.model_validate_json(line(said)) == said
