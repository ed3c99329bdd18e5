"""What a paper prints is what the report says, to the character, and it can be made again."""

import csv
import hashlib
import io
import json
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from contract.errors import UsageError
from contract.runset import Member, SetKind
from reporter.paper import latex
from reporter.paper.formats import to_csv, to_json
from reporter.paper.manifest import commands
from reporter.paper.paper import caption, write_paper
from reporter.paper.tables import LONGEST_NAME, Span, Table, plain, tables
from reporter.performance import write_performance_report
from reporter.runs import Run
from reporter.study.comparison import compare
from reporter.study.comparison_report import write_comparison, write_contrast
from reporter.study.repeats_report import write_repeats
from reporter.study.sets import run_set
from stack.places import ROOT
from tests.unit.reporter.folders import Folder, single
from tests.unit.reporter.ladder import ladder
from tests.unit.reporter.sets import repeat, write_set

SAMPLES = sorted((ROOT / "docs" / "sample").glob("*.md"))
Rows = list[list[str]]


def by_hand(markdown: str) -> list[Rows]:
    """The tables of a document, read without the parser that is tried."""
    found: list[Rows] = []
    fenced = False
    before = ""
    for line in markdown.splitlines():
        fenced ^= line.startswith("```")
        if not fenced and line.startswith("| "):
            if not before.startswith("|"):
                found.append([])
            if not re.fullmatch(r"\|[ :|-]+\|", line):
                cells = re.split(r"(?<!\\)\|", line)[1:-1]
                found[-1].append([unmarked(one.strip()) for one in cells])
        before = line
    return found


def unmarked(cell: str) -> str:
    bare = re.sub(r"\*\*(.+?)\*\*|`([^`]*)`|(?<![\w*])\*([^*]+)\*", lambda m: m[1] or m[2] or m[3], cell)
    return bare.replace("\\|", "|")


def unescaped(text: str) -> str:
    text = text.replace(latex.BREAK, "").replace(",{}", ",")
    text = re.sub(r"\\(?:textbf|emph|texttt)\{((?:[^{}]|\{[^{}]*\}|\\[{}])*)\}", r"\1", text)
    for character, written in sorted(latex.ESCAPES.items(), key=lambda pair: -len(pair[1])):
        text = text.replace(written, character)
    return text


def rows_of_latex(text: str) -> Rows:
    lines = [line.removesuffix(r" \\") for line in text.splitlines() if line.endswith(r" \\")]
    rows = [[unescaped(cell) for cell in line.split(" & ")] for line in lines]
    return [row for number, row in enumerate(rows) if not number or row != rows[0]]


def rows_of_json(text: str) -> Rows:
    content = json.loads(text)
    return [content["headers"], *([cell["text"] for cell in row] for row in content["rows"])]


def disagreements(table: Table, expected: Rows, *, csv_text: str, json_text: str, latex_text: str) -> list[str]:
    found = {
        "csv": list(csv.reader(io.StringIO(csv_text))),
        "json": rows_of_json(json_text),
        "latex": rows_of_latex(latex_text),
    }
    return [f"{table.name}: {name}" for name, rows in found.items() if rows != expected]


@pytest.mark.parametrize("path", SAMPLES, ids=[path.stem for path in SAMPLES])
def test_every_cell_of_every_table_is_the_same_in_all_formats(path: Path) -> None:
    markdown = path.read_text()
    found, expected = tables(path.stem, markdown), by_hand(markdown)
    assert len(found) == len(expected) > (10 if "_report" in path.stem else 0)
    for table, rows in zip(found, expected, strict=True):
        made = {"csv_text": to_csv(table), "json_text": to_json(table, ""), "latex_text": latex.table(table, "")}
        assert disagreements(table, rows, **made) == []


def test_a_digit_that_differs_in_one_format_is_found() -> None:
    [table] = tables("performance", "## Load\n\n| Load | P95 |\n| --- | ---: |\n| 5 users | 587.3 ms |\n")
    made = {"csv_text": to_csv(table), "json_text": to_json(table, ""), "latex_text": latex.table(table, "")}
    rows = [["Load", "P95"], ["5 users", "587.3 ms"]]
    assert disagreements(table, rows, **made) == []
    for name, text in made.items():
        spoilt = made | {name: text.replace("587.3", "587.2")}
        assert disagreements(table, rows, **spoilt) == [f"{table.name}: {name.removesuffix('_text')}"]


@pytest.mark.parametrize(
    "text",
    [
        r"50 % of {a} & $b$ #1 _c_ ^d^ ~e~ \f",
        "a < b > c | d \" e ' f ` g -- h",
        "1–2 — 3 − 4 … “q” ‘r’ · ± × ° µ ² ≤ ≥ → ∞ ∥ δ σ",
        "Zoë Łukasz Çelik Øre",
        r"\input{/etc/passwd} \write18{ls}",
        "[1] *note* ,, ,,, (a, b) ]",
    ],
)
def test_text_survives_latex(text: str) -> None:
    assert unescaped(latex.escaped(text)) == text


def test_a_letter_that_latex_lacks_is_named_and_does_not_vanish() -> None:
    assert latex.escaped("a中\x07") == "a{[U+4E2D]}{[U+0007]}"
    assert latex.escaped("[U+4E2D]") != latex.escaped("中")


def test_every_character_of_our_reports_is_printed_as_itself() -> None:
    writers = [path for path in (ROOT / "reporter").rglob("*.py") if path.parent.name != "paper"]
    ours = {c for path in (*writers, *SAMPLES) for c in path.read_text()}
    assert len({c for c in ours if not c.isascii()}) > 10
    assert not {c for c in ours if "U+" in latex.escaped(c)}


def test_numbers_stand_beside_their_text() -> None:
    markdown = "| a | b | c | d |\n| --- | --- | --- | --- |\n| 1,234.5 ms | 72 of 72 | −3 | no data |\n"
    [row] = json.loads(to_json(tables("x", markdown)[0], ""))["rows"]
    assert row == [
        {"text": "1,234.5 ms", "value": 1234.5, "unit": "ms"},
        {"text": "72 of 72"},
        {"text": "−3", "value": -3.0},
        {"text": "no data"},
    ]


@pytest.mark.parametrize("text", ["4fbaa999617e5c03", "0123abc", "1,,2", "007", "1e+999", "72 of 72", "1.2.3", "12s3"])
def test_what_only_begins_like_a_number_is_none(text: str) -> None:
    [[cell]] = json.loads(to_json(tables("x", f"| a |\n| --- |\n| {text} |\n")[0], ""))["rows"]
    assert cell == {"text": text}


def test_marks_alignment_and_long_tables_are_kept() -> None:
    body = "".join(f"| **{i}** | `a_{i}` |\n" for i in range(90))
    [table] = tables("x", "## H\n\n| n | name |\n| ---: | --- |\n" + body)
    assert (table.align, len(table.rows)) == ("rl", 90)
    assert table.rows[3] == ((Span("3", "strong"),), (Span("a_3", "code"),))
    text = latex.table(table, "Many")
    assert text.count(r"\begin{table}") == 3
    assert text.count("(continued)") == 2
    assert r"\textbf{3} & \texttt{a\_" in text


def test_names_are_one_per_table_and_lead_nowhere() -> None:
    one = "| a |\n| --- |\n| 1 |\n\n"
    found = tables("../x", f"# T\n\n{one}## ../../etc/passwd\n\n{one}{one}## \u202e<script>\n\n{one}")
    names = [table.name for table in found]
    assert names == ["x-summary", "x-etc-passwd", "x-etc-passwd-2", "x-script"]


def test_a_heading_that_looks_like_a_numbered_name_takes_no_other_table_s() -> None:
    one = "| a |\n| --- |\n| 1 |\n\n"
    taken: set[str] = set()
    found = [*tables("a", f"## x\n\n{one}{one}## x 2\n\n{one}", taken), *tables("a x", f"## 2\n\n{one}", taken)]
    assert [table.name for table in found] == ["a-x", "a-x-2", "a-x-2-2", "a-x-2-3"]
    assert len(tables("a", f"## {'long ' * 99}\n\n{one}")[0].name) <= LONGEST_NAME


def test_a_caption_has_the_sentence_right_before_the_table_and_no_other() -> None:
    one = "| a |\n| --- |\n| 1 |\n\n"
    found = tables("load", f"# T\n\n## H\n\nOne. Two of **x**, 95 % of all:\n\n{one}{one}![f](figures/f.svg)\n\n{one}")
    captions = [caption(table, " (INVALID)") for table in found]
    assert captions == ["H, load report (INVALID). Two of x, 95 % of all.", *["H, load report (INVALID)."] * 2]


def test_the_tables_that_the_documentation_names_are_there() -> None:
    told = set(
        re.findall(r"`((?:performance|reliability|resources)-[a-z0-9-]+)`", (ROOT / "tests/README.md").read_text())
    )
    there = {one.name for path in SAMPLES for one in tables(path.stem.removesuffix("_report"), path.read_text())}
    assert len(told) > 10
    assert told <= there, told - there


DRAWN: list[Path] = []
"""A run with its report, once there is one: drawing its figures takes longer than all else here."""


def a_run(tmp_path: Path, folder: Folder | None = None) -> Path:
    path = tmp_path / "20231114-221320-single"
    if folder is None and DRAWN:
        return Path(shutil.copytree(DRAWN[0], path))
    (folder or single()).write(path)
    write_performance_report([path], path / "performance_report.md")
    if folder is None:
        DRAWN.append(Path(shutil.copytree(path, tmp_path / "drawn" / path.name)))
    return path


def test_a_run_s_paper_has_every_table_figure_and_what_it_takes_to_repeat_it(tmp_path: Path) -> None:
    folder = a_run(tmp_path)
    paper = write_paper(folder)
    names = [table.name for table in tables("performance", (folder / "performance_report.md").read_text())]
    assert {path.stem for path in (paper / "tables").glob("*.csv")} == set(names)
    assert {path.stem for path in (paper / "tables").glob("*.json")} == set(names)
    for suffix in ("svg", "pdf"):
        drawn = {path.stem for path in (paper / "figures").glob(f"*.{suffix}")}
        assert drawn == {"performance_response", "performance_time", "performance_waterfall"}
    told = json.loads((paper / "manifest.json").read_text())
    assert told["commands"] == ["make scenario NAME=single SEED=7 JOBS=60"]
    assert told["evidence"].keys() == {"run.json", "jobs.jsonl", "queries.json", "result.json"}
    for name, digest in {**told["evidence"], **told["paper"]}.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
    assert "paper/tables/performance-response-time.tex" in told["paper"]
    method = (paper / "methodology.md").read_text()
    for words in ("closed loop, 1 user", "The seed was 7.", "Example CPU, 2 cores", "300 ± 60 ms for the LLM"):
        assert words in method


def test_settings_that_differ_are_in_the_command_and_in_the_method(tmp_path: Path) -> None:
    run = single()
    run.info["workload"] = run.info["workload"] | {"slots": 4, "llm_latency": {"mean": 0.33, "sd": 0.06}}
    run.info["workload_changed"] = ["slots", "llm_latency"]
    paper = write_paper(a_run(tmp_path, run))
    [command] = json.loads((paper / "manifest.json").read_text())["commands"]
    assert command.startswith('T2V_SLOTS=4 T2V_LLM_LATENCY=\'{"mean": 0.33')
    assert "slots = 4" in (paper / "methodology.md").read_text()


def test_what_may_not_be_quoted_says_so_in_every_caption(tmp_path: Path) -> None:
    run = single()
    run.result |= {"verdict": "invalid", "reasons": ["a job is missing"]}
    paper = write_paper(a_run(tmp_path, run))
    for path in (paper / "tables").glob("*.tex"):
        assert "(INVALID)" in path.read_text()
    assert json.loads((paper / "manifest.json").read_text())["runs"][0]["reasons"] == ["a job is missing"]


def test_the_same_run_gives_the_same_bytes(tmp_path: Path) -> None:
    papers = [write_paper(a_run(tmp_path / name)) for name in ("one", "two")]
    contents = [{p.relative_to(paper): p.read_bytes() for p in paper.rglob("*") if p.is_file()} for paper in papers]
    assert contents[0] == contents[1]
    again = write_paper(papers[0].parent)
    assert {p.relative_to(again): p.read_bytes() for p in again.rglob("*") if p.is_file()} == contents[0]


def test_a_figure_that_the_report_does_not_show_is_left_out_and_one_without_a_pdf_is_named(tmp_path: Path) -> None:
    folder = a_run(tmp_path)
    for name in ("performance_stale.svg", "performance_stale.pdf"):
        (folder / "figures" / name).write_text("of another run")
    (folder / "figures" / "performance_time.pdf").unlink()
    paper = write_paper(folder)
    assert not list((paper / "figures").glob("*stale*"))
    sample, readme = ((paper / name).read_text() for name in ("sample.tex", "README.md"))
    assert "performance_time.pdf" not in sample
    assert r"\caption{Distribution of the response time}" in sample
    assert "no PDF of them: `performance_time`." in readme


def test_the_same_number_of_jobs_on_every_rung_is_in_the_command(tmp_path: Path) -> None:
    folder = ladder(jobs=60)
    for rung in folder.rungs.values():
        rung.info["jobs"] = 60
    run = Run.load(folder.write(tmp_path / "same"))
    assert commands(tmp_path, [run]) == ["make scenario NAME=concurrent SEED=7 JOBS=60"]
    next(iter(folder.rungs.values())).info["jobs"] = 72
    run = Run.load(folder.write(tmp_path / "other"))
    assert commands(tmp_path, [run]) == ["make scenario NAME=concurrent SEED=7"]


def test_a_target_of_somebody_else_s_is_told_and_nothing_is_made_up_about_it(tmp_path: Path) -> None:
    run = single()
    run.info["foreign"] = True
    paper = write_paper(a_run(tmp_path, run))
    method = (paper / "methodology.md").read_text()
    assert "somebody else's" in method
    assert not [words for words in ("were mocked", "Everything ran on", "± 60 ms") if words in method]
    [command] = json.loads((paper / "manifest.json").read_text())["commands"]
    assert command.endswith(" TARGET=<its API> PROMETHEUS=http://127.0.0.1:9090")


def test_names_of_others_are_no_markup_in_the_method_and_what_is_invalid_says_so(tmp_path: Path) -> None:
    run = single()
    run.info["document"]["name"] = "a_b_*c*<script>.pdf"
    run.result |= {"verdict": "invalid", "reasons": ["a job is missing"]}
    method = (write_paper(a_run(tmp_path, run)) / "methodology.md").read_text()
    assert plain(tables("m", f"| a |\n| --- |\n| {method.strip()} |\n")[0].rows[0][0]).count("a_b_*c*<script>.pdf") == 1
    assert method.startswith("INVALID: 20231114-221320-single. The figures must not be used.")


def a_set(tmp_path: Path, name: str, take: int, seeds: Sequence[int] = (1, 2)) -> Path:
    members = [(Member(run=f"{name}.{s}", scenario="single", seed=s), repeat(s, take)) for s in seeds]
    folder = write_set(tmp_path / name, SetKind.REPEATS, members, len(seeds))
    write_repeats(folder)
    return folder


def test_a_set_s_paper_tells_all_its_runs(tmp_path: Path) -> None:
    paper = write_paper(a_set(tmp_path, "base", 1))
    told = json.loads((paper / "manifest.json").read_text())
    assert [run["folder"] for run in told["runs"]] == ["runs/base.1", "runs/base.2"]
    assert told["commands"] == ["make scenario NAME=single SEED=1 REPEAT=2"]
    assert "The seed was 1 or 2." in (paper / "methodology.md").read_text()
    assert (paper / "tables" / "repeats-over-runs.tex").is_file()


def test_a_contrast_s_paper_says_what_was_changed(tmp_path: Path) -> None:
    members = [
        (Member(run=f"r{v}", scenario="single", seed=1, variant=v), repeat(1, take))
        for take, v in enumerate(("", "changed"))
    ]
    folder = write_set(tmp_path / "contrast", SetKind.CONTRAST, members, 1)
    write_contrast(folder)
    told = json.loads((write_paper(folder) / "manifest.json").read_text())
    assert told["commands"] == ["make scenario NAME=single SEED=1 REPEAT=1 WITH=T2V_X=1"]
    assert len(told["runs"]) == 2


def test_a_comparison_s_paper_tells_the_runs_of_both_sides(tmp_path: Path) -> None:
    sides = [a_set(tmp_path, name, take) for take, name in enumerate(("base", "other"))]
    a, b = (run_set(side.name, [side]) for side in sides)
    folder = tmp_path / "comparison"
    folder.mkdir()
    write_comparison(compare(a, b), [], folder, [[sides[0]], [sides[1]]])
    told = json.loads((write_paper(folder) / "manifest.json").read_text())
    assert [run["id"] for run in told["runs"]] == ["run-1-0", "run-2-0", "run-1-1", "run-2-1"]


def test_a_report_of_several_runs_names_them_all(tmp_path: Path) -> None:
    other = single(seed=8)
    other.info |= {"scenario": "components", "id": "20231114-221000-My_parts.v2"}
    first = other.write(tmp_path / "20231114-221000-My_parts.v2")
    last = a_run(tmp_path)
    write_performance_report([first, last], last / "performance_report.md")
    told = json.loads((write_paper(last) / "manifest.json").read_text())
    assert {run["id"] for run in told["runs"]} == {"20231114-221000-My_parts.v2", "20231114-221320-single"}
    assert "performance_report.md" in told["documents"]


def test_a_folder_without_a_report_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="make report RUN=20231114-221320-single"):
        write_paper(single().write(tmp_path / "20231114-221320-single"))


HOSTILE = "\n\n".join(
    (
        f"# {'very_long_heading_' * 12}",
        "| [a] | *b |\n| --- | --- |\n| [1] | x |\n| \\*y | z |\n| 中 | 中 |\n| **`b`** | **WWW** |",
        "## Long\n\n| a | b |\n| --- | --- |" + f"\n| 1 | {'lorem ipsum dolor ' * 20} |" * 50,
        f"## Wide\n\n|{' 1,234.5 ms |' * 25}\n|{' --- |' * 25}\n|{' 1,234.5 ms |' * 25}",
        f"## Words\n\n| a | b |\n| --- | --- |\n| {'M' * 28} {'W' * 28} {'Wi' * 300} | `{'x' * 300}` |",
        f"{'A paragraph in one sentence, ' * 30}\n\n| a |\n| --- |\n| 1 |",
    )
)
"""What a document of a hostile author may hold; pdfLaTeX never ends where a row begins with a bracket."""
REPORTS = [("run", ""), *((path.name, path.read_text()) for path in SAMPLES), ("hostile.md", HOSTILE)]


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no pdflatex on the PATH")
@pytest.mark.parametrize(("name", "text"), REPORTS, ids=[name for name, _ in REPORTS])
def test_the_sample_compiles_without_a_warning(tmp_path: Path, name: str, text: str) -> None:
    folder = a_run(tmp_path)
    if text:
        (folder / name).write_text(text)
    paper = write_paper(folder)
    assert compiled(paper) == []
    assert (paper / "sample.pdf").stat().st_size > 10_000


def compiled(paper: Path) -> list[str]:
    """What LaTeX says against the sample."""
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "sample.tex"]
    for _ in range(2):  # labels are known from the second time on
        done = subprocess.run(command, cwd=paper, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stdout[-2000:]
    log = (paper / "sample.log").read_text(errors="replace")
    return re.findall(r".*(?:[Ww]arning|Overfull|Underfull|Missing).*", log)


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no pdflatex on the PATH")
def test_a_method_that_names_many_runs_compiles_without_a_warning(tmp_path: Path) -> None:
    """Names and settings that a line ends before leave it half empty."""
    name = "20261126-202017-ablation-x4-296c.healthy.parallel."
    runs = [(Member(run=f"{name}{s}", scenario="single", seed=s), repeat(s, 1, jobs=3)) for s in range(1, 9)]
    for member, folder in runs:
        folder.info |= {"id": member.run, "workload_changed": ["breaker", "llm_latency", "parallel_scenes"]}
        folder.result["targets"] = [folder.result["targets"][0] | {"n": 3}]
    into = write_set(tmp_path / "many", SetKind.REPEATS, runs, 8)
    write_repeats(into)
    assert compiled(write_paper(into)) == []


def test_a_cell_is_its_spans() -> None:
    assert plain((Span("a "), Span("b", "strong"))) == "a b"
