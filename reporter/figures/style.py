"""How all figures look. SVG whose bytes depend on the data only."""

import os
from pathlib import Path
from typing import Any

CACHE = Path(os.environ.get("REELBENCH_CACHE") or Path(__file__).resolve().parents[2] / ".cache")
os.environ.setdefault("MPLCONFIGDIR", str(CACHE.resolve() / "matplotlib"))

import matplotlib as mpl  # noqa: E402 - it reads the variable above when imported

mpl.use("Agg")

from matplotlib import pyplot as plt  # noqa: E402 - after the backend
from matplotlib.figure import Figure  # noqa: E402

__all__ = ["ACCENT", "GREY", "GRID", "INK", "SECOND", "STYLE", "TARGET", "mpl", "plt", "save"]

INK, GREY, GRID, ACCENT, TARGET = "#1f2933", "#6b7785", "#e3e7eb", "#2a6f97", "#c0392b"
SECOND = "#b35806"
STYLE: dict[Any, Any] = {
    "svg.hashsalt": "reelbench",
    "pdf.fonttype": 42,  # publishers refuse the other kind
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "text.color": INK,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "figure.facecolor": "white",
    "figure.constrained_layout.use": True,
}


def save(figure: Figure, path: Path) -> Path:
    """To `path`, and a PDF for print beside an SVG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None, dpi=110)
    if path.suffix == ".svg":
        figure.savefig(path.with_suffix(".pdf"), metadata={"CreationDate": None})
    plt.close(figure)
    return path
