"""A worker whose process `worker-1` neither renews its leases nor stops when they are lost; with `unfenced` as its
argument, the ledger takes whatever any of them finishes. Planted by `test_rulers.py`.
"""

import asyncio
import sys

import uvloop

from contract.ledger import _LUA, Ledger, Standing
from contract.settings import Deployment, Workload
from workers.__main__ import main
from workers.leases import Execution, Leases

CHECK = "if fields[1] ~= token or fields[2] ~= 'in_progress' then"


async def never_renew(_: Leases) -> None:
    await asyncio.Event().wait()


def never_heed(_execution: Execution, _standing: Standing) -> bool:
    return False


def unfence() -> None:
    checked = (_LUA / "finish.lua").read_text()
    assert checked.count(CHECK) == 1
    source = (_LUA / "prelude.lua").read_text() + checked.replace(CHECK, "if false then")
    fenced = Ledger.__init__

    def init(self: Ledger, redis: object) -> None:
        fenced(self, redis)  # type: ignore[arg-type] # handed on as it is
        self._scripts["finish"] = self.redis.register_script(source)

    Ledger.__init__ = init  # type: ignore[method-assign] # planted


if __name__ == "__main__":
    settings = Deployment()
    if settings.worker_name == "worker-1":
        Leases.renew_for_ever = never_renew  # type: ignore[assignment, method-assign] # planted
        Execution.heed = never_heed  # type: ignore[assignment, method-assign] # planted
    if sys.argv[1:] == ["unfenced"]:
        unfence()
    uvloop.run(main(settings, Workload()))
