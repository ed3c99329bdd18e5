from pathlib import Path

import pytest

from contract.cgroup import Limits, limits


def laid_out(folder: Path, own: str, files: dict[str, str]) -> Limits:
    (folder / "own").write_text(own)
    for name, content in files.items():
        path = folder / "fs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content + "\n")
    return limits(folder / "own", folder / "fs")


@pytest.mark.parametrize(
    ("own", "files", "expected"),
    [
        ("0::/\n", {"memory.max": "268435456", "cpu.max": "150000 100000"}, Limits(2**28, 1.5)),
        ("0::/\n", {"memory.max": "max", "cpu.max": "max 100000"}, Limits()),
        ("0::/\n", {}, Limits()),
        ("0::/a/b\n", {"a/memory.max": "1000", "a/b/memory.max": "2000", "a/b/cpu.max": "max 1"}, Limits(1000)),
        (
            "4:memory:/m\n2:cpu,cpuacct:/c\n0::/\n",
            {
                "memory/m/memory.limit_in_bytes": "500",
                "cpu,cpuacct/c/cpu.cfs_quota_us": "50000",
                "cpu,cpuacct/c/cpu.cfs_period_us": "100000",
            },
            Limits(500, 0.5),
        ),
        (
            "4:memory:/m\n1:cpu:/\n",
            {
                "memory/m/memory.limit_in_bytes": "9223372036854771712",
                "cpu/cpu.cfs_quota_us": "-1",
                "cpu/cpu.cfs_period_us": "100000",
            },
            Limits(),
        ),
        ("4:memory:/of/the/host\n", {"memory/memory.limit_in_bytes": "700"}, Limits(700)),
        ("4:memory:/m\n", {"memory/m/memory.limit_in_bytes": "no number"}, Limits()),
    ],
    ids=["v2", "v2 without", "v2 empty", "v2 nested", "v1", "v1 without", "v1 in a container", "unreadable"],
)
def test_the_tightest_limit_of_a_group_and_those_around_it_counts(
    tmp_path: Path, own: str, files: dict[str, str], expected: Limits
) -> None:
    assert laid_out(tmp_path, own, files) == expected


def test_without_control_groups_there_are_no_limits(tmp_path: Path) -> None:
    assert limits(tmp_path / "none", tmp_path) == Limits()
