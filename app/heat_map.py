"""The heat map of `clew eval needles`: length by depth, once for what was found and once for look-alikes."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from app.errors import EvaluationError, OutputError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["check_heat_map", "draw_heat_map", "save_heat_map"]

DARK: Final = 0.6
"""Share from which black would not be read on its colour."""


def check_heat_map(file: Path) -> None:
    """Make sure, before long work, that a heat map can be written there.

    Raises:
        EvaluationError: If matplotlib is missing, or the file has another ending than .png.
        OutputError: If it cannot be written.
    """
    if importlib.util.find_spec("matplotlib") is None:
        raise EvaluationError("A heat map needs matplotlib: `pip install 'clew[eval]'`, or leave --out away.")
    if file.suffix.lower() != ".png":
        raise EvaluationError(f"A heat map is a PNG file; {file.name} has another ending.")
    existed = file.exists()
    try:
        with file.open("ab"):
            pass
        if not existed:
            file.unlink()
    except OSError as error:
        raise OutputError(f"The heat map {file} cannot be written: {error.strerror}.") from error


def draw_heat_map(report: dict[str, Any]) -> Figure:
    """The figure for a report of `evaluate_needles`: two panels, lengths across, depths down."""
    from matplotlib.figure import Figure

    lengths = [_short(length) for length in report["lengths"]]
    depths = [f"{depth:g} %" for depth in report["depths"]]
    width, height = max(9.0, 2 * (2.2 + 0.62 * len(lengths))), 2.4 + 0.3 * len(depths)
    figure = Figure(figsize=(width, height), layout="constrained", dpi=150)
    panels = figure.subplots(1, 2, sharey=True)
    figure.suptitle(f"Needles in haystacks, seed {report['seed']}: {report['overall']:.1%} found")
    drawn = (("needle in the answer", "hit", "YlGn"), ("look-alike in the answer", "near", "OrRd"))
    for panel, (title, name, colours) in zip(panels, drawn, strict=True):
        shares = list(zip(*report[name], strict=True))  # a row for each depth
        image = panel.imshow(shares, cmap=colours, vmin=0.0, vmax=1.0, aspect="auto")
        for row, values in enumerate(shares):
            for column, share in enumerate(values):
                ink = "white" if share > DARK else "black"
                panel.text(column, row, f"{share:.0%}", color=ink, ha="center", va="center", fontsize=7)
        panel.set_title(title, fontsize=10)
        panel.set_xticks(range(len(lengths)), lengths)
        panel.set_yticks(range(len(depths)), depths)
        panel.set_xlabel("length of the haystack in tokens")
        figure.colorbar(image, ax=panel, label="share of questions", format=lambda share, _: f"{share:.0%}")
    panels[0].set_ylabel("depth of the needle")
    return figure


def save_heat_map(report: dict[str, Any], file: Path) -> None:
    """Draw a report into a PNG file.

    Raises:
        OutputError: If it cannot be written.
    """
    try:
        draw_heat_map(report).savefig(file, format="png")
    except OSError as error:
        raise OutputError(f"The heat map {file} cannot be written: {error.strerror}.") from error


def _short(length: int) -> str:
    """4000 as 4K, 10000000 as 10M."""
    if length >= 1_000_000:
        return f"{length / 1_000_000:g}M"
    return f"{length / 1_000:g}K"
