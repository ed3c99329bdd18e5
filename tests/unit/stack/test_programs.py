from collections.abc import Iterable
from pathlib import Path

import pytest

from contract.errors import EnvironmentFault
from stack import programs
from stack.programs import BROWSER, find_programs, parse_version

REDIS_OUTPUT = "Redis server v={} sha=00000000:0 malloc=jemalloc-5.3.0 bits=64 build=ae4d7c971a948f0"
PROMETHEUS_OUTPUT = "prometheus, version {} (branch: debian/sid)\n  go version:  go1.19.8"


def install(folder: Path, name: str, output: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    program = folder / name
    program.write_text(f"#!/bin/sh\nprintf '%s\\n' '{output}'\n")
    program.chmod(0o755)
    return program


@pytest.fixture
def path_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder on PATH; the cache is empty."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "sh").symlink_to("/bin/sh")
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("REELBENCH_CACHE", str(tmp_path / "cache"))
    return folder


@pytest.mark.parametrize(
    ("output", "version"),
    [
        (REDIS_OUTPUT.format("7.0.15"), "7.0.15"),
        (PROMETHEUS_OUTPUT.format("2.42.0+ds"), "2.42.0"),
        (PROMETHEUS_OUTPUT.format("3.14.0-rc.1"), "3.14.0"),
        ("prometheus, version 3.0", "3.0.0"),
        ("Chromium 156.0.8078.108 ", "156.0.8078"),
        ("Segmentation fault", None),
        ("  go version:  go1.19.8", None),
    ],
)
def test_versions_are_read_from_what_the_programs_print(output: str, version: str | None) -> None:
    assert parse_version(output) == version


def test_programs_on_path_that_are_new_enough_are_taken(path_dir: Path) -> None:
    redis = install(path_dir, "redis-server", REDIS_OUTPUT.format("7.0.0"))
    install(path_dir, "prometheus", PROMETHEUS_OUTPUT.format("3.0.0"))
    found = find_programs()
    assert (found["redis-server"].path, found["redis-server"].version) == (redis, "7.0.0")
    assert found["prometheus"].env == {}


def test_a_program_that_is_too_old_is_fetched_once_and_the_other_is_not(
    path_dir: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    install(path_dir, "redis-server", REDIS_OUTPUT.format("6.0.16"))
    install(path_dir, "prometheus", PROMETHEUS_OUTPUT.format("2.40.0"))
    install(path_dir, "apt-get", "")
    install(path_dir, "dpkg-deb", "")
    fetched: list[str] = []

    def fetch(names: Iterable[str], into: Path) -> None:
        fetched.extend(names)
        unpacked = into / "redis-server/usr"
        install(unpacked / "bin", "redis-server", REDIS_OUTPUT.format("7.0.15"))
        (unpacked / "lib/some").mkdir(parents=True)
        (unpacked / "lib/some/liblzf.so.1").touch()

    monkeypatch.setattr(programs, "fetch_packages", fetch)
    lines: list[str] = []
    for _ in range(2):
        redis = find_programs(lines.append)["redis-server"]
    assert redis.path.is_relative_to(tmp_path / "cache")
    assert redis.version == "7.0.15"
    assert redis.env["LD_LIBRARY_PATH"].endswith("usr/lib/some")
    assert fetched == ["redis-server"]
    assert len(lines) == 1


def test_the_browser_is_fetched_for_tests_alone_and_finds_its_libraries(
    path_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(path_dir, "redis-server", REDIS_OUTPUT.format("7.0.15"))
    install(path_dir, "prometheus", PROMETHEUS_OUTPUT.format("2.40.0"))
    install(path_dir, "apt-get", "")
    install(path_dir, "dpkg-deb", "")
    fetched: list[str] = []

    def fetch(names: Iterable[str], into: Path) -> None:
        fetched.extend(names)
        libraries = into / "chromium-headless-shell/usr/lib"
        install(libraries / "chromium", "chromium-headless-shell", "Chromium 156.0.8078.108 ")
        (libraries / "pulseaudio").mkdir()
        (libraries / "pulseaudio/libpulsecommon-16.1.so").touch()

    monkeypatch.setattr(programs, "fetch_packages", fetch)
    find_programs()
    assert fetched == []
    browser = find_programs(requirements=(BROWSER,))[BROWSER.name]
    assert fetched == [BROWSER.name]
    assert browser.env["LD_LIBRARY_PATH"].endswith("usr/lib/pulseaudio")


def test_where_a_system_names_no_package_of_the_browser_the_error_names_its_site(path_dir: Path) -> None:
    install(path_dir, "dnf", "")
    with pytest.raises(EnvironmentFault, match=r"chromium-headless-shell 120\.0 or newer on PATH: install from https"):
        find_programs(requirements=(BROWSER,))


def test_a_package_that_is_too_old_as_well_says_where_to_get_a_newer_one(
    path_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(path_dir, "redis-server", REDIS_OUTPUT.format("7.0.15"))
    install(path_dir, "apt-get", "")
    install(path_dir, "dpkg-deb", "")

    def fetch(names: Iterable[str], into: Path) -> None:
        for name in names:
            install(into / name / "usr/bin", name, PROMETHEUS_OUTPUT.format("2.31.2"))

    monkeypatch.setattr(programs, "fetch_packages", fetch)
    with pytest.raises(EnvironmentFault, match=r"put prometheus 2\.40 or newer on PATH"):
        find_programs()


@pytest.mark.parametrize(
    ("tool", "command"),
    [
        ("dnf", "sudo dnf install valkey-compat-redis golang-github-prometheus"),
        ("pacman", "sudo pacman -S valkey prometheus"),
        ("brew", "brew install redis prometheus"),
        ("apk", "sudo apk add redis prometheus"),
    ],
)
def test_without_apt_get_the_error_names_the_command_of_the_system(path_dir: Path, tool: str, command: str) -> None:
    install(path_dir, tool, "")
    with pytest.raises(EnvironmentFault, match=f"run `{command}`"):
        find_programs()


@pytest.mark.usefixtures("path_dir")
def test_without_any_installer_the_error_names_the_sites() -> None:
    with pytest.raises(EnvironmentFault, match=r"redis-server 7\.0 or newer and prometheus 2\.40 or newer on PATH"):
        find_programs()


def test_a_download_that_fails_says_why_and_leaves_nothing(path_dir: Path, tmp_path: Path) -> None:
    (path_dir / "apt-get").write_text('#!/bin/sh\necho "E: Unable to locate package" >&2\nexit 100\n')
    (path_dir / "apt-get").chmod(0o755)
    install(path_dir, "dpkg-deb", "")
    with pytest.raises(EnvironmentFault, match=r"Unable to locate package.*sudo apt-get install redis-server"):
        find_programs()
    assert [file.name for file in (tmp_path / "cache/programs").iterdir()] == ["lock"]
