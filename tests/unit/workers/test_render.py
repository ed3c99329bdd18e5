"""One execution from claim to ending: real document, real sandbox, the mocked providers in a process of their own."""

import asyncio
import shutil
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

import pytest
from aiohttp import web

from contract.calls import Provider
from contract.jobs import ErrorCode, Outcome, Stage
from contract.manifest import MANIFEST_NAME, VIDEO_NAME, Asset, AssetKind
from contract.settings import Plant
from loadgen.mp4 import defects
from tests.test_data_helper import SCENES, UploadableDocument
from tests.unit.workers.rendering import CALLS, Bench
from workers import render
from workers.render import clean_up
from workers.stages import assemble
from workers.work import Work


@pytest.fixture
async def wav_speaker(speak: Callable[..., bytes]) -> AsyncIterator[str]:
    """The base URL of a narrator that speaks no AAC."""

    async def answer(request: web.Request) -> web.Response:
        return web.Response(body=speak((await request.json())["input"], "wav"))

    app = web.Application()
    app.router.add_post("/audio/speech", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


async def test_a_good_job_leaves_every_asset_that_its_manifest_names(
    new_bench: Callable[..., Bench], mock_file_context: UploadableDocument
) -> None:
    bench = new_bench()
    ending = await bench.render()
    manifest = bench.manifest()
    assert ending.outcome is Outcome.COMPLETED
    assert ending.seconds == manifest.seconds > 10
    kinds = [asset.kind for asset in manifest.assets]
    assert {kind: kinds.count(kind) for kind in AssetKind} == {
        AssetKind.SCRIPT: 1,
        AssetKind.NARRATION: SCENES,
        AssetKind.VISUAL: SCENES,
        AssetKind.VIDEO: 1,
    }
    for asset in manifest.assets:
        content = (bench.folder / asset.name).read_bytes()
        assert (asset.bytes, asset.sha256) == (len(content), sha256(content).hexdigest())
    names = {asset.name for asset in manifest.assets} | {MANIFEST_NAME}
    assert {path.name for path in bench.folder.iterdir()} == names
    assert defects((bench.folder / VIDEO_NAME).read_bytes(), manifest) == []
    assert ending.bytes == (bench.folder / VIDEO_NAME).stat().st_size
    expected = mock_file_context.expected_scenes()
    assert [scene.narration for scene in manifest.scenes] == [scene.narration for scene in expected]
    assert manifest.document_sha256 == sha256(mock_file_context.content).hexdigest()


async def test_a_good_job_tells_where_its_time_went(new_bench: Callable[..., Bench]) -> None:
    bench = new_bench()
    timings = (await bench.render()).timings
    assert [stage.stage for stage in timings.stages] == list(Stage)
    assert [stage for stage, _ in bench.reports] == [Stage.SCRIPT, Stage.SCENES, Stage.ASSEMBLE]
    assert [progress for _, progress in bench.reports] == sorted({progress for _, progress in bench.reports})
    measured = {stage.stage for stage in timings.stages if stage.cpu}
    assert measured == {Stage.PARSE, Stage.ASSEMBLE}
    assert all(earlier.start <= later.start for earlier, later in zip(timings.stages, timings.stages[1:], strict=False))
    calls = {(call.provider, call.scene) for call in timings.calls}
    each = [(provider, scene) for provider in (Provider.TTS, Provider.VISUAL) for scene in range(1, SCENES + 1)]
    assert calls == {(Provider.LLM, 0), *each}
    assert len(timings.calls) == CALLS
    assert all(call.planned and call.seconds >= call.planned for call in timings.calls)
    assert all(call.bytes_sent > 0 and call.bytes_received > 0 for call in timings.calls)
    for label in ("parse", "script", "scenes", "assemble", "publish"):
        assert bench.registry.get_sample_value("t2v_stage_seconds_count", {"stage": label}) == 1
    assert bench.registry.get_sample_value("t2v_stage_cpu_seconds_total", {"stage": "parse"})


@pytest.mark.parametrize("parallel", [True, False])
async def test_calls_of_scenes_overlap_unless_one_is_to_wait_for_the_other(
    new_bench: Callable[..., Bench], *, parallel: bool
) -> None:
    bench = new_bench(parallel_scenes=parallel)
    timings = (await bench.render()).timings
    calls = sorted((one for one in timings.calls if one.provider is not Provider.LLM), key=lambda call: call.start)
    assert len(calls) == 2 * SCENES
    overlaps = [after.start < call.start + call.seconds for call, after in pairwise(calls)]
    assert any(overlaps) is parallel


async def test_wav_narrations_are_encoded_once(new_bench: Callable[..., Bench], wav_speaker: str) -> None:
    bench = new_bench({Provider.TTS: wav_speaker})
    ending = await bench.render()
    assert ending.outcome is Outcome.COMPLETED
    assert defects((bench.folder / VIDEO_NAME).read_bytes(), bench.manifest()) == []
    assert {call.planned for call in ending.timings.calls if call.provider is Provider.TTS} == {None}
    assert [path.name for path in bench.tools.data.artifacts.iterdir()] == [bench.claim.job_id]


@pytest.mark.parametrize("provider", Provider)
async def test_a_provider_that_is_down_fails_the_job(
    new_bench: Callable[..., Bench], unused_tcp_port: int, provider: Provider
) -> None:
    bench = new_bench({provider: f"http://127.0.0.1:{unused_tcp_port}/v1"})
    stage = Stage.SCRIPT if provider is Provider.LLM else Stage.SCENES
    assert await bench.failure() == (ErrorCode.PROVIDER_FAILED, stage)


async def test_a_job_over_its_deadline_fails(new_bench: Callable[..., Bench]) -> None:
    bench = new_bench(job_deadline=0.003)
    assert await bench.failure() == (ErrorCode.DEADLINE_EXCEEDED, Stage.PARSE)


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"%PDF-1.7 and no more", ErrorCode.DOCUMENT_MALFORMED), (None, ErrorCode.DOCUMENT_MISSING)],
    ids=["malformed", "gone"],
)
async def test_a_bad_document_fails_the_job_before_any_call(
    new_bench: Callable[..., Bench], content: bytes | None, code: ErrorCode
) -> None:
    bench = new_bench()
    if content is None:
        bench.upload.unlink()
    else:
        bench.upload.write_bytes(content)
    assert await bench.failure() == (code, Stage.PARSE)
    assert bench.registry.get_sample_value("t2v_provider_calls_total", {"provider": "llm", "result": "ok"}) == 0


async def test_a_document_that_takes_too_long_is_too_costly(new_bench: Callable[..., Bench]) -> None:
    bench = new_bench(parse_timeout=0.002)
    assert await bench.failure() == (ErrorCode.DOCUMENT_TOO_COSTLY, Stage.PARSE)


async def test_a_defect_of_ours_fails_the_job_and_is_not_shown(
    new_bench: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = new_bench()
    monkeypatch.setattr("workers.stages.publish.manifest_of", lambda _: 1 / 0)
    assert await bench.failure() == (ErrorCode.INTERNAL, Stage.PUBLISH)


async def test_a_cancelled_execution_removes_its_folder_while_the_video_is_being_made(
    new_bench: Callable[..., Bench],
) -> None:
    for _ in range(3):
        bench = new_bench()
        task = asyncio.create_task(bench.render())
        async with asyncio.timeout(10):
            while not (bench.folder / f"scene-{SCENES}.png").exists():  # noqa: ASYNC110 - a file sets no event
                await asyncio.sleep(0.0005)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
        assert (await new_bench().render()).outcome is Outcome.COMPLETED, "the sandbox has dropped the other's task"
        assert not any(bench.tools.data.job(bench.claim.job_id).iterdir())


async def test_assets_that_are_written_after_a_cancellation_are_written_nowhere(
    new_bench: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    bench, begun, cancelled, ended = new_bench(), threading.Event(), threading.Event(), threading.Event()
    write = assemble._write_scenes

    def late(work: Work) -> list[Asset]:
        begun.set()
        assert cancelled.wait(10)
        try:
            return write(work)
        finally:
            ended.set()

    monkeypatch.setattr(assemble, "_write_scenes", late)
    task = asyncio.create_task(bench.render())
    assert await asyncio.to_thread(begun.wait, 10)
    task.cancel()
    await asyncio.wait([task])
    cancelled.set()
    assert await asyncio.to_thread(ended.wait, 10)
    assert task.cancelled()
    assert not any(bench.tools.data.job(bench.claim.job_id).rglob("*"))


async def test_a_sandbox_cannot_write_into_a_folder_that_is_being_removed(
    new_bench: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = new_bench()
    monkeypatch.setattr("workers.stages.publish.manifest_of", lambda _: 1 / 0)
    late = []
    remove = shutil.rmtree

    def rmtree(path: Path, *, ignore_errors: bool) -> None:
        late.append(bench.folder.exists())
        remove(path, ignore_errors=ignore_errors)

    monkeypatch.setattr(shutil, "rmtree", rmtree)
    assert await bench.failure() == (ErrorCode.INTERNAL, Stage.PUBLISH)
    assert late == [False]


async def test_a_planted_swap_of_scenes_is_seen(new_bench: Callable[..., Bench]) -> None:
    bench = new_bench(plant=frozenset({Plant.SWAP_SCENES}))
    assert (await bench.render()).outcome is Outcome.COMPLETED
    found = defects((bench.folder / VIDEO_NAME).read_bytes(), bench.manifest())
    assert [defect.split(" shows ")[0] for defect in found] == ["scene 1", "scene 2"]


async def test_a_planted_leak_keeps_a_megabyte_of_each_job(
    new_bench: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[bytes] = []
    monkeypatch.setattr(render, "_leaked", kept)
    await new_bench().render()
    assert kept == []
    bench = new_bench(plant=frozenset({Plant.LEAK}))
    for token in ("token-1", "token-2"):
        await replace(bench, claim=replace(bench.claim, token=token)).render()
    assert [len(one) for one in kept] == [10**6, 10**6]


async def test_clean_up_leaves_the_winner_and_nothing_else(new_bench: Callable[..., Bench]) -> None:
    bench = new_bench()
    await bench.render()
    await replace(bench, claim=replace(bench.claim, token="token-2")).render()
    await clean_up(bench.tools, bench.claim)
    assert [path.name for path in bench.tools.data.job(bench.claim.job_id).iterdir()] == ["token-1"]
    assert bench.upload.exists(), "the end may yet be lost with the power, and the job run again"


async def test_clean_up_of_a_failed_job_leaves_no_asset(new_bench: Callable[..., Bench]) -> None:
    bench = new_bench()
    bench.upload.write_bytes(b"no PDF")
    await bench.failure()
    await clean_up(bench.tools, bench.claim)
    assert not bench.tools.data.job(bench.claim.job_id).exists()
