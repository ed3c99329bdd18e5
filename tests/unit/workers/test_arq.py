"""What we rely on of arq's private parts."""

import inspect

import pytest
from arq.worker import Worker

from contract.ledger import RENDER
from tests.unit.workers.benches import completed, working


@pytest.mark.parametrize(
    ("method", "parameters", "asynchronous"),
    [
        ("main", ["self"], True),
        ("_poll_iteration", ["self"], True),
        ("close", ["self"], True),
        ("async_run", ["self"], True),
        ("handle_sig", ["self", "signum"], False),
        ("handle_sig_wait_for_completion", ["self", "signum"], False),
        ("_wait_for_tasks_to_complete", ["self", "signum"], True),
    ],
)
def test_arq_still_has_the_private_methods_that_we_rely_on(
    method: str, parameters: list[str], *, asynchronous: bool
) -> None:
    found = getattr(Worker, method)
    assert list(inspect.signature(found).parameters) == parameters
    assert inspect.iscoroutinefunction(found) is asynchronous


async def test_arq_still_has_the_private_state_that_we_rely_on(redis_url: str) -> None:
    async with working(redis_url, completed) as bench:
        worker: Worker = bench.worker
        assert worker.tasks == {}
        assert worker.max_jobs == 4
        assert worker.allow_pick_jobs is True
        assert worker.main_task is not None
        assert worker._job_completion_wait > 0
        assert list(worker.functions) == [RENDER]
    assert "self.tasks.values()" in inspect.getsource(Worker._wait_for_tasks_to_complete)
    assert "self.main_task.cancel()" in inspect.getsource(Worker._wait_for_tasks_to_complete)
