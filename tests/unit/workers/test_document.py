from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from string import ascii_uppercase

import pytest
from pypdfium2 import PdfDocument
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from contract.jobs import ErrorCode
from tests.test_data_helper import UploadableDocument
from workers.errors import StageError
from workers.sandbox.document import MOST_CHARACTERS, folded_text, parse

SENTENCE = "A sentence of some length."


def pdf(pages: list[list[str]], picture: bytes | None = None, password: str | None = None) -> bytes:
    """A document of `pages` of lines, each page with the picture."""
    target = BytesIO()
    canvas = Canvas(target, encrypt=password)
    for lines in pages:
        if picture:
            canvas.drawImage(ImageReader(BytesIO(picture)), 72, 72)
        text = canvas.beginText(72, 700)
        for line in lines:
            text.textLine(line)
        canvas.drawText(text)
        canvas.showPage()
    canvas.save()
    return target.getvalue()


@pytest.fixture
def parsed(tmp_path: Path) -> Callable[..., dict[str, object]]:
    def parsed(content: bytes, max_pages: int = 100) -> dict[str, object]:
        path = tmp_path / "document.pdf"
        path.write_bytes(content)
        return parse(str(path), max_pages)

    return parsed


def refusal(parsed: Callable[..., dict[str, object]], content: bytes, max_pages: int = 100) -> StageError:
    with pytest.raises(StageError) as caught:
        parsed(content, max_pages)
    return caught.value


def test_the_default_document_gives_its_text(
    parsed: Callable[..., dict[str, object]], mock_file_context: UploadableDocument
) -> None:
    result = parsed(mock_file_context.content)
    text = str(result["text"])
    assert result["pages"] == len(PdfDocument(mock_file_context.content))
    assert text == mock_file_context.text == folded_text(mock_file_context.content)
    assert len(text.split()) > 2000
    assert "  " not in text
    assert "\n" not in text


def test_words_broken_at_a_line_end_are_joined(parsed: Callable[..., dict[str, object]]) -> None:
    result = parsed(pdf([["An exam-", "ple of words that", "are broken."]]))
    assert result == {"text": "An example of words that are broken.", "pages": 1}


def test_an_encrypted_document_says_so(parsed: Callable[..., dict[str, object]]) -> None:
    error = refusal(parsed, pdf([[SENTENCE]], password="secret"))
    assert (error.code, "password" in str(error)) == (ErrorCode.DOCUMENT_ENCRYPTED, True)


@pytest.mark.parametrize("kept", [0, 20, 2000])
def test_a_document_that_is_cut_off_is_malformed(
    parsed: Callable[..., dict[str, object]], mock_file_context: UploadableDocument, kept: int
) -> None:
    assert refusal(parsed, mock_file_context.content[:kept]).code is ErrorCode.DOCUMENT_MALFORMED


def test_a_document_with_a_page_that_cannot_be_loaded_is_malformed(parsed: Callable[..., dict[str, object]]) -> None:
    content = pdf([[SENTENCE], [SENTENCE]])
    broken = content.replace(b"/Type /Page\n", b"/Type /Pane\n", 1)
    assert broken != content
    assert refusal(parsed, broken).code is ErrorCode.DOCUMENT_MALFORMED


def test_a_document_without_pages_is_malformed(parsed: Callable[..., dict[str, object]]) -> None:
    target = BytesIO()
    PdfDocument.new().save(target)
    assert refusal(parsed, target.getvalue()).code is ErrorCode.DOCUMENT_MALFORMED


def test_the_page_limit_names_both_numbers(parsed: Callable[..., dict[str, object]]) -> None:
    content = pdf([[f"{SENTENCE} {word}"] for word in ("one", "two", "three")])
    assert parsed(content, 3)["pages"] == 3
    error = refusal(parsed, content, 2)
    assert error.code is ErrorCode.DOCUMENT_TOO_LONG
    assert "3 pages" in str(error)
    assert "2 are allowed" in str(error)


def test_pictures_under_a_running_header_and_page_numbers_are_no_text(
    parsed: Callable[..., dict[str, object]], draw: Callable[[str], bytes]
) -> None:
    scan = [["Journal of Running Headers", f"Page {number} of 12"] for number in range(1, 13)]
    error = refusal(parsed, pdf(scan, draw("a photo")))
    assert error.code is ErrorCode.DOCUMENT_WITHOUT_TEXT
    scan[4].append(SENTENCE)
    assert SENTENCE in str(parsed(pdf(scan, draw("a photo")))["text"])


def test_a_document_that_is_gone_says_so(tmp_path: Path) -> None:
    with pytest.raises(StageError) as caught:
        parse(str(tmp_path / "nothing.pdf"), 100)
    assert caught.value.code is ErrorCode.DOCUMENT_MISSING


def test_a_long_document_is_read_up_to_the_bound(parsed: Callable[..., dict[str, object]]) -> None:
    pages = [[f"{letter * 4} {SENTENCE} {SENTENCE} {SENTENCE}"] * 50 for letter in ascii_uppercase]
    text = str(parsed(pdf([*pages, ["The End of it all"]]))["text"])
    assert len(text) == MOST_CHARACTERS
    assert "The End" not in text
