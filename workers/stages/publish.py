from itertools import accumulate

from anyio import to_thread

from contract.artifacts import make_durable
from contract.manifest import MANIFEST_NAME, Manifest, SceneRecord
from contract.pattern import request_hash
from contract.settings import Fsync
from workers.tools import Tools
from workers.work import Work


async def publish(work: Work, tools: Tools) -> None:
    """The manifest, beside the assets, all as durable as the ledger's word of them. The ledger makes them public
    when it accepts this execution's finish.
    """
    await to_thread.run_sync(_publish, work, tools.workload.queue_fsync)


def _publish(work: Work, fsync: Fsync) -> None:
    (work.folder / MANIFEST_NAME).write_bytes(manifest_of(work).model_dump_json().encode())
    if fsync is Fsync.ALWAYS:
        make_durable(*work.folder.iterdir(), work.folder, work.folder.parent, work.folder.parent.parent)


def manifest_of(work: Work) -> Manifest:
    assert work.script is not None
    starts = accumulate((scene.seconds for scene in work.scenes), initial=0.0)
    return Manifest(
        job_id=work.claim.job_id,
        title=work.script.title,
        document_sha256=work.request.document.sha256,
        seconds=work.seconds,
        assets=work.assets,
        scenes=[
            SceneRecord(
                index=scene.index,
                narration=scene.text.narration,
                visual_type=scene.text.visual_type,
                visual_prompt=scene.text.visual_prompt,
                request_hash=request_hash(scene.text.visual_prompt, work.options.style),
                start=start,
                seconds=scene.seconds,
                placeholders=sorted(scene.failures),
            )
            for scene, start in zip(work.scenes, starts, strict=False)
        ],
    )
