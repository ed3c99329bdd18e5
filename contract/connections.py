"""Connections to Redis that cannot hang: every wait is bounded and a broken connection is tried again."""

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

REDIS_DOWN = (RedisConnectionError, RedisTimeoutError, OSError)
"""What a caller sees when Redis is away; the scripts of the ledger may be repeated, so connections retry first."""


def connect(url: str, bound: float) -> Redis:
    """A client whose calls give up after about `bound` seconds, retries included. Opens nothing yet."""
    client: Redis = Redis.from_url(
        url,
        decode_responses=True,
        socket_timeout=bound / 2,
        socket_connect_timeout=bound / 2,
        socket_keepalive=True,
        retry=Retry(ExponentialBackoff(cap=bound / 8, base=0.02), 2),
        retry_on_error=[RedisConnectionError, RedisTimeoutError],
    )
    return client


def connect_blocking(url: str, block: float, bound: float) -> Redis:
    """A client for commands that block up to `block` seconds on purpose."""
    client: Redis = Redis.from_url(
        url,
        decode_responses=True,
        socket_timeout=block + bound,
        socket_connect_timeout=bound,
        socket_keepalive=True,
    )
    return client
