"""Faults of processes: whom they meet and what they are."""

from enum import StrEnum


class Target(StrEnum):
    """Whom a fault meets, as the stack names its processes."""

    WORKER = "worker"
    API = "service"
    REDIS = "redis"
    CACHE = "cache"
    MOCKS = "mocks"


class Kind(StrEnum):
    KILL = "kill"
    """SIGKILL; started again after `duration`."""
    TERM = "term"
    """SIGTERM; started again `duration` after it has ended."""
    RESTART = "restart"
    """SIGTERM, and started again as soon as it has ended."""
    PAUSE = "pause"
    """SIGSTOP, and SIGCONT after `duration`: its connections stay open and nobody answers."""
    POWER_LOSS = "power-loss"
    """Of Redis: what its log has not on disk is gone; started again after `duration`."""
