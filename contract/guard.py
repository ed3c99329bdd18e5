"""Child processes that do not outlive their parent."""

import shutil


def guard() -> list[str]:
    """What to put before a command so that the kernel kills it when its parent dies, however that happens.

    It execs the command, so that the pid is the command's own. Empty where `setpriv` (util-linux) is missing.
    """
    return ["setpriv", "--pdeathsig", "KILL", "--"] if shutil.which("setpriv") else []
