import resource
import subprocess
import sys

import pytest

from stack.places import ROOT

PROGRAM = (
    "import resource; from contract.limits import raise_open_files; "
    "print(raise_open_files({}), resource.getrlimit(resource.RLIMIT_NOFILE)[0])"
)


@pytest.mark.parametrize(
    ("limits", "wanted", "found"),
    [((256, 900), 65_536, 900), ((256, 900), 500, 500), ((600, 900), 500, 600), ((900, 900), 65_536, 900)],
    ids=["to the hard limit", "to what is wanted", "never lower", "nothing left to raise"],
)
def test_a_process_may_open_as_many_files_as_its_system_lets_it(
    limits: tuple[int, int], wanted: int, found: int
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(wanted)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, limits),
    )
    assert done.stdout.split() == [str(found)] * 2
