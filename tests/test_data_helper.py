"""Data that tests share: the default document as an uploadable file, and what a video of it must say."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import httpx

from contract.runfolder import RESULT, Result, Verdict
from contract.script import SceneText
from loadgen.document import Document
from loadgen.scenario import Scenario
from mocks.llm import write_script
from workers.sandbox.document import folded_text

SCENES = 5
LATE = re.compile(r"\d+ of \d+ requests were sent over 10 ms after they were due")
TRIES = 3
SEED = 1
"""Of the runs that suites judge."""

ELSEWHERE = {"concurrent": "users-1", "scaling": "users-1"}
"""A rung that another scenario of the suite is: of `concurrent` it is `single`, of `scaling` `job-profile`."""
FEWER_JOBS = {"job-profile": 12, "scaling": 20, "pooling": 12}
"""At each load."""
FEWER_RUNGS = {"pooling": 2}

Measured = Callable[[str], Awaitable[Path]]
"""The folder of this session's run of a scenario, which is made when it is first asked for."""


@dataclass(frozen=True, slots=True)
class UploadableDocument:
    """A document ready for httpx's `files=`; `text` is what a reader of it sees, white space folded."""

    name: str
    content: bytes
    text: str

    @property
    def files(self) -> dict[str, tuple[str, bytes, str]]:
        return {"document": (self.name, self.content, "application/pdf")}

    def expected_scenes(self, seed: int = 0, scenes: int = SCENES) -> list[SceneText]:
        """The script that the mocked LLM writes for this document and seed."""
        return write_script(self.text, scenes, seed).scenes


def uploadable(document: Document) -> UploadableDocument:
    return UploadableDocument(document.name, document.content, folded_text(document.content))


async def submit(api: httpx.AsyncClient, document: UploadableDocument, **fields: str) -> str:
    """The id of an accepted job, which uses nothing that another one got, unless it has the same `cache_namespace`."""
    apart = {"cache_namespace": uuid4().hex}
    answer = await api.post("/v1/videos", files=document.files, data=apart | fields)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


async def end_of(api: httpx.AsyncClient, job_id: str) -> dict[str, object]:
    """The job resource once the job has ended."""
    while True:
        answer = await api.get(f"/v1/videos/{job_id}", params={"wait": 20})
        job: dict[str, object] = answer.raise_for_status().json()
        if job["status"] not in {"queued", "in_progress"}:
            return job


def result_of(folder: Path) -> Result:
    return Result.model_validate_json((folder / RESULT).read_bytes())


def shorter(scenario: Scenario) -> Scenario:
    """The same where suites judge nothing but floors, which less of it shows as well; others whole."""
    rungs = [load for load in scenario.rungs if load.rung != ELSEWHERE.get(scenario.name)]
    rungs = rungs[: FEWER_RUNGS.get(scenario.name)]
    return scenario.model_copy(update={"rungs": tuple(rungs)}).with_jobs(FEWER_JOBS.get(scenario.name))


async def undisturbed(run: Callable[[], Awaitable[tuple[Result, Path]]]) -> tuple[Result, Path]:
    """The first run whose requests left on time, or the last one that was tried.

    A machine that held up the load generator makes a run INVALID, which says nothing of the service: it is made again.
    Whatever else is wrong with a run stays as it is.
    """
    for _ in range(TRIES):
        result, folder = await run()
        if not (result.verdict is Verdict.INVALID and all(map(LATE.fullmatch, result.reasons))):
            break
        print(f"{folder.name} is made again: {result.reasons[0]}")  # noqa: T201 - whoever reads the log should know
    return result, folder
