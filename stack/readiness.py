"""Asking a process whether it serves."""

import aiohttp
from redis import RedisError
from redis.asyncio import Redis


def asker() -> aiohttp.ClientSession:
    """A session for `answers`: each question is bounded to one second."""
    return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=1.0))


async def answers(url: str, session: aiohttp.ClientSession) -> bool:
    """Whether redis:// answers PING, http:// answers with success."""
    return await _redis_answers(url) if url.startswith("redis:") else await _http_answers(url, session)


async def _redis_answers(url: str) -> bool:
    client = Redis.from_url(url, socket_timeout=1.0)
    try:
        return bool(await client.ping())
    except (RedisError, OSError):
        return False
    finally:
        await client.aclose()


async def _http_answers(url: str, session: aiohttp.ClientSession) -> bool:
    try:
        async with session.get(url) as answer:
            return answer.ok
    except (aiohttp.ClientError, TimeoutError):
        return False
