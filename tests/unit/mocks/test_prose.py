import pytest

from loadgen.paper.layout import synthetic_paper
from mocks.llm import title
from mocks.prose import read, spoken_seconds
from tests.unit.loadgen.test_document import text_of

SHORT = "It rains. We wait. The bus is late again. Nobody minds. A dog barks at the moon. " * 6
LONG = "and then " * 300 + "it ends."
ARABIC = "تقيس هذه الورقة زمن الاستجابة لكل مرحلة من مراحل إنتاج الفيديو بعناية كبيرة وبطريقة واضحة. " * 8
CHINESE = "本文测量了视频生成流水线的每一个阶段\uff0c并说明了为什么平均值会掩盖最慢的请求。" * 20


def flat(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize(
    "text",
    [SHORT, LONG, ARABIC, CHINESE, "One.", "only seven words and not a sentence", "x" * 50_000, "1 2\n3 4\n" * 40],
    ids=["short", "long", "arabic", "chinese", "one word", "tiny", "no spaces", "figures"],
)
@pytest.mark.parametrize("count", [1, 5, 20])
def test_every_passage_is_a_quote_of_the_text_whatever_the_text(text: str, count: int) -> None:
    for seed in range(4):
        passages = read(text).choose(count, seed)
        assert len(passages) == count
        assert all(passage and passage in flat(text) for passage in passages)


@pytest.mark.parametrize("text", [SHORT, LONG, ARABIC, CHINESE], ids=["short", "long", "arabic", "chinese"])
def test_a_passage_takes_five_to_eight_seconds_to_read(text: str) -> None:
    assert all(4.8 <= spoken_seconds(passage) <= 8 for passage in read(text).choose(3, 0))


def test_passages_of_a_paper_come_in_its_order_as_whole_sentences_that_differ_by_seed() -> None:
    text = text_of(synthetic_paper())
    chosen = [read(text).choose(5, seed) for seed in range(8)]
    for passages in chosen:
        places = [flat(text).index(passage) for passage in passages]
        assert places == sorted(places)
        assert all(12 <= len(passage.split()) <= 20 and passage.endswith(".") for passage in passages)
    assert len({tuple(passages) for passages in chosen}) == 8


def test_headings_page_numbers_captions_references_and_formulas_are_left_out_where_there_is_prose() -> None:
    prose = "The queue grows in every run that we have made, and nobody can say for certain why."
    noise = (
        "2 Related Work\n{}\nx = y + z ( 1 ) = 3 * k - 4 / 5 + q = r ^ 2 .\n{}\n17\n{}\n{}\n"
        "Nobody who has waited here for long will be surprised to see that\nFigure 3. Waiting time\nhas grown.\n"
        "A. Bee and C. Dee in the proceedings of a conference on things that nobody has ever measured.\n{}\n"
    ).format(*[prose] * 5)
    assert set(read(noise * 3).choose(5, 0)) == {prose}


def test_an_abbreviation_or_initial_ends_no_sentence() -> None:
    sentence = "As J. Doe et al. have shown, e.g. in a trial of ten runs, waiting costs more than work."
    assert read(f"{sentence} {sentence}").choose(1, 0) == [sentence]


def test_the_title_is_the_first_line_with_words_and_goes_on_where_it_breaks_off() -> None:
    assert title("\n 1 \nA Study of\nMedia Pipelines\nMira Oldenquist") == "A Study of Media Pipelines"
    assert title("---") == "Untitled document"
