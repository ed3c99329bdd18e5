"""Taking in a document: what can be said of it without parsing it."""

import hashlib
from http import HTTPStatus
from pathlib import Path

from anyio import to_thread
from fastapi import UploadFile

from contract.artifacts import make_durable
from contract.jobs import DocumentInfo
from contract.settings import Fsync
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


async def receive(document: UploadFile, limit: int) -> bytes:
    content = await document.read()
    check(content, document.content_type or "", limit)
    return content


async def store(path: Path, name: str | None, content: bytes, fsync: Fsync) -> DocumentInfo:
    """Writes the document, as durably as the ledger will its job, and says what it is.

    Raises Problem, leaving nothing behind, when it cannot be written.
    """
    try:
        sha256 = await to_thread.run_sync(_write, path, content, fsync)
    except OSError as error:
        raise Problem(
            HTTPStatus.INSUFFICIENT_STORAGE, "no-space", "The document could not be stored; try again later."
        ) from error
    return DocumentInfo(name=Path(name or "document.pdf").name[:200], bytes=len(content), sha256=sha256)


def _write(path: Path, content: bytes, fsync: Fsync) -> str:
    try:
        path.write_bytes(content)
        if fsync is Fsync.ALWAYS:
            make_durable(path, path.parent)
    except OSError:
        path.unlink(missing_ok=True)
        raise
    return hashlib.sha256(content).hexdigest()
