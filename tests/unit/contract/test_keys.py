import re

from contract import keys
from contract.ledger import _LUA, _SCRIPTS


def test_the_scripts_use_the_names_of_keys() -> None:
    prelude = (_LUA / "prelude.lua").read_text()
    names = ["QUEUE", "SUSPECTS", "LEASES", "JOBS", "TOTALS", "WAKE", "EVENTS", "CANCELS", "PULSE", "BEGUN"]
    declared: dict[str, str] = {}
    for left, right in re.findall(r"^local ([A-Z, ]+) = (.+)$", prelude, re.MULTILINE):
        declared |= dict(zip(left.split(", "), re.findall(r"'(.+?)'", right), strict=False))
    assert {name: declared[name] for name in names} == {name: getattr(keys, name) for name in names}
    builders = dict(re.findall(r"local function (\w+)_key\(\w+\) return '(.+?)' \.\.", prelude))
    assert builders == {"job": keys.job(""), "claim": keys.claim(""), "idempotency": keys.idempotency("")}


def test_no_script_spells_a_key_of_its_own() -> None:
    for name in _SCRIPTS:
        assert keys.PREFIX not in (_LUA / f"{name}.lua").read_text()
