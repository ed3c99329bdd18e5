"""Connections to Redis that cannot hang: every wait is bounded and a broken connection is tried again."""

from redis._parsers.base import BaseParser
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import ConstantBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import OutOfMemoryError, ReadOnlyError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError


class NotWritableError(ResponseError):
    """Redis cannot keep what it is told now: its disk is full, its replicas are away, a script runs on."""


# Wherever redis-py meets these errors, which it knows by no name of its own.
BaseParser.EXCEPTION_CLASSES |= dict.fromkeys(("MISCONF", "NOREPLICAS", "MASTERDOWN", "BUSY"), NotWritableError)

LEDGER_DOWN = (RedisConnectionError, RedisTimeoutError, OutOfMemoryError, ReadOnlyError, NotWritableError)
"""What a caller sees when Redis is away or takes no writes; the scripts of the ledger may be repeated, so connections
retry first."""
REDIS_DOWN = (*LEDGER_DOWN, OSError)
"""Likewise, where no file of ours is touched: a full disk of ours is not a ledger that is away."""

MOST_CONNECTIONS = 128
"""Of one client; a call beyond them waits for a free one."""


def connect(url: str, bound: float) -> Redis:
    """A client whose calls give up after about `bound` seconds, retries included, however many are made at once.

    Opens nothing yet.
    """
    # redis-py's other pool connects under a lock, so that calls to a Redis that hangs would wait for each other
    pool: BlockingConnectionPool = BlockingConnectionPool.from_url(
        url,
        max_connections=MOST_CONNECTIONS,
        timeout=bound / 2,
        decode_responses=True,
        socket_timeout=bound / 2,
        socket_connect_timeout=bound / 2,
        socket_keepalive=True,
        lib_name=None,  # redis-py would tell its name and version on each new connection: two commands
        lib_version=None,
        retry=Retry(ConstantBackoff(bound / 20), 1),  # twice at most: each attempt may take half of the bound
        retry_on_error=[RedisConnectionError, RedisTimeoutError],
    )
    return Redis.from_pool(pool)


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
