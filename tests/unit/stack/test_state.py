import fcntl
import shutil
from pathlib import Path

import pytest

from stack import state


def test_nobody_looks_for_leftovers_while_a_folder_is_being_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the one that looks would remove it, too, and one of the two would fail."""
    monkeypatch.setattr(state, "cache_dir", lambda: tmp_path)
    remove, alone = shutil.rmtree, []

    def removing(folder: Path) -> None:
        with (tmp_path / "stacks" / "lock").open() as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                alone.append(folder)
        remove(folder)

    monkeypatch.setattr(shutil, "rmtree", removing)
    with state.state_folder() as folder:
        assert folder.is_dir()
    assert alone == [folder]
    assert not folder.exists()
