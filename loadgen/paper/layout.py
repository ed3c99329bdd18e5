"""Sets the synthetic paper: A4, two columns, one picture at the head of a column on each page."""

from io import BytesIO

from reportlab.lib.enums import TA_CENTER, TA_JUSTIFY
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    CondPageBreak,
    Flowable,
    Frame,
    FrameBreak,
    NextPageTemplate,
    PageTemplate,
    Paragraph,
)

from loadgen.paper.figures import HEIGHT, WIDTH, Picture, pictures
from loadgen.paper.text import (
    ABSTRACT_WORDS,
    AUTHORS,
    CAPTIONS,
    FORMULA,
    FORMULA_AFTER,
    PLACE,
    REFERENCES,
    SECTIONS,
    TITLE,
    Author,
)

SEED = 20250711
MARGIN, GAP = 78.0, 20.0
PAGE_WIDTH, PAGE_HEIGHT = float(A4[0]), float(A4[1])
COLUMN = (PAGE_WIDTH - 2 * MARGIN - GAP) / 2
PICTURE_HEIGHT = COLUMN * HEIGHT / WIDTH
FIGURE_HEIGHT = PICTURE_HEIGHT + 30
"""With its caption and the space below."""
ROOM_FOR_HEADING = 64.0
"""Points: a heading goes to the next column unless two lines fit below it."""
HEAD = 80.0
"""Points that title, authors and place take on the first page."""

BODY = ParagraphStyle(
    "body", fontName="Times-Roman", fontSize=11, leading=15.6, alignment=TA_JUSTIFY, spaceAfter=4, firstLineIndent=10
)
ABSTRACT = ParagraphStyle("abstract", BODY, fontName="Times-Italic", firstLineIndent=0)
HEADING = ParagraphStyle("heading", fontName="Times-Bold", fontSize=12, leading=15, spaceBefore=8, spaceAfter=4)
CENTRED = ParagraphStyle("centred", BODY, alignment=TA_CENTER, firstLineIndent=0)
FORMULA_STYLE = ParagraphStyle("formula", CENTRED, fontName="Times-Italic", spaceBefore=4, spaceAfter=8)
HEADLINE = ParagraphStyle("title", CENTRED, fontName="Times-Bold", fontSize=15, leading=20, spaceAfter=8)
REFERENCE = ParagraphStyle("reference", BODY, fontSize=9, leading=11, leftIndent=14, firstLineIndent=-14)


def synthetic_paper() -> bytes:
    """A PDF of 8 pages, about 4,000 words and a picture per page; always the same bytes."""
    target = BytesIO()
    template = BaseDocTemplate(target, pagesize=A4, invariant=1, title=TITLE, author=AUTHORS)
    template.addPageTemplates(
        [page(number, picture) for number, picture in enumerate(pictures(SEED), 1)],
    )
    template.build(story())
    return target.getvalue()


def page(number: int, picture: Picture) -> PageTemplate:
    figure_column = number % 2
    head = HEAD if number == 1 else 0.0
    frames = [Frame(MARGIN, PAGE_HEIGHT - MARGIN - HEAD, PAGE_WIDTH - 2 * MARGIN, HEAD, 0, 0, 0, 0)] if head else []
    for column in range(2):
        height = PAGE_HEIGHT - 2 * MARGIN - head - (FIGURE_HEIGHT if column == figure_column else 0)
        frames.append(Frame(column_left(column), MARGIN, COLUMN, height, 0, 0, 0, 0))

    def draw(canvas: Canvas, _template: BaseDocTemplate) -> None:
        left, top = column_left(figure_column), PAGE_HEIGHT - MARGIN - head
        image = ImageReader(BytesIO(b"P6 %d %d 255\n" % (WIDTH, HEIGHT) + picture.tobytes()))
        canvas.drawImage(image, left, top - PICTURE_HEIGHT, COLUMN, PICTURE_HEIGHT)
        canvas.setFont("Times-Italic", 9)
        canvas.drawString(left, top - PICTURE_HEIGHT - 12, f"Figure {number}. {CAPTIONS[number - 1]}")
        canvas.setFont("Times-Roman", 9)
        canvas.drawCentredString(PAGE_WIDTH / 2, MARGIN / 2, str(number))

    return PageTemplate(f"page {number}", frames, onPageEnd=draw)


def column_left(column: int) -> float:
    return MARGIN + column * (COLUMN + GAP)


def story() -> list[Flowable]:
    author = Author(SEED)
    abstract = " ".join(author.paragraphs(ABSTRACT_WORDS))
    flow = [
        NextPageTemplate([f"page {number}" for number in range(2, len(CAPTIONS) + 1)]),
        Paragraph(TITLE, HEADLINE),
        Paragraph(AUTHORS, CENTRED),
        Paragraph(PLACE, CENTRED),
        FrameBreak(),
        Paragraph("Abstract", HEADING),
        Paragraph(abstract, ABSTRACT),
    ]
    for heading, words in SECTIONS:
        flow += [CondPageBreak(ROOM_FOR_HEADING), Paragraph(heading, HEADING)]
        for number, paragraph in enumerate(author.paragraphs(words)):
            flow.append(Paragraph(paragraph, BODY))
            if heading == FORMULA_AFTER and number == 0:
                flow.append(Paragraph(FORMULA, FORMULA_STYLE))
    flow += [CondPageBreak(ROOM_FOR_HEADING), Paragraph("References", HEADING)]
    flow += [Paragraph(f"[{number}] {entry}", REFERENCE) for number, entry in enumerate(REFERENCES, 1)]
    return flow
