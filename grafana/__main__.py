"""`python -m grafana [FOLDER]` writes the dashboards, by default to where Grafana's provisioning finds them."""

import json
import sys
from pathlib import Path

from grafana.load import LOAD
from grafana.overview import OVERVIEW
from grafana.pipeline import PIPELINE
from grafana.providers import PROVIDERS
from grafana.reliability import RELIABILITY
from grafana.resources import RESOURCES

FOLDER = Path(__file__).with_name("dashboards")
DASHBOARDS = (OVERVIEW, PIPELINE, PROVIDERS, RELIABILITY, RESOURCES, LOAD)


def write(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for dashboard in DASHBOARDS:
        text = json.dumps(dashboard.json(), indent=1, ensure_ascii=False) + "\n"
        (folder / f"{dashboard.name}.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
