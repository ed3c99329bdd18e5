from contract.jobs import ErrorCode
from workers.errors import StageError
from workers.sandbox.pool import SandboxDiedError
from workers.tools import Tools
from workers.work import Work


async def parse(work: Work, tools: Tools) -> None:
    """The document's text."""
    limit = tools.workload.parse_timeout
    try:
        result = await tools.sandbox.run("parse", limit, path=str(work.upload), max_pages=tools.workload.max_pages)
    except SandboxDiedError as error:
        raise StageError(
            ErrorCode.DOCUMENT_TOO_COSTLY, f"The document takes too much time or memory to read. {error}"
        ) from error
    work.text = result.value["text"]
    work.cpu = result.cpu
