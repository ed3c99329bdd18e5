from pathlib import Path

import pytest
from pydantic import ValidationError

from contract.settings import Deployment, Workload


def test_settings_do_not_change_in_a_running_process() -> None:
    workload, deployment = Workload(), Deployment()
    for settings, name in ((workload, "slots"), (workload.llm_latency, "mean"), (deployment, "port")):
        with pytest.raises(ValidationError, match="frozen"):
            setattr(settings, name, 1)


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("T2V_SLOTS", "7")
    monkeypatch.setenv("T2V_LLM_LATENCY__MEAN", "0.5")
    monkeypatch.setenv("T2V_DATA_DIR", "elsewhere")
    workload = Workload()
    assert (workload.slots, workload.llm_latency.mean, workload.llm_latency.sd) == (7, 0.5, 0.06)
    assert Deployment().data_dir == Path("elsewhere")


@pytest.mark.parametrize(
    ("settings", "variable", "value"),
    [
        (Workload, "SLOTS", "0"),
        (Workload, "JOB_DEADLINE", "soon"),
        (Workload, "TTS_LATENCY__MEAN", "-1"),
        (Workload, "PLANT", "no-such-defect"),
        (Deployment, "PORT", "70000"),
        (Deployment, "REDIS_TIMEOUT", "0"),
    ],
)
def test_a_bad_value_is_refused_by_the_name_of_its_setting(
    monkeypatch: pytest.MonkeyPatch, settings: type[Workload | Deployment], variable: str, value: str
) -> None:
    monkeypatch.setenv(f"T2V_{variable}", value)
    with pytest.raises(ValidationError) as refusal:
        settings()
    (error,) = refusal.value.errors()
    assert "__".join(part for part in error["loc"] if isinstance(part, str)) == variable.lower()
