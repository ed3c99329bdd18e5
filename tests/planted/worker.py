"""A worker without fences, to prove that their absence is seen: `python -m tests.planted.worker`.

Neither does it stop what it could not renew, nor does the ledger refuse what comes too late.
"""

import runpy
from typing import Any

from contract import ledger
from workers.leases import Execution

FENCE = "if fields[1] ~= token or fields[2] ~= 'in_progress' then"


def _unfenced(original: Any) -> Any:
    def init(self: ledger.Ledger, redis: Any) -> None:
        original(self, redis)
        finish = (ledger._LUA / "finish.lua").read_text()
        assert FENCE in finish
        source = (ledger._LUA / "prelude.lua").read_text() + finish.replace(FENCE, "if false then")
        self._scripts["finish"] = redis.register_script(source)

    return init


if __name__ == "__main__":
    ledger.Ledger.__init__ = _unfenced(ledger.Ledger.__init__)  # type: ignore[method-assign] # that is the defect
    Execution.heed = lambda *_: False  # type: ignore[method-assign] # likewise
    runpy.run_module("workers", run_name="__main__")
