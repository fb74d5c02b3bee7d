"""A summary tree as an icicle: across lies the text from its beginning to its end, upwards the levels."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

from app.records import SummaryTree, TreeNode
from ui.plain import cut

__all__ = ["SELECTED", "Cell", "ChartWords", "cells_of", "icicle"]

MOST: Final = 1_500
"""Cells that are drawn at most."""
TITLED: Final = 40
"""Pixels from which on a cell shows its title."""
TITLE: Final = 40
ROW: Final = 44
"""Pixels of a level."""
AROUND: Final = 50
"""Pixels of the axis."""
EDGE: Final = 6
"""Pixels of a cell on both sides of its title."""
SHADES: Final = {"root": 0.6, "section": 0.45, "group": 0.3, "leaf": 0.15}
"""How much of the theme's colour the kinds have; they are told in words as well."""
SELECTED: Final = "node"


@dataclass(frozen=True, slots=True)
class Cell:
    """A node as it is drawn; offsets into the document's text."""

    node: str
    title: str
    kind: str
    level: int
    start: int
    end: int
    walked: bool
    chosen: bool


@dataclass(frozen=True, slots=True)
class ChartWords:
    """What stands at the axes and in what is shown of a cell, in the reader's language."""

    position: str
    level: str
    kind: str
    title: str
    walked: str
    kinds: dict[str, str]
    yes_no: tuple[str, str]


def cells_of(
    tree: SummaryTree,
    top: TreeNode,
    walked: Collection[str],
    chosen: str,
    most: int = MOST,
) -> list[Cell]:
    """The node `top` and what lies below it, level by level, until there are `most` cells.

    Args:
        tree: Of the document.
        top: The node that takes the whole width.
        walked: Ids of nodes on the path of a walk.
        chosen: Id of the node that is open.
        most: Whole levels are drawn for as long as they fit.
    """
    rows: list[TreeNode] = []
    waiting: Sequence[TreeNode] = [top]
    while waiting and len(rows) + len(waiting) <= max(most, 1):
        rows += waiting
        waiting = [child for node in waiting for child in tree.children(node)]
    return [
        Cell(
            node=node.id,
            title=cut(" ".join(node.title.split()), TITLE),
            kind=node.kind,
            level=node.level,
            start=node.span.start,
            end=node.span.end,
            walked=node.id in walked,
            chosen=node.id == chosen,
        )
        for node in rows
    ]


def icicle(cells: Sequence[Cell], words: ChartWords, dark: bool) -> dict[str, Any]:
    """The chart as a Vega-Lite specification; a click on a cell selects it, under the name `SELECTED`."""
    first, last = min(each.start for each in cells), max(each.end for each in cells)
    levels = [str(level) for level in sorted({each.level for each in cells}, reverse=True)]
    ink = "#ffffff" if dark else "#000000"
    position = {
        "type": "quantitative",
        "scale": {"domain": [first, last], "nice": False},
        "title": words.position,
        "axis": {"format": "~s", "grid": False},
    }
    level = {
        "field": "level",
        "type": "nominal",
        "sort": levels,
        "title": words.level,
        "scale": {"paddingInner": 0.06},
    }
    pixels = f"width * (datum.end - datum.start) / {max(last - first, 1)}"
    boxes = {
        "params": [
            {"name": SELECTED, "select": {"type": "point", "fields": ["node"], "on": "click"}},
        ],
        "mark": {"type": "rect", "cursor": "pointer", "stroke": ink},
        "encoding": {
            "x": position | {"field": "start"},
            "x2": {"field": "end"},
            "y": level,
            "fillOpacity": {"field": "shade", "type": "quantitative", "scale": None, "legend": None},
            "strokeWidth": {"field": "outline", "type": "quantitative", "scale": None, "legend": None},
            "tooltip": [
                {"field": "title", "type": "nominal", "title": words.title},
                {"field": "kind", "type": "nominal", "title": words.kind},
                {"field": "way", "type": "nominal", "title": words.walked},
            ],
        },
    }
    titles = {
        "mark": {
            "type": "text",
            "color": ink,
            "fontSize": 11,
            "limit": {"expr": f"{pixels} - {EDGE}"},
            "opacity": {"expr": f"{pixels} < {TITLED} ? 0 : 1"},
        },
        "encoding": {
            "x": position | {"field": "middle"},
            "y": level,
            "text": {"field": "title", "type": "nominal"},
        },
    }
    return {
        "data": {"values": [_row(each, words) for each in cells]},
        "height": ROW * len(levels) + AROUND,
        "layer": [boxes, titles],
    }


def _row(cell: Cell, words: ChartWords) -> dict[str, Any]:
    return {
        "node": cell.node,
        "title": cell.title,
        "kind": words.kinds[cell.kind],
        "level": str(cell.level),
        "start": cell.start,
        "middle": (cell.start + cell.end) / 2,
        "end": cell.end,
        "way": words.yes_no[0 if cell.walked else 1],
        "shade": SHADES[cell.kind],
        "outline": 3.0 if cell.chosen else 2.0 if cell.walked else 0.3,
    }
