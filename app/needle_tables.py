"""What the terminal shows of `clew eval needles` and `clew eval threads`."""

from __future__ import annotations

from typing import Any

from rich.table import Table

__all__ = ["needle_table", "thread_table"]


def needle_table(report: dict[str, Any]) -> Table:
    """A row for each length: found at each depth, look-alikes in answers, several at once, seconds."""
    depths = [f"{depth:g} %" for depth in report["depths"]]
    table = Table("tokens", *depths, "found", "look-alike", "several", "s/question", "s adding")
    for length, hit, near in zip(report["lengths"], report["hit"], report["near"], strict=True):
        name = str(length)
        table.add_row(
            f"{report['tokens'][name]:,}",
            *(f"{share:.2f}" for share in hit),
            f"{sum(hit) / len(hit):.3f}",
            f"{sum(near) / len(near):.3f}",
            f"{report['multi'][name]:.2f}",
            f"{report['seconds_warm'][name]:.3f}",
            f"{report['seconds_adding'][name]:.0f}",
        )
    table.caption = (
        f"{report['overall']:.1%} found, a look-alike in {report['near_needle_errors']:.1%} of the answers"
    )
    return table


def thread_table(report: dict[str, Any]) -> Table:
    """A row for each length: the share of chains followed, by hops."""
    table = Table("tokens", *(f"{hops} hops" for hops in report["by_hops"]), "s/question")
    for length in map(str, report["lengths"]):
        shares = report["by_length"][length].values()
        table.add_row(
            f"{report['tokens'][length]:,}",
            *(f"{share:.2f}" for share in shares),
            f"{report['seconds_warm'][length]:.3f}",
        )
    if len(report["lengths"]) > 1:
        table.add_row("all", *(f"{share:.2f}" for share in report["by_hops"].values()), "")
    return table
