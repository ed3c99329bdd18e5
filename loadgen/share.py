"""Which part of a load one of several generators carries. Together the shares are the load, and no two overlap."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Share:
    """Generator `number` (from 0) of `of`."""

    number: int = 0
    of: int = 1

    def each(self, n: int) -> range:
        """Of the things 0 to n-1 (arrivals, users), every `of`-th."""
        return range(self.number, n, self.of)

    def of_users(self, users: int, n: int) -> list[int]:
        """Of the things 0 to n-1 that users take in turn, those of our own users: none where we have none."""
        return [index for index in range(n) if index % users % self.of == self.number]


WHOLE = Share()
