"""Text of a PDF. Runs in a warm process of its own: documents are untrusted."""

from collections import Counter
from pathlib import Path

import pypdfium2 as pdfium
from pypdfium2 import raw

from contract.jobs import ErrorCode
from workers.errors import StageError

FEWEST_LETTERS = 10
MOST_CHARACTERS = 60_000
"""As much as goes to the LLM; what a longer document says beyond it is not narrated."""


def parse(path: str, max_pages: int) -> dict[str, object]:
    """`{text, pages}`; white space is folded and words broken at a line's end are joined."""
    document = _open(Path(path))
    try:
        pages = len(document)
        if pages == 0:
            raise StageError(ErrorCode.DOCUMENT_MALFORMED, "The document has no pages.")
        if pages > max_pages:
            raise StageError(
                ErrorCode.DOCUMENT_TOO_LONG,
                f"The document has {pages} pages, {max_pages} are allowed; send a part of it.",
            )
        texts = _page_texts(document)
    except pdfium.PdfiumError:
        raise _malformed() from None
    finally:
        document.close()
    if _letters(texts) < FEWEST_LETTERS:
        raise StageError(
            ErrorCode.DOCUMENT_WITHOUT_TEXT,
            "The document holds no text, only pictures perhaps; run it through text recognition (OCR) first.",
        )
    return {"text": _folded(texts), "pages": pages}


def _open(path: Path) -> pdfium.PdfDocument:
    try:
        return pdfium.PdfDocument(path)
    except FileNotFoundError:
        raise StageError(ErrorCode.DOCUMENT_MISSING, "The uploaded document is gone; submit it again.") from None
    except pdfium.PdfiumError as error:
        if getattr(error, "err_code", None) in (raw.FPDF_ERR_PASSWORD, raw.FPDF_ERR_SECURITY):
            raise StageError(
                ErrorCode.DOCUMENT_ENCRYPTED, "The document is protected by a password; send it without one."
            ) from None
        raise _malformed() from None


def _malformed() -> StageError:
    return StageError(
        ErrorCode.DOCUMENT_MALFORMED, "The document cannot be read as a PDF; it may be damaged or cut off."
    )


def folded_text(content: bytes) -> str:
    """What `parse` makes of a document that it accepts."""
    document = pdfium.PdfDocument(content)
    try:
        return _folded(_page_texts(document))
    finally:
        document.close()


def _page_texts(document: pdfium.PdfDocument) -> list[str]:
    texts: list[str] = []
    length = 0
    for page in document:
        textpage = page.get_textpage()
        texts.append(textpage.get_text_range())
        textpage.close()
        page.close()
        length += len(texts[-1])
        if length > MOST_CHARACTERS:
            break
    return texts


def _letters(texts: list[str]) -> int:
    """Letters of the lines that stand on one page only: a scan with a running header or watermark has no text.

    Digits do not make two lines differ, so that page numbers are no text either.
    """
    lines = [{"".join(c for c in line if not c.isdigit()).strip() for line in text.splitlines()} for text in texts]
    pages_with = Counter(line for page in lines for line in page)
    return sum(sum(map(str.isalpha, line)) for line, pages in pages_with.items() if pages == 1)


def _folded(texts: list[str]) -> str:
    joined = "\n".join(texts).replace("\ufffe", "").replace("-\r\n", "").replace("-\n", "")
    return " ".join(joined.split())[:MOST_CHARACTERS]
