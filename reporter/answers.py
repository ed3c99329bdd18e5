"""What Prometheus answered, kept so that a report can be written again without it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import orjson

from contract.errors import UsageError
from reporter.statistics import total


@dataclass(frozen=True, slots=True)
class Sample:
    """One series of an answer; `value` is None where Prometheus gave no finite number.

    The answer about a range has `points` (Unix seconds, value), in order of time; `value` is then the last one's.
    """

    labels: Mapping[str, str]
    value: float | None
    points: tuple[tuple[float, float | None], ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """A query as it was asked, numbers filled in, at `time` (Unix seconds), and what came back."""

    id: str
    title: str
    unit: str
    expr: str
    time: float
    samples: tuple[Sample, ...]


class Answers:
    """All answers about one window; an id that was never asked reads like one without data."""

    def __init__(self, start: float, end: float, answers: list[Answer]) -> None:
        self.start = start
        self.end = end
        self._answers = {answer.id: answer for answer in answers}

    def __iter__(self) -> Iterator[Answer]:
        return iter(self._answers.values())

    def __contains__(self, id_: str) -> bool:
        """Whether it was asked, whatever came back."""
        return id_ in self._answers

    def samples(self, id_: str, **labels: str) -> list[Sample]:
        """The samples whose labels include `labels`."""
        answer = self._answers.get(id_)
        if answer is None:
            return []
        return [s for s in answer.samples if all(s.labels.get(name) == value for name, value in labels.items())]

    def value(self, id_: str, **labels: str) -> float | None:
        """The one sample with these labels, None where there is none. Raises ValueError where there are several."""
        found = self.samples(id_, **labels)
        if len(found) > 1:
            raise ValueError(f"{id_} with {labels} is {len(found)} series, not one")
        return found[0].value if found else None

    def count(self, id_: str, **labels: str) -> int | None:
        """As `value`, for a count. Raises ValueError on a fraction: a count that is none was computed wrongly."""
        value = self.value(id_, **labels)
        if value is None:
            return None
        if value != int(value):
            raise ValueError(f"{id_} with {labels} is {value}, not a whole number")
        return int(value)

    def total(self, id_: str, **labels: str) -> float | None:
        """The sum of the samples with these labels; None where one of them is no number, or where there is none."""
        return total(sample.value for sample in self.samples(id_, **labels))

    def label_values(self, id_: str, label: str) -> list[str]:
        return sorted({s.labels[label] for s in self.samples(id_) if label in s.labels})

    def buckets(self, id_: str, **labels: str) -> list[tuple[float, float]]:
        """(upper bound, cumulative count), ascending, of a query whose samples carry `le`."""
        found = self.samples(id_, **labels)
        return sorted((float(s.labels["le"]), s.value) for s in found if s.value is not None and "le" in s.labels)

    def save(self, path: Path) -> None:
        head = orjson.dumps({"start": self.start, "end": self.end})[:-1]
        lines = b",\n".join(orjson.dumps(_dump(answer)) for answer in self)
        path.write_bytes(head + b',"answers":[\n' + lines + b"\n]}\n")

    @classmethod
    def load(cls, path: Path) -> Self:
        """Raises UsageError on a file that `save` did not write."""
        try:
            content = orjson.loads(path.read_bytes())
            return cls(content["start"], content["end"], [_load(entry) for entry in content["answers"]])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UsageError(f"{path} does not hold the answers of a run ({error}). Repeat the run.") from error


def _dump(answer: Answer) -> dict[str, Any]:
    return {
        "id": answer.id,
        "title": answer.title,
        "unit": answer.unit,
        "expr": answer.expr,
        "time": answer.time,
        "result": [_dump_sample(sample) for sample in answer.samples],
    }


def _dump_sample(sample: Sample) -> dict[str, Any]:
    plain: dict[str, Any] = {"labels": dict(sample.labels), "value": sample.value}
    return plain | {"points": sample.points} if sample.points else plain


def _load(entry: dict[str, Any]) -> Answer:
    samples = tuple(_load_sample(sample) for sample in entry["result"])
    return Answer(entry["id"], entry["title"], entry["unit"], entry["expr"], entry["time"], samples)


def _load_sample(entry: dict[str, Any]) -> Sample:
    return Sample(entry["labels"], entry["value"], tuple((when, value) for when, value in entry.get("points", ())))
