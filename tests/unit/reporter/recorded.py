"""Real runs of one configuration, kept as what a comparison takes of them: four of each of five seeds.

Recorded on one machine by four times

    make scenario NAME=tests/unit/reporter/data/five-users.toml REPEAT=5 SEED=1

and `python -m tests.unit.reporter.recorded <set> <set> <set> <set>` with the sets' folders.
"""

import gzip
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from reporter.study.measures import MEASURES, JobMeasure, Measure, Sample, sample
from reporter.study.sets import RunSet, run_set

FILE = Path(__file__).with_name("data") / "same.json.gz"
Recording = list[dict[str, Any]]
"""A run each: its seed, and of each measure the jobs by seed key or the two sums."""


def read() -> Recording:
    recording: Recording = json.loads(gzip.decompress(FILE.read_bytes()))
    return recording


def samples(run: dict[str, Any], measure: Measure) -> Sample:
    found = run["figures"][_source(measure)]
    if isinstance(measure, JobMeasure):
        return Sample(jobs=found)
    return Sample(sums=None if found is None else tuple(found))


def _source(measure: Measure) -> str:
    """The three response times are figures of the same jobs."""
    return "response" if measure.name.startswith("response") else measure.name


def _record(sets: Sequence[RunSet]) -> Recording:
    return [
        {"seed": run.info.seed, "figures": {_source(one): _rounded(sample(one, run)) for one in MEASURES}}
        for found in sets
        for run in found.runs
    ]


def _rounded(found: Sample) -> Any:
    if found.jobs is not None:
        return {key: round(value, 3) for key, value in found.jobs.items()}
    return found.sums


if __name__ == "__main__":
    content = json.dumps(_record([run_set(name, [Path(name)]) for name in sys.argv[1:]]), separators=(",", ":"))
    FILE.write_bytes(gzip.compress(content.encode(), mtime=0))
