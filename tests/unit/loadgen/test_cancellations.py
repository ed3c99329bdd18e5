import pytest

from contract.jobs import Outcome, Stage
from loadgen.cancellations import CancelAt, Cancellations
from tests.unit.loadgen.test_users import Loop
from tests.unit.loadgen.tiny import TinyService


def test_every_so_many_jobs_are_cancelled_at_each_stage_in_turn() -> None:
    cancel = Cancellations(every=2, stages=(CancelAt.ACCEPTED, CancelAt.SCENES))
    assert [cancel.of(index) for index in range(8)] == [
        *(None, CancelAt.ACCEPTED, None, CancelAt.SCENES),
        *(None, CancelAt.ACCEPTED, None, CancelAt.SCENES),
    ]


@pytest.mark.parametrize(
    ("where", "met"), [(CancelAt.ACCEPTED, None), (CancelAt.SCRIPT, Stage.SCRIPT), (CancelAt.ASSEMBLE, Stage.ASSEMBLE)]
)
async def test_a_job_is_cancelled_once_it_is_there(where: CancelAt, met: Stage | None) -> None:
    service = TinyService(stages=(Stage.PARSE, Stage.SCRIPT, Stage.ASSEMBLE))
    first, second = await Loop(service, Cancellations(every=2, stages=(where,))).run(1, 2)
    assert (first.cancel, first.outcome) == (None, Outcome.COMPLETED)
    assert second.outcome is Outcome.CANCELLED
    assert second.cancel
    assert (second.cancel.stage, second.cancel.met) == (where.stage, met)
    assert second.cancel.acknowledged
    assert second.held
    assert second.cancel.sent <= second.cancel.acknowledged <= second.held


async def test_a_job_that_has_ended_before_is_left_alone() -> None:
    service = TinyService(stages=(Stage.PARSE,))
    (record,) = await Loop(service, Cancellations(stages=(CancelAt.ASSEMBLE,))).run(1, 1)
    assert (record.cancel, record.outcome) == (None, Outcome.COMPLETED)
