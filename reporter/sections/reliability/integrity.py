"""Whether what was delivered is what its manifest says, with every loss by name."""

from collections.abc import Mapping

from reporter.markdown import NO_DATA, NOT_RUN, bullets, percent, table
from reporter.runs import Run

SCENARIO = "data-integrity"
MOST_LOSSES = 200
"""That are named of one run."""


def data_integrity(runs: Mapping[str, Run]) -> list[str]:
    blocks = [] if SCENARIO in runs else [f"Scenario `{SCENARIO}`: {NOT_RUN}."]
    blocks += [
        (
            "Each asset that a manifest names is fetched again and compared in size and SHA-256; each video is decoded "
            "and compared with its scenes, second by second. *Integrity* is the lower of the two shares, so that many "
            "small assets hide no broken video."
        ),
        table(
            ("Run", "Assets named", "Sound", "Jobs inspected", "Sound videos", "Integrity", "Losses"),
            [_row(run) for run in runs.values()],
            "lrrrrrr",
        ),
    ]
    for run in runs.values():
        if run.result is not None and run.result.integrity.losses:
            blocks += [f"Losses in `{run.name}`:", bullets(_named(run.result.integrity.losses))]
    return blocks


def _row(run: Run) -> tuple[str, ...]:
    if run.result is None:
        return run.name, *(NO_DATA,) * 6
    found = run.result.integrity
    return (
        run.name,
        f"{found.named:,}",
        f"{found.sound:,}",
        str(found.jobs),
        str(found.sound_videos),
        percent(found.share, 2),
        str(len(found.losses)),
    )


def _named(losses: list[str]) -> list[str]:
    more = len(losses) - MOST_LOSSES
    return losses if more <= 0 else [*losses[:MOST_LOSSES], f"and {more} more, all named in the run's `result.json`"]
