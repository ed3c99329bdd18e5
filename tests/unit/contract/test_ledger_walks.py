"""Every transition keeps record, queue, leases, indexes, totals, keys and events consistent; and the check can fail."""

import re

import pytest
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from contract.ledger import _LUA, _SCRIPTS, Ledger
from tests.unit.contract.walk import Walk

EFFECT = re.compile(
    r"^\s*(if [\w\[\] ~='and]+ then )?"
    r"(redis\.call\('(HSET|ZADD|ZREM|HINCRBY|DEL|LPUSH|PEXPIRE)'|(move|count|announce|wake|crash|requeue|close)\()"
)
PRELUDE = "prelude"


def effects() -> list[tuple[str, int]]:
    """Script and line of each effect that the scripts have in a line of its own."""
    return [
        (name, number)
        for name in (PRELUDE, *_SCRIPTS)
        for number, line in enumerate((_LUA / f"{name}.lua").read_text().splitlines())
        if EFFECT.match(line) and line.endswith((")", " end"))
    ]


def without(name: str, number: int) -> str:
    lines = (_LUA / f"{name}.lua").read_text().splitlines()
    del lines[number]
    return "\n".join(lines) + "\n"


def crippled(redis: Redis, name: str, number: int) -> Ledger:
    """A ledger whose scripts lack one effect."""
    ledger = Ledger(redis)
    prelude = without(name, number) if name == PRELUDE else (_LUA / "prelude.lua").read_text()
    for script in _SCRIPTS:
        body = without(name, number) if script == name else (_LUA / f"{script}.lua").read_text()
        ledger._scripts[script] = redis.register_script(prelude + body)
    return ledger


@pytest.mark.parametrize("seed", range(3))
async def test_random_sequences_of_transitions_keep_the_ledger_consistent(redis: Redis, seed: int) -> None:
    await Walk(Ledger(redis), seed).go(150)


@pytest.mark.parametrize(("name", "number"), effects(), ids=str)
async def test_a_script_that_lacks_one_of_its_effects_is_seen(redis: Redis, name: str, number: int) -> None:
    with pytest.raises((AssertionError, ResponseError, TypeError)):  # noqa: PT012 - one walk may not come upon it
        for seed in range(4):
            await redis.flushall()
            await Walk(crippled(redis, name, number), seed).go(150)
