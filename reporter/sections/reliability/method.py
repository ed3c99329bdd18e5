"""What the figures mean and how far they go."""

from collections.abc import Sequence

from reporter.markdown import bullets
from reporter.runs import Run
from reporter.sections.method import method as of_runs

DEFINITIONS = (
    (
        "The three AI providers (LLM, speech, pictures) are mocked by HTTP servers that can be told to fail: faults "
        "travel over real sockets, and everything else is real. The figures say nothing about a real provider."
    ),
    (
        "*Faults of providers* are decided by each call's key (seed of the job, scene, execution, attempt), so the "
        "same seed spoils the same calls at any concurrency, as long as no time, breaker or deadline decides. *Faults "
        "of processes* are signals to processes of this machine, the victim drawn by the seed."
    ),
    "*Success rate*: jobs completed without a failed scene / jobs attempted. A partial job is no success.",
    (
        "*Call recovery*: calls that failed at least once and ended well / calls that failed at least once. *Job "
        "recovery*: the same of jobs with at least one failed call, which end well when they are delivered, whole or "
        "in part."
    ),
    "*Intervals* of shares are exact (Clopper and Pearson), at 95 %. They are of one run, with one seed.",
    (
        "*Counts* are growths of counters between two settled readings; a process that was killed takes with it what "
        "it had counted since its last reading, so in runs with such faults PromQL's counts are lower bounds."
    ),
    (
        "*Moments* of circuit breakers are told by the workers in a gauge. Prometheus reads it once per scrape: of two "
        "changes of one breaker into the same state within a scrape only the later is known."
    ),
)


def method(runs: Sequence[Run]) -> list[str]:
    return [bullets(DEFINITIONS), *of_runs(runs)]
