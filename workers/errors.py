from contract.errors import ReelbenchError
from contract.jobs import ErrorCode


class StageError(ReelbenchError):
    """A stage cannot succeed; ends the job as failed, with a code for programs and a sentence for people."""

    def __init__(self, code: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.code = code
