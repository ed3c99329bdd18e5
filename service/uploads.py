"""Taking in a document: what can be said of it without parsing it."""

import hashlib
from http import HTTPStatus
from pathlib import Path

from anyio import to_thread
from fastapi import UploadFile

from contract.jobs import DocumentInfo
from service.problems import Problem

PDF_TYPES = ("application/pdf", "application/x-pdf", "application/octet-stream", "")
HEADER_WITHIN = 1024
"""Readers accept junk before `%PDF-` as long as it begins within the first kilobyte (ISO 32000-2, annex C)."""


def check(content: bytes, content_type: str, limit: int) -> None:
    """Raises Problem when this cannot be a PDF document that we take."""
    if content_type.partition(";")[0].strip().lower() not in PDF_TYPES:
        raise Problem(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "unsupported-media-type",
            f"The document came as {content_type}; send a PDF as application/pdf.",
        )
    if not content:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "document-empty", "The document is empty; send a PDF file.")
    if len(content) > limit:
        raise Problem(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            "document-too-large",
            f"The document has {len(content):,} bytes, {limit:,} are allowed.",
        )
    if b"%PDF-" not in content[:HEADER_WITHIN]:
        raise Problem(
            HTTPStatus.UNPROCESSABLE_ENTITY, "document-not-pdf", "The document does not begin like a PDF file."
        )


async def receive(document: UploadFile, limit: int) -> tuple[DocumentInfo, bytes]:
    content = await document.read()
    check(content, document.content_type or "", limit)
    name = Path(document.filename or "document.pdf").name[:200]
    return DocumentInfo(name=name, bytes=len(content), sha256=hashlib.sha256(content).hexdigest()), content


async def store(path: Path, content: bytes) -> None:
    await to_thread.run_sync(path.write_bytes, content)
