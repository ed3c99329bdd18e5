"""The page of the sample reports in a real browser, and that each way in which it could be bad is noticed."""

import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, get_args

import pytest
import pytest_asyncio

from contract.errors import EnvironmentFault
from reporter.page import write_page
from stack.places import ROOT
from stack.programs import BROWSER, Program, find_programs
from tests.integration.browser import Scheme, Tab, browser_tab
from tests.unit.reporter.folders import single

pytestmark = pytest.mark.timeout(400)  # of the first one, which may have to fetch the browser
SAMPLES = ROOT / "docs" / "sample"
PHONE, DESKTOP = (360, 740), (1280, 900)
LONG = "unbreakable" * 40
AWKWARD = f"""# {LONG}

{LONG} `{LONG}`

- {LONG}
  - > {LONG}

{"|".join(["wide"] * 30)}
{"|".join(["---:"] * 30)}
{"|".join(["1"] * 30)}

```text
{LONG}
```

```promql
{LONG}
```

![{LONG}](figures/{LONG}.svg)
"""
LOOK = """(() => {
  const rgba = text => text.match(/[\\d.]+/g).map(Number);
  const paper = element => {
    for (let e = element; e; e = e.parentElement) {
      const [r, g, b, a = 1] = rgba(getComputedStyle(e).backgroundColor);
      if (a === 1) return [r, g, b];
    }
    return [255, 255, 255];
  };
  // https://www.w3.org/TR/WCAG21/#dfn-relative-luminance
  const luminance = colour => colour.slice(0, 3)
    .map(c => c / 255).map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const contrast = element => {
    const [low, high] = [luminance(rgba(getComputedStyle(element).color)), luminance(paper(element))]
      .sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  const texts = [], walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) if (walk.currentNode.data.trim()) texts.push(walk.currentNode);
  const images = [...document.images];
  return {
    width: document.documentElement.scrollWidth,
    texts: texts.length,
    faint: texts.filter(text => contrast(text.parentElement) < 4.5).map(text => text.data.slice(0, 40)),
    images: images.length,
    broken: images.filter(image => !image.naturalWidth).map(image => image.alt),
    dark: luminance(paper(document.body)) < 0.2,
    folded: [...document.querySelectorAll('details')].map(details => details.open),
    title: document.title,
  };
})()"""


@pytest.fixture(scope="module")
def browser() -> Program:
    try:
        return find_programs(requirements=(BROWSER,))[BROWSER.name]
    except EnvironmentFault as fault:
        pytest.skip(str(fault))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def tab(browser: Program, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Tab]:
    async with browser_tab(browser, tmp_path_factory.mktemp("browser")) as found:
        yield found


@pytest.fixture
def page(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    shutil.copytree(SAMPLES, folder)
    run = single()
    run.info["title"] = "One after another"
    run.write(folder)
    (folder / "awkward.md").write_text(AWKWARD, encoding="utf-8")
    return write_page(folder)


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A page with one of everything."""
    folder = tmp_path / "run"
    single().write(folder)
    (folder / "figures").mkdir()
    shutil.copy(SAMPLES / "figures" / "comparison.svg", folder / "figures")
    shutil.copy(SAMPLES / "comparison.md", folder)
    return write_page(folder)


async def complaints(tab: Tab, page: Path, size: tuple[int, int], scheme: Scheme) -> tuple[list[str], dict[str, Any]]:
    """What is wrong with the page as it is shown, and what was seen."""
    await tab.open(page, *size, scheme)
    seen: dict[str, Any] = await tab.evaluate(LOOK)
    found = []
    if seen["width"] > size[0]:
        found.append(f"wide: {seen['width']} of {size[0]} px")
    if seen["dark"] is not (scheme == "dark"):
        found.append(f"scheme: not {scheme}")
    found += [f"faint: {text}" for text in seen["faint"]]
    found += [f"broken: {alt}" for alt in seen["broken"]]
    for event in tab.events:
        match event:
            case {"method": "Network.requestWillBeSent", "params": {"request": {"url": url}}}:
                if not url.startswith(("file:", "data:")):
                    found.append(f"asks: {url}")
            case {"method": "Log.entryAdded", "params": {"entry": {"level": "error" | "warning", "text": text}}}:
                found.append(f"log: {text}")
            case {"method": "Runtime.exceptionThrown" | "Runtime.consoleAPICalled"}:
                found.append(f"script: {event['params']}")
    return found, seen


async def test_the_page_fits_a_phone_and_a_desktop_by_day_and_by_night(tab: Tab, page: Path) -> None:
    figures = len(list((SAMPLES / "figures").glob("*.svg")))
    for size in (PHONE, DESKTOP):
        for scheme in get_args(Scheme):
            found, seen = await complaints(tab, page, size, scheme)
            assert found == [], (size, scheme)
            assert (seen["images"], seen["texts"] > 1000) == (figures, True)
            assert seen["folded"] == [False] * 3


async def test_a_link_of_the_navigation_leads_to_its_section(tab: Tab, page: Path) -> None:
    await tab.open(page, *PHONE, "light")
    top = "document.getElementById('resources-report.cost').getBoundingClientRect().top"
    assert await tab.evaluate(top) > PHONE[1]
    await tab.evaluate("document.querySelector('nav a[href=\"#resources-report.cost\"]').click()")
    assert 0 < await tab.evaluate(top) < 100


async def test_a_table_scrolls_in_its_box_by_keyboard(tab: Tab, page: Path) -> None:
    await tab.open(page, *PHONE, "light")
    await tab.evaluate(
        "window.box = document.querySelector('.scroll:has(table)'); box.focus();"
        "window.moved = new Promise(done => box.addEventListener('scroll', () => done(box.scrollLeft))); null"
    )
    await tab.call("Input.dispatchKeyEvent", type="rawKeyDown", key="ArrowRight", windowsVirtualKeyCode=39)
    assert await tab.evaluate("moved") > 0


def plant(page: Path, *edits: tuple[str, str]) -> None:
    text = page.read_text(encoding="utf-8")
    for pattern, new in edits:
        text, times = re.subn(pattern, new, text)
        assert times
    page.write_text(text, encoding="utf-8")


POLICY = r'<meta http-equiv="Content-Security-Policy"[^>]*>'
PLANTED: list[tuple[str, Scheme, list[tuple[str, str]]]] = [
    ("wide: ", "light", [(POLICY, ""), (r"\.scroll \{[^}]*\}", "")]),
    ("scheme: ", "dark", [(POLICY, ""), (r"--paper: #1a1a1a", "--paper: #fff")]),
    ("faint: ", "light", [(POLICY, ""), (r"--ink: #1f2933", "--ink: #9aa")]),
    ("faint: ", "dark", [(POLICY, ""), (r"--ink: #e4e7eb", "--ink: #666")]),
    ("broken: ", "light", [(r"base64,[^\"]+", "base64,AAAA")]),
    ("asks: ", "light", [(POLICY, ""), (r"<main>", '<main><img alt="" src="http://127.0.0.1:9/x.png">')]),
    ("log: ", "light", [(r"<main>", '<main><p style="color: blue">blue</p>')]),
    ("script: ", "light", [(POLICY, ""), (r"<main>", "<main><script>console.log('here')</script>")]),
]


@pytest.mark.parametrize(("word", "scheme", "edits"), PLANTED, ids=[f"{word[:-2]}-{s}" for word, s, _ in PLANTED])
async def test_a_planted_defect_is_noticed(
    tab: Tab, small: Path, word: str, scheme: Scheme, edits: list[tuple[str, str]]
) -> None:
    assert (await complaints(tab, small, PHONE, scheme))[0] == []
    plant(small, *edits)
    found, _ = await complaints(tab, small, PHONE, scheme)
    assert any(complaint.startswith(word) for complaint in found), found


async def test_the_policy_stops_scripts_and_pictures_from_elsewhere(tab: Tab, small: Path) -> None:
    evil = (
        "<script>document.title = 'run'</script><img alt='' src='http://127.0.0.1:9/x.png'>"
        "<svg onload=\"document.title = 'run'\"></svg>"
    )
    title = (await complaints(tab, small, PHONE, "light"))[1]["title"]
    plant(small, ("<main>", f"<main>{evil}"))
    found, seen = await complaints(tab, small, PHONE, "light")
    assert seen["title"] == title != "run"
    assert sum("Content Security Policy" in complaint for complaint in found) == 3
