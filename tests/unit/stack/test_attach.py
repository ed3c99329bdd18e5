import json
from pathlib import Path

import psutil
import pytest

from stack.attach import announced, find_running
from stack.local import LocalStack
from stack.protocol import Stack


@pytest.fixture
def cache(stack: LocalStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder; `stack` has started under the real one."""
    assert stack.processes
    monkeypatch.setenv("REELBENCH_CACHE", str(tmp_path))
    return tmp_path


async def test_an_announced_stack_is_found_as_it_is_and_only_while_announced(stack: LocalStack, cache: Path) -> None:
    with announced(stack):
        found = await find_running()
        assert found
        for seen in Stack.__annotations__ | {
            name: None for name, member in vars(Stack).items() if isinstance(member, property)
        }:
            assert seen == "fleet" or getattr(found, seen) == getattr(stack, seen), seen
        assert found.fleet is None, "only its owner acts on its processes"
        found.add_target("loadgen", "loadgen", 1)
        assert (stack.data_dir.parent / "targets/loadgen.json").exists()
        found.remove_target("loadgen")
    assert await find_running() is None
    assert not (cache / "stack.json").exists()


async def test_a_stack_whose_owner_is_gone_is_forgotten(stack: LocalStack, cache: Path) -> None:
    with announced(stack):
        file = cache / "stack.json"
        described = json.loads(file.read_text())
        # The same process id, taken over by a later process.
        file.write_text(json.dumps(described | {"owner_started": described["owner_started"] - 60}))
        assert await find_running() is None
        assert not file.exists()


async def test_a_file_that_is_no_description_is_forgotten(cache: Path) -> None:
    (cache / "stack.json").write_text("{}")
    assert await find_running() is None
    assert not (cache / "stack.json").exists()


async def test_a_stack_that_does_not_answer_is_not_found(stack: LocalStack, cache: Path) -> None:
    with announced(stack):
        described = json.loads((cache / "stack.json").read_text())
        (cache / "stack.json").write_text(json.dumps(described | {"api_urls": ["http://127.0.0.1:9"]}))
        assert await find_running() is None


async def test_a_process_of_a_found_stack_that_is_gone_is_a_death(stack: LocalStack, cache: Path) -> None:
    gone = max(psutil.pids()) + 100_000
    with announced(stack):
        described = json.loads((cache / "stack.json").read_text())
        described["processes"]["worker-1"] = gone
        (cache / "stack.json").write_text(json.dumps(described))
        found = await find_running()
    assert found
    assert found.deaths == ["worker-1"]
