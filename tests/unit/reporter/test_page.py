"""The page of a folder's reports: self-contained, and deaf to what they say in HTML."""

import time
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from contract.errors import UsageError
from contract.runset import Member, SetKind
from reporter.markdown import document, fenced, table
from reporter.page import write_page
from tests.unit.reporter.folders import single
from tests.unit.reporter.sets import repeat, write_set

SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="60pt" height="30pt"><rect width="60" height="30"/></svg>'
EVIL = '<script>alert(1)</script><img src=x onerror="alert(2)">'
VOID = {"meta", "img", "br", "hr"}


class Page(HTMLParser):
    """What a browser would make of it: elements with their attributes and those around them, and all text."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.within: list[str] = []
        self.text: list[tuple[str, tuple[str, ...]]] = []
        self.feed(path.read_text(encoding="utf-8"))
        assert self.within == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.within.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.within.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append((data, tuple(self.within)))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.elements if name == tag]

    def facts(self) -> dict[str, str]:
        shown = [text for text, within in self.text if within[-1:] in {("dt",), ("dd",)}]
        return dict(zip(shown[::2], shown[1::2], strict=True))

    def around(self, words: str) -> tuple[str, ...]:
        """The elements around the one text outside the head that holds these words."""
        [found] = [within for text, within in self.text if words in text and not {"head", "nav"} & {*within}]
        return found


def page_of(folder: Path, *blocks: str, title: str = "Performance report") -> Page:
    folder.mkdir(exist_ok=True)
    (folder / "performance_report.md").write_text(document(title, [("", blocks)]), encoding="utf-8")
    return Page(write_page(folder))


def drawn(folder: Path, name: str) -> str:
    (folder / "figures").mkdir(exist_ok=True)
    (folder / "figures" / name).write_text(SVG)
    return f"figures/{name}"


def test_the_page_is_one_file_that_asks_for_nothing_and_runs_nothing(tmp_path: Path) -> None:
    page = page_of(tmp_path, f"![A curve]({drawn(tmp_path, 'performance_time.svg')})", "[elsewhere](https://a.example)")
    asking = [value for _, attrs in page.elements for name, value in attrs.items() if name in {"src", "srcset", "data"}]
    assert [str(value).partition(",")[0] for value in asking] == ["data:image/svg+xml;base64"]
    assert {"script", "link", "iframe", "object", "base"} & {tag for tag, _ in page.elements} == set()
    assert [
        attrs for _, attrs in page.elements if "style" in attrs or any(name.startswith("on") for name in attrs)
    ] == []
    [style] = [text for text, within in page.text if within[-1:] == ("style",)]
    assert "url(" not in style
    assert "@import" not in style
    policies = [attrs["content"] for attrs in page.all("meta") if attrs.get("http-equiv") == "Content-Security-Policy"]
    assert [str(policy).split(";")[0] for policy in policies] == ["default-src 'none'"]


def test_html_in_a_title_a_heading_a_cell_and_a_figure_stays_text(tmp_path: Path) -> None:
    run = single()
    run.info |= {"title": EVIL, "id": EVIL}
    run.write(tmp_path)
    blocks = [
        f"## {EVIL}",
        table(["Name"], [[EVIL]], "l"),
        f"![{EVIL}]({drawn(tmp_path, 'a.svg')})",
        f"![{EVIL}](figures/none.svg)",
        EVIL,
    ]
    page = page_of(tmp_path, *blocks, title=EVIL)
    assert page.all("script") == []
    assert [attrs["alt"] for attrs in page.all("img")] == [EVIL]
    told = [within[-1] for text, within in page.text if "<script>alert(1)</script>" in text]
    assert sorted(told) == sorted(["title", "h1", "dd", "a", "a", "h2", "h3", "td", "em", "p"])


@pytest.mark.parametrize("target", ["javascript:alert(1)", "data:text/html,x", "vbscript:x", "file:///etc/passwd"])
def test_a_link_that_would_run_something_or_read_files_stays_text(tmp_path: Path, target: str) -> None:
    page = page_of(tmp_path, f"[here]({target})")
    assert [attrs["href"] for attrs in page.all("a")] == ["#performance-report.performance-report"]


@pytest.mark.parametrize(
    "source",
    ["figures/gone.svg", "../secret.svg", "figures/../../secret.svg", "https://a.example/x.svg", "figures/%00.svg"],
)
def test_a_figure_that_is_not_among_the_folders_is_said_to_be_missing(tmp_path: Path, source: str) -> None:
    (tmp_path / "secret.svg").write_text(SVG)
    page = page_of(tmp_path / "run", f"![Where the time goes]({source})")
    assert page.all("img") == []
    assert page.around("is missing: Where the time goes.")[-1] == "em"


def test_only_the_appendix_is_folded(tmp_path: Path) -> None:
    blocks = [
        "## Cost",
        "dear",
        "## Appendix: PromQL",
        fenced("up == 1", "promql"),
        "### Rungs",
        "few",
        "## Method",
        "plain",
    ]
    page = page_of(tmp_path, *blocks)
    assert page.all("details") == [{}]
    assert [word for word in ("dear", "up == 1", "few", "plain") if "details" in page.around(word)] == [
        "up == 1",
        "few",
    ]
    assert page.around("Appendix: PromQL")[-2:] == ("summary", "h3")


@pytest.mark.parametrize("quoted", ["> ## Appendix: of others", "> ## A section of others", "- ## Appendix of a list"])
def test_a_heading_in_a_quotation_neither_folds_nor_ends_the_appendix(tmp_path: Path, quoted: str) -> None:
    text = f"# T\n\n## Appendix: PromQL\n\nbefore\n\n{quoted}\n\nafter\n\n## Next\n\nopen\n"
    (tmp_path / "a.md").write_text(text)
    page = Page(write_page(tmp_path))
    within = {data.strip(): places for data, places in page.text}
    assert len(page.all("details")) == 1
    assert ["details" in within[word] for word in ("before", "after", "open")] == [True, True, False]


def test_the_navigation_leads_to_every_section_of_every_report(tmp_path: Path) -> None:
    for name in ("resources_report", "performance_report"):
        (tmp_path / f"{name}.md").write_text(f"# {name}\n\n## Method\n\nA.\n\n### More\n\n## Method\n\nB.\n")
    page = Page(write_page(tmp_path))
    links = [str(attrs["href"]).removeprefix("#") for attrs in page.all("a")]
    anchors = [attrs["id"] for _, attrs in page.elements if "id" in attrs]
    assert len({*anchors}) == len(anchors)
    assert links == [anchor for anchor in anchors if not str(anchor).endswith("more")]
    assert links[0] == "performance-report.performance-report"
    assert len(links) == 6


def test_reports_stand_in_the_order_of_their_names(tmp_path: Path) -> None:
    names = ["resources", "ablation", "repeats", "comparison", "reliability", "performance", "b", "a"]
    for name in names:
        (tmp_path / f"{name}.md").write_text(f"# {name}\n")
    page = Page(write_page(tmp_path))
    assert [text for text, within in page.text if within[-1:] == ("h2",)] == sorted(names)


def test_figures_that_are_right_aligned_stay_so(tmp_path: Path) -> None:
    page = page_of(tmp_path, table(["Name", "Value"], [["P95", "1.2 s"]], "lr"))
    assert [attrs.get("class") for tag, attrs in page.elements if tag in {"th", "td"}] == [None, "number"] * 2


@pytest.fixture
def tokyo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The clock on the wall there."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("tokyo")
def test_a_run_is_named_with_its_seed_its_time_its_verdict_and_its_stamp(tmp_path: Path) -> None:
    run = single(seed=7)
    run.info |= {"title": "One after another", "started": 1_700_000_000.0}
    run.result["verdict"] = "invalid"
    run.write(tmp_path)
    page = page_of(tmp_path)
    assert page.around("One after another")[-1] == "h1"
    facts = page.facts()
    assert [attrs["class"] for attrs in page.all("dd")][-2:] == ["bad", "bad"]
    assert facts["Scenario"] == run.info["scenario"]
    assert facts["Seed"] == str(run.info["seed"])
    assert (facts["Began"], facts["Verdict"], facts["Stamp"]) == ("2023-11-14 22:13 UTC", "invalid", "INVALID")


def test_tables_and_figures_stand_in_boxes_that_a_keyboard_reaches_in_any_browser(tmp_path: Path) -> None:
    """Chromium and Firefox let it reach whatever scrolls, Safari does not."""
    page = page_of(tmp_path, table(["Name"], [["P95"]], "l"), f"![A curve]({drawn(tmp_path, 'a.svg')})")
    boxes = [(tag, attrs.get("tabindex")) for tag, attrs in page.elements if attrs.get("class") == "scroll"]
    assert boxes == [("div", "0"), ("span", "0")]


def test_a_run_that_nobody_judged_has_no_verdict(tmp_path: Path) -> None:
    single().write(tmp_path)
    (tmp_path / "result.json").unlink()
    assert page_of(tmp_path).around("no data")[-1] == "dd"


def test_a_set_is_named_too(tmp_path: Path) -> None:
    members = [(Member(run=f"r{seed}", scenario="single", seed=seed), repeat(seed, 1)) for seed in (1, 2)]
    folder = write_set(tmp_path / "set", SetKind.REPEATS, members, 2)
    facts = page_of(folder).facts()
    assert (facts["Set"], facts["Runs"]) == ("set", "2")


def test_the_same_reports_give_the_same_bytes(tmp_path: Path) -> None:
    single().write(tmp_path)
    blocks = [f"![A curve]({drawn(tmp_path, 'performance_time.svg')})", "## Method", "Text."]
    page_of(tmp_path, *blocks)
    first = (tmp_path / "index.html").read_bytes()
    page_of(tmp_path, *blocks)
    assert (tmp_path / "index.html").read_bytes() == first


def test_a_folder_without_a_report_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="There is no report"):
        write_page(tmp_path)
