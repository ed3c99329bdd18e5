import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import aiohttp
import psutil
import pytest
from redis.asyncio import Redis

from contract.errors import EnvironmentFault
from contract.settings import Workload
from stack.local import LocalStack
from stack.ports import is_free
from stack.process import ChildDied
from tests.unit.stack.conftest import STANDIN_COMMANDS

NewStack = Callable[..., LocalStack]
ROOT = Path(__file__).resolve().parents[3]


def ports_of(stack: LocalStack) -> list[int]:
    addresses = [stack.prometheus_url, stack.exporter_url, stack.mocks_url, stack.redis_url, stack.cache_url]
    return [int(address.removesuffix("/0").rsplit(":", 1)[1]) for address in [*stack.api_urls, *addresses]]


def assert_nothing_left(processes: dict[str, int], ports: list[int], state: Path) -> None:
    assert processes
    assert not [name for name, pid in processes.items() if psutil.pid_exists(pid)]
    assert all(map(is_free, ports))
    assert not state.exists()


async def test_the_queue_keeps_what_it_acknowledged_and_the_cache_is_bounded(stack: LocalStack) -> None:
    wanted = {
        stack.redis_url: {
            "appendonly": "yes",
            "appendfsync": "everysec",
            "maxmemory-policy": "noeviction",
            "maxmemory": str(2**30),
            "save": "",
            "bind": "127.0.0.1",
        },
        stack.cache_url: {
            "appendonly": "no",
            "maxmemory-policy": "allkeys-lru",
            "maxmemory": str(256 * 2**20),
            "save": "",
            "bind": "127.0.0.1",
        },
    }
    for url, settings in wanted.items():
        async with Redis.from_url(url, decode_responses=True) as client:
            assert await client.config_get(*settings) == settings


async def test_each_process_has_a_target_with_a_job_and_an_instance_of_its_own(stack: LocalStack) -> None:
    groups = [json.loads(file.read_text())[0] for file in (stack.data_dir.parent / "targets").glob("*.json")]
    labels = {(group["labels"]["job"], group["labels"]["instance"]) for group in groups}
    assert labels == {
        ("mocks", "mocks"),
        ("exporter", "exporter"),
        ("service", "service-1"),
        ("worker", "worker-1"),
        ("worker", "worker-2"),
    }
    assert len({group["targets"][0] for group in groups}) == len(groups)


async def test_prometheus_scrapes_them_and_a_target_that_joins(stack: LocalStack) -> None:
    stack.add_target("loadgen", "loadgen", int(stack.mocks_url.rsplit(":", 1)[1]))
    expected = {"mocks", "exporter", "service-1", "worker-1", "worker-2", "loadgen"}
    query = {"query": 'standin_info{job!=""}'}
    async with aiohttp.ClientSession() as session, asyncio.timeout(15):
        scraped: set[str] = set()
        while scraped != expected:
            await asyncio.sleep(0.1)
            async with session.get(f"{stack.prometheus_url}/api/v1/query", params=query) as answer:
                series = (await answer.json())["data"]["result"]
            scraped = {one["metric"]["instance"] for one in series}
    stack.remove_target("loadgen")


async def test_two_stacks_run_side_by_side_and_leave_nothing(stack: LocalStack, new_stack: NewStack) -> None:
    async with new_stack(api_processes=2, workload=Workload(workers=1)) as other:
        assert len(other.api_urls) == 2
        assert "worker-2" not in other.processes
        assert not set(ports_of(stack)) & set(ports_of(other))
        assert stack.data_dir != other.data_dir
        left = other.processes, ports_of(other), other.data_dir.parent
    assert_nothing_left(*left)
    assert not stack.deaths
    assert all(map(psutil.pid_exists, stack.processes.values()))


async def test_an_error_inside_leaves_nothing(new_stack: NewStack) -> None:
    left: list[tuple[dict[str, int], list[int], Path]] = []

    async def fail() -> None:
        async with new_stack() as stack:
            left.append((stack.processes, ports_of(stack), stack.data_dir.parent))
            raise RuntimeError("planted")

    with pytest.raises(RuntimeError, match="planted"):
        await fail()
    assert_nothing_left(*left[0])


async def test_a_process_that_dies_at_the_start_is_named_and_nothing_is_left(new_stack: NewStack) -> None:
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    stack = new_stack(env={"STANDIN_DIES": "worker"})
    with pytest.raises(ChildDied, match=r"worker-\d ended by itself \(exit status 7\)(.|\n)*last words"):
        await stack.__aenter__()
    assert {child.pid for child in psutil.Process().children(recursive=True)} == before
    assert all(map(is_free, ports_of(stack)))
    assert not stack.data_dir.parent.exists()


async def test_a_process_that_dies_later_is_noticed(new_stack: NewStack) -> None:
    async with new_stack() as stack:
        os.kill(stack.processes["worker-1"], signal.SIGKILL)
        death = await asyncio.wait_for(stack.fleet.died, 5)
    assert "worker-1 ended by itself (killed by SIGKILL)" in str(death)
    assert stack.deaths == ["worker-1"]


async def test_a_wished_port_is_used_and_a_second_stack_is_told_who_has_it(
    stack: LocalStack, new_stack: NewStack
) -> None:
    port = int(stack.api_url.rsplit(":", 1)[1])
    pid = stack.processes["service-1"]
    with pytest.raises(EnvironmentFault, match=rf"Port {port} is taken by .* \(process {pid}\)"):
        await new_stack(api_port=port).__aenter__()


async def test_sigterm_to_the_holder_stops_everything(tmp_path: Path) -> None:
    script = (
        "import asyncio, json, pathlib, sys\n"
        "from stack.local import LocalStack\n"
        "from stack.signals import cancelled_by_signals\n"
        "async def main():\n"
        "    with cancelled_by_signals():\n"
        "        async with LocalStack(pathlib.Path(sys.argv[1]), commands=json.loads(sys.argv[2])) as stack:\n"
        "            print(json.dumps(stack.describe()), flush=True)\n"
        "            await asyncio.Event().wait()\n"
        "asyncio.run(main())\n"
    )
    holder = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        script,
        str(tmp_path),
        json.dumps(STANDIN_COMMANDS),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        cwd=ROOT,
    )
    assert holder.stdout
    described = json.loads(await holder.stdout.readline())
    holder.send_signal(signal.SIGTERM)
    holder.send_signal(signal.SIGTERM)
    began = time.monotonic()
    assert await asyncio.wait_for(holder.wait(), 10) != 0
    assert time.monotonic() - began < 5
    port = int(described["api_urls"][0].rsplit(":", 1)[1])
    assert_nothing_left(described["processes"], [port], Path(described["data_dir"]).parent)


async def test_workers_that_start_again_with_other_settings_are_other_instances(
    new_stack: Callable[..., LocalStack],
) -> None:
    async with new_stack() as stack:
        before = stack.processes
        assert sorted(await stack.restart_workers(Workload(pooling=False))) == ["worker-1.2", "worker-2.2"]
        assert not stack.workload.pooling
        assert not stack.deaths
        for name in ("worker-1", "worker-2"):
            assert stack.processes[name] != before[name]
            assert psutil.Process(stack.processes[name]).environ()["T2V_POOLING"] == "false"
        assert stack.processes["service-1"] == before["service-1"]
