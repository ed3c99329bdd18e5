import os
import subprocess
import sys
import time
from pathlib import Path

import pypdfium2
import pypdfium2.raw
import pytest

from contract.errors import UsageError
from loadgen.document import USERS_OWN, Document, default_document, read_document
from loadgen.paper.layout import synthetic_paper

ROOT = Path(__file__).parents[3]


def text_of(content: bytes) -> str:
    pdf = pypdfium2.PdfDocument(content)
    try:
        pages = []
        for page in pdf:
            words = page.get_textpage()
            pages.append(words.get_text_range())
            words.close()
            page.close()
        return "\n".join(pages)
    finally:
        pdf.close()


@pytest.fixture(scope="module")
def paper() -> bytes:
    return synthetic_paper()


def test_the_paper_has_8_pages_with_a_picture_each_and_about_4000_words(paper: bytes) -> None:
    pdf = pypdfium2.PdfDocument(paper)
    pictures = [len(list(page.get_objects(filter=[pypdfium2.raw.FPDF_PAGEOBJ_IMAGE]))) for page in pdf]
    pdf.close()
    assert pictures == [1] * 8
    assert 3800 <= len(text_of(paper).split()) <= 4200
    assert 100_000 <= len(paper) <= 400_000


def test_another_process_makes_the_same_bytes(paper: bytes, tmp_path: Path) -> None:
    target = tmp_path / "paper.pdf"
    environment = os.environ | {"PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo"}
    subprocess.run([sys.executable, "-m", "loadgen.document", str(target)], cwd=ROOT, env=environment, check=True)
    assert target.read_bytes() == paper


def test_most_sentences_have_12_to_25_words_and_almost_none_comes_twice(paper: bytes) -> None:
    body = " ".join(text_of(paper).split())
    sentences = [sentence for sentence in body.split(". ") if len(sentence.split()) >= 8]
    assert len(set(sentences)) >= 0.97 * len(sentences)
    assert sum(12 <= len(sentence.split()) <= 25 for sentence in sentences) >= 0.6 * len(sentences)


def test_reading_the_paper_costs_at_most_20_ms_of_cpu(paper: bytes) -> None:
    def cost() -> float:
        start = time.process_time()
        text_of(paper)
        return time.process_time() - start

    assert min(cost() for _ in range(5)) <= 0.020


def test_a_user_s_own_paper_is_preferred(paper: bytes, tmp_path: Path) -> None:
    assert default_document(tmp_path) == Document("synthetic-paper.pdf", paper)
    own = tmp_path / USERS_OWN
    own.parent.mkdir(parents=True)
    own.write_bytes(b"%PDF-1.7 mine")
    assert default_document(tmp_path) == Document(own.name, b"%PDF-1.7 mine")


def test_a_missing_file_and_a_folder_are_one_clear_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"There is no document .*none\.pdf\. Give the path"):
        read_document(tmp_path / "none.pdf")
    with pytest.raises(UsageError, match="is a folder"):
        read_document(tmp_path)
    with pytest.raises(UsageError, match="cannot be read: Input/output error"):
        read_document(Path("/proc/self/mem"))
