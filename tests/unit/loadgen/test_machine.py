import subprocess
from pathlib import Path

import pytest

from loadgen.machine import git_state, machine, versions


@pytest.fixture(autouse=True)
def _no_git_around(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither a repository that happens to lie above, nor the environment of a hook, nor a user's own settings."""
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")


def git(folder: Path, *words: str) -> str:
    who = ("-c", "user.name=test", "-c", "user.email=test@localhost")
    command = ["git", "-C", str(folder), *who, *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_outside_of_git_nothing_is_known(tmp_path: Path) -> None:
    assert git_state(tmp_path) == (None, None)
    assert git_state(tmp_path / "none") == (None, None)


def test_without_the_program_git_nothing_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git(tmp_path, "init", "-q")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert git_state(tmp_path) == (None, None)


def test_a_work_tree_is_clean_until_something_in_it_changes(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    git(tmp_path, "commit", "-q", "--allow-empty", "-m", "first")
    revision = git(tmp_path, "rev-parse", "HEAD")
    assert git_state(tmp_path) == (revision, False)
    (tmp_path / "new").touch()
    assert git_state(tmp_path) == (revision, True)


def test_the_machine_and_its_packages_are_described() -> None:
    found = machine()
    assert found["cores"] >= 1
    assert found["memory_bytes"] > 2**27
    assert all(found[name] for name in ("cpu_model", "kernel", "system"))
    assert versions()["arq"] is not None
