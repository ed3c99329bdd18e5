"""`python -m cli`: run scenarios, keep a stack up, ask Prometheus. The Makefile wraps it.

Exit status: 0 the run passed, 1 it missed a target, 2 wrong usage, 3 the run is invalid or could not be made.
"""

import argparse
import asyncio
import contextlib
import random
import shutil
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import uvloop
from pydantic import ValidationError
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

import campaign
from campaign import Planned
from contract.cancellation import to_the_end
from contract.errors import EnvironmentFault, ReelbenchError, UsageError
from contract.limits import raise_open_files
from contract.runfolder import RESULT, Result, Verdict
from contract.runset import SET, SetInfo, SetKind
from contract.suites import ABOUT_RESOURCES, RELIABILITY
from loadgen.display import Display
from loadgen.document import Document, default_document, read_document
from loadgen.runner import Progress
from loadgen.scenario import Scenario, suites
from loadgen.scenario import load as load_scenario
from loadgen.scenario import names as scenario_names
from measure import measure
from reporter.newest import newest_reliability_runs, newest_resources_runs, newest_valid_runs
from reporter.page import write_page
from reporter.paper.paper import write_paper
from reporter.performance import write_performance_report
from reporter.prometheus import Prometheus, Series
from reporter.reliability import write_reliability_report
from reporter.resources import write_resources_report
from reporter.runs import Run
from reporter.study import words
from reporter.study.ablation_report import effects, write_ablation
from reporter.study.ablation_report import headline as ablation_headline
from reporter.study.comparison import GATE, Comparison, Word, compare
from reporter.study.comparison_report import COMPARISON, write_comparison, write_contrast
from reporter.study.comparison_report import headline as comparison_headline
from reporter.study.measures import MEASURES, PRIMARY
from reporter.study.repeats_report import headline as repeats_headline
from reporter.study.repeats_report import write_repeats
from reporter.study.sets import differences, read_set, run_set
from reporter.summary import summary
from stack.attach import announced, find_running, only_one
from stack.compose import find_compose
from stack.foreign import find_foreign
from stack.local import LocalStack
from stack.places import ROOT, cache_dir, new_run_folder, point_latest, reports_dir, runs_dir
from stack.ports import is_free
from stack.process import ChildDied
from stack.protocol import Stack
from stack.signals import cancelled_by_signals

Write = Callable[[Sequence[Path], Path], Path]
REPORTS: dict[Write, str] = {
    write_performance_report: "performance_report.md",
    write_reliability_report: "reliability_report.md",
    write_resources_report: "resources_report.md",
}
OF_SUITE: dict[str, Write] = {"performance": write_performance_report, "resources": write_resources_report}
"""Of several runs; what else is run together is about faults."""
MOST_GENERATORS = 64
EXIT = {Verdict.PASS: 0, Verdict.FAIL: 1, Verdict.INVALID: 3}
API_PORT, PROMETHEUS_PORT = 8000, 9090
"""Where `up` answers while these are free and nobody asks for others."""

say = Console(stderr=True, highlight=False)
out = Console(highlight=False)


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        status: int = uvloop.run(_until_stopped(options))
    except ValidationError as error:  # of the settings: everything else is validated where it comes in
        wrong = "; ".join(f"{_variable(e['loc'])}: {e['msg']}" for e in error.errors())
        say.print(
            f"[bold red]error:[/] A setting in the environment does not fit: {escape(wrong)}",
            markup=True,
            soft_wrap=True,
        )
        return UsageError.exit_code
    except ReelbenchError as error:
        say.print(f"[bold red]error:[/] {escape(str(error))}", markup=True, soft_wrap=True)
        return error.exit_code
    return status


def _variable(place: tuple[int | str, ...]) -> str:
    """The environment variable of a setting."""
    return "T2V_" + "__".join(part for part in place if isinstance(part, str)).upper()


async def _until_stopped(options: argparse.Namespace) -> int:
    with cancelled_by_signals() as came:
        try:
            status: int = await options.command(options)
        except asyncio.CancelledError:
            if not came:
                raise
            say.print(f"stopped by {came[0].name}; everything that was started is gone")
            return 128 + came[0]
    return status


async def _scenario(options: argparse.Namespace) -> int:
    scenarios = [
        load_scenario(name).with_jobs(options.jobs).with_minutes(options.minutes)
        for name in suites().get(options.name, (options.name,))
    ]
    document = read_document(options.document) if options.document else default_document(ROOT)
    if (options.generators or 1) > MOST_GENERATORS:
        raise UsageError(f"{options.generators} load generators are too many; up to {MOST_GENERATORS} make sense.")
    _check_target(options, scenarios)
    raise_open_files()  # each job under way is a socket
    if options.changed and not options.repeat:
        raise UsageError(
            "WITH goes with REPEAT: one run of each shows no spread. Say REPEAT=6, or set it in the environment."
        )
    if options.repeat:
        return await _repeat(scenarios, document, options)
    statuses, folders = [], []
    for scenario in scenarios:
        folder = new_run_folder(scenario.name)
        try:
            statuses.append(await _run_scenario(scenario, document, folder, options))
            folders.append(folder)
        finally:
            if not any(folder.rglob("*")):
                folder.rmdir()
    if len(folders) > 1:
        write = OF_SUITE.get(options.name, write_reliability_report)
        out.print(
            f"\nreport  {_short(_write_report(write, folders, folders[-1]))} of all of them",
            markup=False,
            soft_wrap=True,
        )
        out.print(f"page    {_short(write_page(folders[-1]))}", markup=False, soft_wrap=True)
    return max(statuses)


def _check_target(options: argparse.Namespace, scenarios: Sequence[Scenario]) -> None:
    """Raises UsageError where these cannot be run against a target of somebody else's."""
    if bool(options.target) is not bool(options.prometheus):
        raise UsageError("A target needs both: TARGET=<the API's URL> PROMETHEUS=<URL of a Prometheus that reads it>.")
    if options.target and options.changed:
        raise UsageError(
            "WITH starts processes with other settings, which no foreign target lets it do: leave out TARGET."
        )
    for scenario in scenarios if options.target else ():
        if why := scenario.wants_control:
            raise UsageError(
                f"The scenario {scenario.name} {why}, which no foreign target lets it do: leave out TARGET."
            )


async def _repeat(scenarios: Sequence[Scenario], document: Document, options: argparse.Namespace) -> int:
    if len(scenarios) > 1:
        raise UsageError(f"REPEAT goes with one scenario, and {options.name} is several: name one of them.")
    [scenario] = scenarios
    if scenario.search is not None:
        raise UsageError(
            f"{scenario.name} looks for a rate, and each seed would try others: REPEAT does not go with it."
        )
    if options.changed:
        return await _contrast(scenario, document, options)
    plan = campaign.repeats(scenario, options.seed, options.repeat)
    status, folder = await _campaign(SetKind.REPEATS, scenario.name, scenario.title, plan, document, options)
    for line in repeats_headline(folder):
        out.print(line, markup=False, soft_wrap=True)
    out.print(f"\nreport  {_short(write_repeats(folder))}", markup=False, soft_wrap=True)
    out.print(f"page    {_short(write_page(folder))}\nruns    {_short(folder)}", markup=False, soft_wrap=True)
    return status


async def _contrast(scenario: Scenario, document: Document, options: argparse.Namespace) -> int:
    """Status 1 says that it is worse with the other settings, 3 that it cannot be told."""
    plan = campaign.contrast(scenario, options.seed, options.repeat, options.changed)
    status, folder = await _campaign(SetKind.CONTRAST, scenario.name, scenario.title, plan, document, options)
    found, report = write_contrast(folder)
    _tell(found, report)
    out.print(f"runs    {_short(folder)}", markup=False, soft_wrap=True)
    return max(_gate(found), status if status == EXIT[Verdict.INVALID] else 0)


def _tell(found: Comparison, report: Path) -> None:
    out.print(comparison_headline(found).replace("**", ""), markup=False, soft_wrap=True)
    for row in found.rows:
        if row.word in {Word.BETTER, Word.WORSE}:
            size = words.difference(row.measure, row.difference, found.confidence)
            out.print(f"  {row.measure.title}: {row.word}, {size}", markup=False, soft_wrap=True)
    out.print(f"\nreport  {_short(report)}\npage    {_short(write_page(report.parent))}", markup=False, soft_wrap=True)


def _gate(found: Comparison) -> int:
    return {Word.WORSE: 1, Word.UNDECIDED: 3}.get(found.verdict.word, 0)


async def _ablation(options: argparse.Namespace) -> int:
    document = read_document(options.document) if options.document else default_document(ROOT)
    raise_open_files()
    plan = campaign.ablation(options.seed, options.repeat)
    status, folder = await _campaign(SetKind.ABLATION, "ablation", "Ablation", plan, document, options)
    report = write_ablation(folder)
    out.print(ablation_headline(read_set(folder), effects(folder)).replace("**", ""), markup=False, soft_wrap=True)
    out.print(f"\nreport  {_short(report)}", markup=False, soft_wrap=True)
    out.print(f"page    {_short(write_page(folder))}\nruns    {_short(folder)}", markup=False, soft_wrap=True)
    return status if status == EXIT[Verdict.INVALID] else 0  # what is off may cost a target: that is what is asked


async def _campaign(
    kind: SetKind, name: str, title: str, plan: Sequence[Planned], document: Document, options: argparse.Namespace
) -> tuple[int, Path]:
    """The highest exit status of its runs, and its folder."""
    folder = new_run_folder(f"{name}-x{options.repeat}")
    info = SetInfo(
        id=folder.name,
        kind=kind,
        name=name,
        title=title,
        seed=options.seed,
        repeats=options.repeat,
        changed=options.changed or "",
        started=time.time(),
    )

    own = options.own_stack or any(planned.variant for planned in plan)  # or what is up would have another history
    options = argparse.Namespace(**vars(options) | {"own_stack": own})

    async def make(planned: Planned, run: Path) -> int:
        result = await _measured(planned.scenario, document, planned.seed, run, options)
        out.print("\n".join(summary(run)[:2]), markup=False, soft_wrap=True)
        return EXIT[result.verdict]

    status = await campaign.carry_out(info, plan, folder, make, _dim)
    point_latest(folder)
    return status, folder


async def _measured(
    scenario: Scenario, document: Document, seed: int, folder: Path, options: argparse.Namespace
) -> Result:
    async with _some_stack(folder, scenario, options) as stack:
        with Display(say) as display:
            progress = Progress(changed=display.show)
            return await measure(scenario, document, seed, stack, folder, progress, options.generators)


async def _run_scenario(scenario: Scenario, document: Document, folder: Path, options: argparse.Namespace) -> int:
    seed = options.seed
    say.print(f"[bold]{scenario.name}[/]: {escape(scenario.title)} (seed {seed}, {scenario.size})", markup=True)
    result = await _measured(scenario, document, seed, folder, options)
    point_latest(folder)
    for line in summary(folder):
        out.print(line, markup=False, soft_wrap=True)
    write = _writer(Run.load(folder))
    out.print(f"\nreport  {_short(_write_report(write, [folder], folder))}", markup=False, soft_wrap=True)
    out.print(f"page    {_short(write_page(folder))}", markup=False, soft_wrap=True)
    out.print(f"run     {_short(folder)}", markup=False, soft_wrap=True)
    return EXIT[result.verdict]


def _writer(run: Run) -> Write:
    """What is measured while something fails is not performance."""
    if run.info.scenario in ABOUT_RESOURCES:
        return write_resources_report
    about_faults = run.info.scenario in RELIABILITY or run.faults or run.info.faults_start is not None
    return write_reliability_report if about_faults else write_performance_report


def _write_report(write: Write, runs: list[Path], keep: Path) -> Path:
    """The report where readers look for it, and a copy in the folder `keep`, which no later run overwrites."""
    report = write(runs, reports_dir() / REPORTS[write])
    (keep / "figures").mkdir(exist_ok=True)
    for figure in (report.parent / "figures").glob(f"{report.stem.removesuffix('_report')}_*"):
        shutil.copy(figure, keep / "figures")
    shutil.copy(report, keep)
    return report


def _found(name: str, *files: str) -> Path:
    """The folder of a run or of a set: by its name in the folder of all runs, or by its path."""
    for folder in (runs_dir() / name, Path(name)):
        if any((folder / file).is_file() for file in files):
            return folder.resolve()
    raise UsageError(f"There is no finished run {name!r} in {_short(runs_dir())}.")


async def _compare(options: argparse.Namespace) -> int:
    """Status 1 says that B is worse, 3 that it cannot be told."""
    if not options.a or not options.b:
        raise UsageError(
            "Say what to compare: make compare A=<runs> B=<runs>, each a set or runs, separated by commas."
        )
    if len({*map(str, options.a), *map(str, options.b)}) < len(options.a) + len(options.b):
        raise UsageError("A run or a set is named twice: it would be compared with itself, or count as two.")
    named = [", ".join(Path(name).name for name in names) for names in (options.a, options.b)]
    folders = [[_found(name, RESULT, SET) for name in names] for names in (options.a, options.b)]
    a, b = (run_set(name, side, options.rung) for name, side in zip(named, folders, strict=True))
    ids = [run.info.id for run in (*a.runs, *b.runs)]
    if len(set(ids)) < len(ids):
        raise UsageError(
            "A run is part of both sides, or twice of one: it would be compared with itself, or count as two."
        )
    unlike = differences([*a.runs, *b.runs])
    if unlike and not options.anyway:
        told = "; ".join(unlike)
        raise UsageError(
            f"These runs are not alike, so that no difference would say why: {told}. If it is meant: ANYWAY=1"
        )
    found = compare(a, b, options.on, confidence=options.confidence)
    folder = new_run_folder("comparison")
    report = write_comparison(found, unlike, folder, folders)
    _tell(found, report)
    return _gate(found)


def _write_set(folder: Path) -> Path:
    kind = read_set(folder).kind
    if kind is SetKind.CONTRAST:
        return write_contrast(folder)[1]
    return (write_repeats if kind is SetKind.REPEATS else write_ablation)(folder)


async def _report(options: argparse.Namespace) -> int:
    if options.run:
        folder = _found(options.run, RESULT, SET)
        if (folder / SET).exists():
            out.print(f"report  {_short(_write_set(folder))}", markup=False, soft_wrap=True)
            out.print(f"page    {_short(write_page(folder))}", markup=False, soft_wrap=True)
            return 0
        wanted = {_writer(Run.load(folder)): [folder]}
    else:
        wanted = {
            write_performance_report: list(newest_valid_runs(runs_dir()).values()),
            write_reliability_report: list(newest_reliability_runs(runs_dir()).values()),
            write_resources_report: list(newest_resources_runs(runs_dir()).values()),
        }
        if not any(wanted.values()):
            raise UsageError("There is no valid run yet: make scenario NAME=single")
    for write, runs in wanted.items():
        if runs:
            [*_, last], names = runs, ", ".join(folder.name for folder in runs)
            keeps = options.run is None or (last / REPORTS[write]).exists()  # which may tell of more runs than this one
            report = write(runs, reports_dir() / REPORTS[write]) if keeps else _write_report(write, runs, last)
            out.print(f"report  {_short(report)}, from {names}", markup=False, soft_wrap=True)
    out.print(f"page    {_short(write_page(reports_dir()))}", markup=False, soft_wrap=True)
    return 0


async def _paper(options: argparse.Namespace) -> int:
    paper = write_paper(_found(options.run, RESULT, SET, COMPARISON))
    tables, figures = (
        len(list((paper / name).glob(what))) for name, what in (("tables", "*.csv"), ("figures", "*.pdf"))
    )
    out.print(
        f"paper   {_short(paper)}: {tables} tables, {figures} figures, sample.tex, manifest.json",
        markup=False,
        soft_wrap=True,
    )
    return 0


@contextlib.asynccontextmanager
async def _some_stack(folder: Path, scenario: Scenario, options: argparse.Namespace) -> AsyncIterator[Stack]:
    """The target that was named, else the stack that `up` or compose keeps running, else one for this run alone, whose
    logs end up in the run's folder.
    """
    if options.target:
        say.print(f"using the target {options.target}", markup=False)
        yield await find_foreign(options.target, options.prometheus)
        return
    running = None if scenario.wants_own_stack or options.own_stack else await find_running()
    logs = folder / "logs"
    compose = None if running or scenario.wants_own_settings or options.own_stack else await find_compose()
    if compose is not None:
        if scenario.cancel and not compose.shows_files:  # nothing found would mean nothing seen
            raise UsageError(
                f"The scenario {scenario.name} looks for files that cancelled jobs leave, and the volume of the "
                "compose stack is not for this user to read: run it as root, or stop that stack first."
            )
        say.print(f"using the compose stack at {compose.api_url}")
        began = time.time()
        try:
            yield compose
        finally:
            await to_the_end(asyncio.to_thread(compose.save_logs, logs, began))
        return
    if running is not None:
        say.print(f"using the running stack at {running.api_url}")
        try:
            yield running
        finally:
            shutil.copytree(running.log_dir, logs, dirs_exist_ok=True)
        return
    if scenario.wants_own_stack:
        _dim("this scenario needs a stack of its own")
    async with LocalStack(logs, workload=scenario.settings(), restarts=scenario.restarts, on_step=_dim) as stack:
        yield stack


async def _up(options: argparse.Namespace) -> int:
    with only_one():
        return await _keep_up(options)


async def _keep_up(options: argparse.Namespace) -> int:
    logs = cache_dir() / "logs"
    shutil.rmtree(logs, ignore_errors=True)
    stack = LocalStack(
        logs,
        api_port=options.api_port or (API_PORT if is_free(API_PORT) else None),
        prometheus_port=options.prometheus_port or (PROMETHEUS_PORT if is_free(PROMETHEUS_PORT) else None),
        on_step=_dim,
    )
    async with stack:
        with announced(stack):
            out.print(
                f"API docs    {stack.api_url}/docs\nPrometheus  {stack.prometheus_url}\nlogs        {_short(logs)}"
            )
            out.print("\nCtrl-C stops everything. In another terminal: make scenario NAME=single")
            death: ChildDied = await stack.fleet.died
    raise death


async def _scenarios(_: argparse.Namespace) -> int:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for name in scenario_names():
        scenario = load_scenario(name)
        table.add_row(f"[bold]{name}[/]", escape(scenario.title))
    for name, parts in suites().items():
        table.add_row(f"[bold]{name}[/]", f"All of {', '.join(parts)}.")
    out.print(table)
    return 0


async def _query(options: argparse.Namespace) -> int:
    if not options.query.strip():
        raise UsageError("Say what to ask: make query Q='sum by (outcome) (t2v_jobs_finished_total)'")
    url = options.prometheus
    if url is None:
        running = await find_running() or await find_compose()
        if running is None:
            raise EnvironmentFault("No stack is up to be asked; start one with: make up")
        url = running.prometheus_url
    async with Prometheus(url) as prometheus:
        series = await prometheus.query(options.query)
    out.print(_as_table(series) if series else "no data")
    return 0


def _as_table(series: list[Series]) -> Table:
    names = sorted({name for one in series for name in one.labels})
    table = Table(*names, "value", box=None, header_style="bold", padding=(0, 2, 0, 0))
    table.columns[-1].justify = "right"
    for one in series:
        value = "no number" if one.value is None else f"{one.value:.10g}"
        table.add_row(*(Text(one.labels.get(name, "")) for name in names), value)
    return table


def _dim(line: str) -> None:
    say.print(line, style="dim", markup=False)


def _short(path: Path) -> str:
    return str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 1 up")
    return int(text)


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 2**16:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port from 1 to 65535")
    return int(text)


def _confidence(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.5 <= value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no confidence from 0.5 to below 1")
    return value


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _seed(text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) >= 2**31:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 to {2**31 - 1}")
    return int(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="reelbench", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    scenario = commands.add_parser("scenario", help="run a scenario, write its report, judge it")
    scenario.add_argument("name", nargs="?", default="single", help="see `scenarios`, or a TOML file (default: single)")
    scenario.add_argument("--seed", type=_seed, default=random.randrange(2**31), help="repeats a run (default: random)")  # noqa: S311 - no secret
    scenario.add_argument("--jobs", type=_count, help="how many jobs to measure (default: the scenario's)")
    scenario.add_argument("--minutes", type=_count, help="for how long jobs arrive, where they do at a rate")
    scenario.add_argument("--generators", type=_count, help="processes that share the load (default: the scenario's)")
    scenario.add_argument("--repeat", type=_count, help="how often, each time with a seed of its own and a new stack")
    scenario.add_argument(
        "--with",
        dest="changed",
        metavar="SETTINGS",
        help="repeats each seed with these settings too, in turns, and compares: 'T2V_SLOTS=4 T2V_POOLING=false'",
    )
    scenario.add_argument("--document", type=Path, help="a PDF (default: the paper in tests/data, else a made-up one)")
    scenario.add_argument("--target", metavar="URL", help="the API of a service that is not ours to start")
    scenario.add_argument("--prometheus", metavar="URL", help="which reads that service")
    scenario.set_defaults(command=_scenario, own_stack=False)

    compare = commands.add_parser("compare", help="is one set of runs better than another? 1 worse, 3 cannot be told")
    for letter, what in (("a", "runs to compare with"), ("b", "runs that may be better or worse")):
        compare.add_argument(
            f"--{letter}", type=_names, metavar="RUNS", help=f"{what}: a set or runs, separated by commas"
        )
    compare.add_argument(
        "--on",
        choices=[measure.name for measure in MEASURES],
        default=PRIMARY,
        help=f"the figure that decides (default: {PRIMARY}); one of %(choices)s",
        metavar="FIGURE",
    )
    compare.add_argument("--rung", help="of runs of several rungs, the one that is meant")
    compare.add_argument(
        "--confidence", type=_confidence, default=GATE, help=f"of the verdict, between 0.5 and 1 (default: {GATE})"
    )
    compare.add_argument("--anyway", action="store_true", help="even if workload, load or machine differ")
    compare.set_defaults(command=_compare)

    ablation = commands.add_parser("ablation", help="what each optimisation gains: everything on against one thing off")
    ablation.add_argument("--seed", type=_seed, default=1, help="from which the others follow (default: 1)")
    ablation.add_argument("--repeat", type=_count, default=4, help="how many seeds (default: 4, about twelve minutes)")
    ablation.add_argument("--document", type=Path, help="as for `scenario`")
    ablation.set_defaults(
        command=_ablation, generators=None, target=None, prometheus=None, changed=None, own_stack=True
    )

    listing = commands.add_parser("scenarios", help="list the scenarios")
    listing.set_defaults(command=_scenarios)

    up = commands.add_parser("up", help="keep the whole stack running here until Ctrl-C")
    up.add_argument("--api-port", type=_port, help=f"(default: {API_PORT} if it is free)")
    up.add_argument("--prometheus-port", type=_port, help=f"(default: {PROMETHEUS_PORT} if it is free)")
    up.set_defaults(command=_up)

    report = commands.add_parser("report", help="write the report again from what runs left, without Prometheus")
    report.add_argument("run", nargs="?", help="a folder in runs/ (default: the newest valid run of each scenario)")
    report.set_defaults(command=_report)

    paper = commands.add_parser("paper", help="tables and figures of a run or a set, ready to print, in its folder")
    paper.add_argument("run", nargs="?", default="latest", help="a folder in runs/ (default: the newest)")
    paper.set_defaults(command=_paper)

    query = commands.add_parser("query", help="ask Prometheus and print the answer as a table")
    query.add_argument("query", help="PromQL")
    query.add_argument("--prometheus", metavar="URL", help="(default: that of the stack that is up)")
    query.set_defaults(command=_query)
    return parser


if __name__ == "__main__":
    sys.exit(main())
