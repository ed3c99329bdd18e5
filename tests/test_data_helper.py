"""Data that tests share: the default document as an uploadable file, and what a video of it must say."""

from dataclasses import dataclass

import httpx

from contract.script import SceneText
from loadgen.document import Document
from mocks.llm import write_script
from workers.sandbox.document import folded_text

SCENES = 5


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
    """The id of an accepted job."""
    answer = await api.post("/v1/videos", files=document.files, data=fields)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


async def end_of(api: httpx.AsyncClient, job_id: str) -> dict[str, object]:
    """The job resource once the job has ended."""
    while True:
        answer = await api.get(f"/v1/videos/{job_id}", params={"wait": 20})
        job: dict[str, object] = answer.raise_for_status().json()
        if job["status"] not in {"queued", "in_progress"}:
            return job
