"""A table as CSV and as JSON."""

import csv
import io
import json
import math
import re
from typing import Any

from reporter.paper.tables import Table, plain

NUMBER = re.compile(
    r"([+−-]?(?:0|[1-9]\d*|[1-9]\d{0,2}(?:,\d{3})+)(?:\.\d+)?(?:e[+-]\d+)?)(?: ?(%)| ([%A-Za-zµ€$]\S*))?", re.ASCII
)
"""A number with its unit and nothing else in the cell; a hash that begins with a digit is none."""


def to_csv(table: Table) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(map(plain, table.headers))
    writer.writerows(map(plain, row) for row in table.rows)
    return out.getvalue()


def to_json(table: Table, caption: str) -> str:
    """Each cell as it is printed, and beside that its number and unit where it is one."""
    content = {
        "name": table.name,
        "caption": caption,
        "document": table.document,
        "headers": [plain(one) for one in table.headers],
        "rows": [[_cell(plain(one)) for one in row] for row in table.rows],
    }
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def _cell(text: str) -> dict[str, Any]:
    found = NUMBER.fullmatch(text)
    if found is None:
        return {"text": text}
    value = float(found[1].replace(",", "").replace("−", "-"))
    if not math.isfinite(value):  # JSON has no word for it
        return {"text": text}
    unit = found[2] or found[3]
    return {"text": text, "value": value} | ({"unit": unit} if unit else {})
