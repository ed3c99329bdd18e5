"""Following a channel of Redis through broken connections, knowing when something may have been missed."""

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError

from contract.cancellation import was_cancelled

log = logging.getLogger(__name__)

_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 0.2
"""Seconds before a lost subscription is tried again; doubles. What is published meanwhile is heard as much later."""


async def follow(redis: Redis, channel: str, beat: float) -> AsyncIterator[str | None]:
    """What is published, for ever. None comes whenever a subscription begins: what was published before is lost.

    `redis` must not repeat commands by itself: a subscription renewed in silence hides what was missed meanwhile.
    After `beat` seconds of silence Redis is pinged; as long again without an answer, it counts as away.
    """
    pause = _FIRST_PAUSE
    while not was_cancelled():
        try:
            async with redis.pubsub() as pubsub:
                await pubsub.subscribe(channel)
                async for message in _messages(pubsub, beat):
                    if message["type"] == "subscribe":
                        pause = _FIRST_PAUSE
                        yield None
                    elif message["type"] == "message":
                        yield message["data"]
        except (RedisError, OSError, ValueError) as error:
            log.warning("subscription to %s lost (%s); trying again in %.2f s", channel, error, pause)
        except Exception:  # whoever follows would go on without ever hearing anything
            log.exception("subscription to %s lost; trying again in %.2f s", channel, pause)
        await asyncio.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE)


async def _messages(pubsub: PubSub, beat: float) -> AsyncIterator[dict[str, Any]]:
    """Raises one of REDIS_DOWN when the connection breaks or stays silent."""
    pinged = False
    while not was_cancelled():
        message = await pubsub.get_message(timeout=beat)
        if message is not None:
            pinged = False
            yield message
        elif pinged:
            raise RedisTimeoutError(f"no answer within {beat} s")
        else:
            await pubsub.ping()
            pinged = True
