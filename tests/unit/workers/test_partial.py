"""Scenes that could not be had: the job goes on without them, and says so; with the real sandbox and its MP4."""

from collections.abc import Callable

import pytest

from contract import settings
from contract.calls import BreakerState, CallKey, CallResult, Provider
from contract.jobs import ErrorCode, Outcome
from contract.manifest import VIDEO_NAME, AssetKind
from contract.placeholder import is_silence
from contract.settings import BreakerTerms
from loadgen.mp4 import defects
from tests.test_data_helper import SCENES
from tests.unit.workers.faulty import Fault, FaultyProviders
from tests.unit.workers.rendering import Bench

VISUAL, NARRATION = AssetKind.VISUAL, AssetKind.NARRATION
KINDS = {Provider.TTS: NARRATION, Provider.VISUAL: VISUAL}
Broken = set[tuple[Provider, int]]


@pytest.fixture
def bench_with(new_bench: Callable[..., Bench], faulty: FaultyProviders) -> Callable[..., Bench]:
    def make(broken: Broken, fault: Fault = Fault.ERROR, **settings: object) -> Bench:
        faulty.decide = lambda provider, key: fault if (provider, key.scene) in broken else None
        return new_bench(dict.fromkeys(Provider, faulty.url), first_backoff=0.001, **settings)

    return make


@pytest.mark.parametrize(
    "broken",
    [
        {(Provider.VISUAL, 4)},
        {(Provider.TTS, 1)},
        {(Provider.TTS, 2), (Provider.VISUAL, 5)},
        {(Provider.TTS, 3), (Provider.VISUAL, 3)},
    ],
    ids=["picture", "narration", "of two scenes", "both of one"],
)
async def test_what_cannot_be_had_is_replaced_and_listed(bench_with: Callable[..., Bench], broken: Broken) -> None:
    bench = bench_with(broken)
    ending = await bench.render()
    failed = sorted({scene for _, scene in broken})
    assert (ending.outcome, list(ending.failed_scenes), ending.error) == (Outcome.PARTIAL, failed, None)
    manifest = bench.manifest()
    assert manifest.failed_scenes == failed
    listed = {(kind, scene.index) for scene in manifest.scenes for kind in scene.placeholders}
    assert listed == {(KINDS[provider], scene) for provider, scene in broken}
    assert defects((bench.folder / VIDEO_NAME).read_bytes(), manifest) == []
    for scene in manifest.scenes:
        silent = (NARRATION, scene.index) in listed
        assert is_silence((bench.folder / f"scene-{scene.index}.aac").read_bytes()) is silent
        assert scene.seconds == pytest.approx(len(scene.narration.split()) * 0.4, abs=0.05)
    assert ending.seconds == pytest.approx(manifest.seconds)
    calls = [call for call in ending.timings.calls if call.result is not CallResult.OK]
    assert {(call.provider, call.scene) for call in calls} == broken
    assert len(calls) == 4 * len(broken)
    assert len(ending.timings.calls) == 1 + 2 * SCENES + 3 * len(broken), "nobody was cancelled for it"


async def test_a_call_that_is_our_own_fault_costs_one_attempt(bench_with: Callable[..., Bench]) -> None:
    bench = bench_with({(Provider.VISUAL, 2)}, Fault.NOT_FOUND)
    ending = await bench.render()
    assert (ending.outcome, ending.failed_scenes) == (Outcome.PARTIAL, (2,))
    assert len(ending.timings.calls) == 1 + 2 * SCENES


async def test_a_narration_that_cannot_be_encoded_fails_its_scene_only(bench_with: Callable[..., Bench]) -> None:
    bench = bench_with({(Provider.TTS, 2)}, Fault.NO_SOUND)
    ending = await bench.render()
    assert (ending.outcome, ending.failed_scenes) == (Outcome.PARTIAL, (2,))
    assert is_silence((bench.folder / "scene-2.aac").read_bytes())


@pytest.mark.parametrize(("scenes", "failing", "fails"), [(4, 2, False), (4, 3, True), (5, 3, True), (1, 1, True)])
async def test_more_than_half_of_the_scenes_fail_the_job(
    bench_with: Callable[..., Bench], scenes: int, failing: int, *, fails: bool
) -> None:
    broken = {(Provider.TTS if scene % 2 else Provider.VISUAL, scene) for scene in range(1, failing + 1)}
    bench = bench_with(broken, scenes=scenes)
    if not fails:
        assert (await bench.render()).failed_scenes == tuple(range(1, failing + 1))
        return
    ending = await bench.render()
    assert ending.outcome is Outcome.FAILED
    assert ending.error
    assert ending.error.code is ErrorCode.PROVIDER_FAILED
    assert f"{failing} of {scenes} scenes failed, more than half. Scene 1: The TTS provider" in ending.error.message
    assert not any(bench.tools.data.job(bench.claim.job_id).rglob("*"))


async def test_what_does_not_come_while_the_job_has_time_is_replaced(
    bench_with: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "RESERVE", 0.9)
    bench = bench_with({(Provider.VISUAL, 2)}, Fault.HANG, job_deadline=10.0)
    ending = await bench.render()
    assert (ending.outcome, ending.failed_scenes) == (Outcome.PARTIAL, (2,))
    hung = [call.result for call in ending.timings.calls if call.result is not CallResult.OK]
    assert hung == [CallResult.OUT_OF_TIME]


async def test_a_short_outage_fails_no_job(bench_with: Callable[..., Bench], faulty: FaultyProviders) -> None:
    """While the breaker is open the attempts wait; the first calls after it are its probes."""
    terms = BreakerTerms(volume=5, open_for=0.1, probe_every=0.05)
    bench = bench_with(set(), breaker=terms)
    struck: list[CallKey] = []

    def decide(provider: Provider, key: CallKey) -> Fault | None:
        opened = bench.metric("t2v_breaker_transitions_total", provider="tts", state="open")
        if provider is Provider.TTS and opened < 2:
            struck.append(key)
            return Fault.ERROR
        return None

    faulty.decide = decide
    ending = await bench.render()
    assert ending.outcome is Outcome.COMPLETED
    assert bench.metric("t2v_breaker_transitions_total", provider="tts", state="open") == 2
    assert bench.metric("t2v_breaker_probes_total", provider="tts", result="bad") == 1
    assert bench.metric("t2v_breaker_probes_total", provider="tts", result="good") == terms.probes
    assert bench.metric("t2v_breaker_rejected_total", provider="tts") > 0
    assert bench.metric("t2v_provider_retry_wait_seconds_total", provider="tts", cause="breaker") > 0
    assert bench.gates[Provider.TTS].breaker.state is BreakerState.CLOSED
    made = [call for call in ending.timings.calls if call.provider is Provider.TTS]
    assert len(made) == SCENES + len(struck), "a refused attempt is no call"


async def test_an_outage_beyond_the_deadline_ends_before_it_and_says_why(bench_with: Callable[..., Bench]) -> None:
    terms = BreakerTerms(volume=5, open_for=60)
    bench = bench_with({(Provider.VISUAL, scene) for scene in range(1, SCENES + 1)}, breaker=terms)
    ending = await bench.render()
    assert ending.error
    assert ending.error.code is ErrorCode.PROVIDER_FAILED
    assert "so often just now that no call was made" in ending.error.message
