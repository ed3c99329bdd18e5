"""The words of the synthetic paper: a small grammar, drawn from with a fixed seed.

The paper and its findings are invented; they serve as input and claim nothing.
"""

import random
from collections.abc import Iterator
from string import Formatter

TITLE = "Where the Seconds Go: Measuring Document-to-Video Pipelines"
AUTHORS = "Mira Oldenquist, Tobias Vanterpool, Anneke Srivastha and Pell Harrowgate"
PLACE = "Institute for Media Systems, Port Ellery"

SECTIONS = (
    ("1 Introduction", 420),
    ("2 Background", 390),
    ("3 Measurement Model", 420),
    ("4 Workload", 360),
    ("5 Experimental Setup", 390),
    ("6 Results under Steady Load", 430),
    ("7 Results under Faults", 420),
    ("8 Discussion", 380),
    ("9 Threats to Validity", 260),
    ("10 Conclusion", 150),
)
"""Headings, each with the number of words below it."""
ABSTRACT_WORDS = 100
FORMULA_AFTER = "3 Measurement Model"
FORMULA = "R = L + max(T, V) + P + O"

CAPTIONS = (
    "Waiting time by hour and load.",
    "Latency of three stages as concurrency grows.",
    "Narration length against rendering time.",
    "Spread of the time between two completions.",
    "Share of calls that ended within a given time.",
    "Memory held by each worker over one run.",
    "Recovery after three outages of growing length.",
    "Residuals of the model, stage by stage.",
)

REFERENCES = (
    "A. Srivastha and P. Harrowgate. Queues that tell the truth. Journal of Invented Systems, 12(3), 2021.",
    "T. Vanterpool. Open loops and closed minds. Proc. Workshop on Imaginary Load, pages 41-52, 2019.",
    "M. Oldenquist et al. A field guide to tail latency. Port Ellery Technical Report 7, 2022.",
    "J. Quillfeather and R. Osei-Bonn. Retries considered twice. Letters on Fictional Computing, 4(1), 2020.",
    "L. Marchetti-Voss. Pictures per second. Proc. Symposium on Unreal Media, pages 88-97, 2023.",
    "D. Abernale. Checksums for the cautious. Annals of Supposed Storage, 9(2), 2018.",
)

SENTENCES = (
    "{when}, {part} {slows}, and {consequence}.",
    "{when}, {part} {slows} {extent}.",
    "{when}, {consequence}, {although}.",
    "{although:c}, {part} {slows} {extent}.",
    "{although:c}, {evidence} leaves little doubt that {belief}.",
    "We measured {metric}, because {reason}.",
    "We recorded {metric} {manner}.",
    "{condition:c}, {reader} should report {metric}.",
    "{part:c} {slows} {extent}, so that {consequence}.",
    "{part:c} {slows} whenever {cause}, even {condition}.",
    "{part:c} and {part} share the blame where {cause}.",
    "{reader:c} who looks only at {metric} will conclude that {belief}.",
    "The assumption that {belief} {verdict}.",
    "It is tempting to believe that {belief}, but {evidence} {contradicts}.",
    "{evidence:c} shows that {consequence} {condition}.",
    "Unlike {metric}, {metric} says little about {part}.",
    "If {cause}, {part} {slows}, and no amount of tuning elsewhere can hide it.",
    "Neither {part} nor {part} explains the difference, because {reason}.",
    "What matters to {reader} is {metric}, not the figure that {part} happens to print.",
    "The longer {cause}, the more clearly {evidence} {contradicts}.",
    "Where {cause}, {consequence}.",
    "The next experiment asks whether {belief} {condition}.",
)

WORDS: dict[str, tuple[str, ...]] = {
    "when": (
        "When the first burst arrives", "As soon as the queue begins to grow",
        "Under a steady stream of documents", "Once every slot is taken", "During the second half of a run",
        "While a provider is recovering", "After a worker has been restarted",
        "With a warm cache and an idle machine", "Shortly before a deadline expires",
        "Whenever two long papers arrive together", "As concurrency passes the number of cores",
        "In the minutes that follow an outage", "If scenes differ widely in length",
        "At the lowest rate we tried",
    ),
    "part": (
        "the narration stage", "the picture service", "the script writer", "the assembly step",
        "the document parser", "the job queue", "the retry policy", "the circuit breaker", "the shared cache",
        "the load generator", "the slowest scene", "the front end", "the status endpoint",
        "the artifact store", "the lease renewal", "the muxer", "the connection pool", "the metrics registry",
    ),
    "slows": (
        "answers later than its median suggests", "spends most of its time waiting",
        "holds its place in the critical path", "loses its advantage", "becomes the bottleneck",
        "hides the cost of its neighbours", "catches up without help", "repeats work that was already done",
        "keeps its pace", "delays everything that depends on it", "reacts within a single interval",
        "shows two distinct modes", "drifts away from the plan",
    ),
    "extent": (
        "by a margin that no reader would overlook", "far more often than the average admits",
        "for a few seconds at most", "in nearly a third of all runs", "without any visible change in load",
        "long before the processor is busy", "even though nothing else has changed",
        "by less than the width of a histogram bucket", "in proportion to the number of scenes",
        "only for the longest documents",
    ),
    "although": (
        "although the totals remain the same", "although no single call took longer than usual",
        "although the dashboards stayed green", "although the machine was otherwise idle",
        "although each stage alone met its target", "although we repeated the run with five other seeds",
        "although the effect is small in absolute terms",
        "although a larger sample would narrow the interval",
    ),
    "consequence": (
        "the last picture decides when the video is ready", "half of the gain is lost again in the queue",
        "users wait for work that nobody needs any more", "the order of arrival ceases to matter",
        "a retry costs more than the failure it repairs", "the tail grows while the median stands still",
        "idle workers stand beside a growing backlog", "one slow scene delays the other four",
        "the cache answers before the provider has noticed", "every later stage inherits the delay",
        "two measurements of the same job disagree", "the error budget is spent within minutes",
    ),
    "metric": (
        "the response time of every job", "the age of the oldest waiting job",
        "the share of calls that had to be repeated", "the processor time of each stage",
        "the gap between due and actual start", "the number of videos finished per second",
        "the memory that a job holds at its peak", "the time until the first good answer after an outage",
        "the length of the critical path", "the fraction of requests served from the cache",
        "the overhead beyond the planned latency", "the bytes written for each finished video",
    ),
    "manner": (
        "from the moment at which the request was due", "at the client rather than inside the service",
        "with a clock that never runs backwards", "over windows that begin and end at rest",
        "for each stage and each scene on its own", "before and after every injected fault",
        "without discarding the slowest observations", "together with the interval that the sample supports",
        "from raw samples instead of smoothed rates", "on a machine that did nothing else",
    ),
    "reason": (
        "an average cannot tell a slow stage from a rare stall",
        "a generator that waits for answers hides the very delays it should find",
        "counters that restart with their process would otherwise look like progress",
        "the cost of a failure is paid by the jobs that follow it",
        "people remember the worst video and not the typical one",
        "a warm cache flatters every stage behind it",
        "independent clocks disagree by more than the effect we look for",
        "the sum of medians is not the median of the sum", "work that is thrown away still occupies a slot",
        "a single run says nothing about the spread between runs", "a deadline turns lateness into failure",
    ),
    "reader": (
        "an operator", "the reader", "a careful engineer", "anyone who plans capacity", "a reviewer",
        "the person on call", "a newcomer to the system",
    ),
    "belief": (
        "adding workers always shortens the queue", "the model behind the script dominates the response time",
        "a higher hit rate means a shorter wait", "retries are free as long as they succeed",
        "narration and pictures compete for the same resources",
        "encoding is the most expensive part of the work",
        "a system that survives one outage will survive two", "the median describes what most users see",
        "faster storage would shorten the critical path",
        "a breaker protects the provider and not the caller",
    ),
    "verdict": (
        "holds only while the queue is empty", "is true of our smallest workload and of no other",
        "confuses the symptom with its cause", "leaves out the time spent before the first attempt",
        "finds no support in the traces", "would lead to the purchase of the wrong machine",
        "is a reasonable guess and nothing more", "is what the next section examines",
    ),
    "evidence": (
        "a closer look at the traces", "the comparison of paired jobs", "the log of the client",
        "every run with injected faults", "the ledger of finished jobs", "a simple count of repeated calls",
        "the experiment with a paused worker", "the difference between the two loops",
        "a replay of the same seed",
    ),
    "contradicts": (
        "points the other way", "tells a different story", "shows the opposite at high load",
        "suggests a simpler explanation", "separates the two causes",
        "rules this out for all but the shortest documents", "confirms it only in part",
    ),
    "condition": (
        "as long as fewer jobs are running than there are slots",
        "whenever the providers are slower than the network", "for documents of ordinary length",
        "in the absence of faults", "once the caches have been filled",
        "where the sample is large enough to say so", "on every machine that we had at hand",
        "until the first lease runs out", "unless the deadline cuts the job short",
    ),
    "cause": (
        "a provider answers slowly without failing", "the queue is polled instead of woken",
        "two workers claim the same job", "a document holds more pictures than text",
        "the backlog is older than the deadline", "clients give up and ask again",
        "the disk is shared with other services", "a scene has to be narrated twice",
        "calls are retried in lockstep", "the arrival rate changes faster than the workers can follow",
    ),
}  # fmt: skip


class Author(Formatter):
    """Fills sentences; each list is used up in shuffled order before any of its entries comes again."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._random = random.Random(seed)  # noqa: S311 - the same paper each time is the point
        self._decks: dict[str, list[str]] = {}

    def paragraphs(self, words: int) -> Iterator[str]:
        """Paragraphs of up to six sentences, until there are at least `words` words."""
        while words > 0:
            paragraph: list[str] = []
            room = self._random.randint(4, 6)
            while words > 0 and len(paragraph) < room:
                paragraph.append(self._sentence())
                words -= len(paragraph[-1].split())
            yield " ".join(paragraph)

    def format_field(self, value: str, format_spec: str) -> str:
        return value[0].upper() + value[1:] if format_spec == "c" else value

    def get_value(self, key: int | str, _args: object, _kwargs: object) -> str:
        return self._draw(str(key), WORDS[str(key)])

    def _sentence(self) -> str:
        return self.format(self._draw("sentence", SENTENCES))

    def _draw(self, deck: str, entries: tuple[str, ...]) -> str:
        cards = self._decks.setdefault(deck, [])
        if not cards:
            cards += self._random.sample(entries, len(entries))
        return cards.pop()
