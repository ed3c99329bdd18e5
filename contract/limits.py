"""How many files and sockets a process of ours may have open."""

import resource

OPEN_FILES = 65_536
"""Enough for ten thousands of connections; some systems set no limit at all, and some programs walk all up to it."""


def raise_open_files(wanted: int = OPEN_FILES) -> int:
    """Raises the soft limit to the hard one, at most to `wanted`; the limit then in force. Never lowers it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return wanted
    best = max(soft, wanted if hard == resource.RLIM_INFINITY else min(wanted, hard))
    if best > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (best, hard))
    return best
