"""Randomness that hangs on a name and on nothing else: not on time, not on order."""

from hashlib import blake2b


def uniform(name: str) -> float:
    """A number in the open interval (0, 1), always the same for the same name."""
    digest = blake2b(name.encode(), digest_size=8).digest()
    # 52 bits and a half: the largest value that a float can still tell from 1.
    return ((int.from_bytes(digest) >> 12) + 0.5) / 2**52
