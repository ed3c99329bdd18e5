"""Finds passages worth reading aloud in the raw text of a document.

A passage is always a contiguous quote of the text in which each run of white space is one space. Text is measured in
units: words, or characters where the script does not put spaces between words.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from hashlib import blake2b
from itertools import pairwise
from statistics import median

TERMINATORS = ".!?…。\uff01\uff1f؟\u06d4।"
"""Full stops, question and exclamation marks: Latin, Chinese and Japanese, Arabic, Urdu, Hindi."""
CLAUSE_ENDS = ",;:\uff0c、\uff1b،"
CLOSERS = "\"'”’»)]」』"
ABBREVIATIONS = frozenset({"al.", "cf.", "e.g.", "eq.", "etc.", "fig.", "i.e.", "no.", "resp.", "sec.", "vs."})
CAPTIONS = frozenset({"Figure", "Fig.", "Table"})

WORDS_PER_SECOND = 150 / 60
CHARACTERS_PER_SECOND = 15.0
"""For scripts without spaces."""
LONGEST_PASSAGE = 1000
"""Characters; only words of a monstrous length come near it."""

Span = tuple[int, int]


def without_spaces(text: str) -> bool:
    """Whether the script, such as Chinese or Japanese, does not separate words: more than 15 letters between spaces."""
    words = text.split()
    return sum(map(len, words)) > 15 * len(words)


def spoken_seconds(text: str) -> float:
    words = text.split()
    if without_spaces(text):
        return sum(map(len, words)) / CHARACTERS_PER_SECOND
    return len(words) / WORDS_PER_SECOND


@dataclass(frozen=True)
class Prose:
    """A text as units; `sentences` cover all of them in order."""

    units: list[str]
    glue: str
    shortest: int
    longest: int
    sentences: list[Span]
    digest: bytes

    def quote(self, start: int, stop: int) -> str:
        return self.glue.join(self.units[start:stop]).strip()[:LONGEST_PASSAGE]

    def choose(self, count: int, seed: int) -> list[str]:
        """`count` passages in the order of the text: one from each of as many equal parts of the best supply.

        Whole sentences come first if there are enough of them for seeds to differ.
        """
        uncut, good, every = self._pools
        supply = uncut if len(uncut) >= 3 * count else good if len(good) >= count else every
        if len(supply) >= count:
            return [self.quote(*supply[self._pick(*part, seed)]) for part in _parts(len(supply), count)]
        starts = (self._pick(*part, seed) for part in _parts(max(1, len(self.units) - self.shortest + 1), count))
        return [self.quote(start, start + self.shortest) for start in starts]

    @cached_property
    def _pools(self) -> tuple[list[Span], ...]:
        """Passages that do not overlap, the choicest supply first: whole good sentences, good ones, all."""
        good = [span for span in self.sentences if is_prose(self.quote(*span))]
        uncut = [self._passage(span) for span in self._groups(good) if self._fits(span)]
        passages = [self._passage(span) for span in self._groups(good)]
        return uncut, passages, [self._passage(span) for span in self._groups(self.sentences)]

    def _groups(self, sentences: list[Span]) -> Iterator[Span]:
        """Joins neighbours until they are long enough; what stays too short is left out."""
        start = stop = 0
        for first, last in sentences:
            if first != stop or stop - start >= self.shortest:
                start = first
            stop = last
            if stop - start >= self.shortest:
                yield start, stop

    def _fits(self, span: Span) -> bool:
        return span[1] - span[0] <= self.longest

    def _passage(self, span: Span) -> Span:
        """The span, cut if it is too long: after a clause if one ends in time."""
        start, stop = span
        if self._fits(span):
            return span
        limit = start + self.longest
        clauses = (at for at in range(limit, start + self.shortest - 1, -1) if self.units[at - 1][-1] in CLAUSE_ENDS)
        return start, min(stop, next(clauses, limit))

    def _pick(self, first: int, last: int, seed: int) -> int:
        """One of first ... last - 1, by hash of the text, the seed and the range."""
        draw = blake2b(f"{seed} {first} {last}".encode(), key=self.digest, digest_size=8).digest()
        return first + int.from_bytes(draw) % (last - first)


def _parts(size: int, count: int) -> list[Span]:
    """`count` ranges over `size` in order, none of them empty; they repeat where `size` is smaller."""
    starts = [size * part // count for part in range(count + 1)]
    return [(start, max(start + 1, stop)) for start, stop in pairwise(starts)]


@lru_cache(maxsize=16)
def read(text: str) -> Prose:
    """The text as prose; jobs that share a document share the work."""
    digest = blake2b(text.encode(errors="replace"), digest_size=16).digest()
    if without_spaces(text):
        units = list(" ".join(text.split()))
        ends = {at + 1 for at, unit in enumerate(units) if unit in TERMINATORS}
        return Prose(units, "", 75, 120, _sentences(ends, len(units)), digest)
    units = text.split()
    ends = _layout_breaks(text) | {
        at + 1
        for at, (word, following) in enumerate(pairwise(units))
        if ends_sentence(word) and not following[0].islower()
    }
    return Prose(units, " ", 12, 20, _sentences(ends, len(units)), digest)


def _sentences(ends: set[int], size: int) -> list[Span]:
    bounds = sorted(ends | {0, size})
    return list(pairwise(bounds))


def ends_sentence(word: str) -> bool:
    bare = word.rstrip(CLOSERS)
    initial = len(bare) == 2 and bare[0].isupper()
    return bare[-1:] in TERMINATORS and bool(bare) and not initial and bare.lower() not in ABBREVIATIONS


def _layout_breaks(text: str) -> set[int]:
    """Where lines begin and end that are no part of the sentence around them.

    Page numbers, captions, and headings, which are short and unfinished.
    """
    lines = [words for line in text.splitlines() if (words := line.split())]
    lengths = [sum(map(len, words)) for words in lines]
    usual = median(lengths) if lengths else 0
    breaks, at = set(), 0
    for words, length, following in zip(lines, lengths, [*lines[1:], ["."]], strict=True):
        apart = words[0].isdigit() if len(words) == 1 else words[0] in CAPTIONS and words[1][0].isdigit()
        unfinished = words[-1][-1] not in ",;:-" and not following[0][0].islower()
        if apart:
            breaks.add(at)
        at += len(words)
        if apart or (unfinished and length < 0.7 * usual):
            breaks.add(at)
    return breaks


def is_prose(sentence: str) -> bool:
    """A cheap guess: mostly letters, starts like a sentence and ends like one, is no reference and no formula."""
    words = sentence.split()
    if not ends_sentence(words[-1]) or sentence[0].islower() or not sentence.isprintable():
        return False
    letters = sum(map(str.isalpha, sentence))
    initials = sum(len(word) <= 2 and word[0].isupper() and word.endswith(".") for word in words)
    fragments = sum(len(word) == 1 and word not in "aAI" for word in words)
    figures = sum(word[0].isdigit() for word in words)
    enough = letters >= 0.8 * sum(map(len, words))
    return enough and initials < 2 and "://" not in sentence and 4 * (fragments + figures) <= len(words)
