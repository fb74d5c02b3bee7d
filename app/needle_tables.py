"""What the terminal shows of `clew eval needles` and `clew eval threads`."""

from __future__ import annotations

from typing import Any

from rich.table import Table

__all__ = ["needle_table", "thread_table"]


def needle_table(report: dict[str, Any]) -> Table:
    """A column for each length: found at each depth, then look-alikes, several at once, seconds."""
    names = [str(length) for length in report["lengths"]]
    table = Table("tokens", *(f"{report['tokens'][name]:,}" for name in names))
    for depth, shares in zip(report["depths"], zip(*report["hit"], strict=True), strict=True):
        table.add_row(f"found at {depth:g} %", *(f"{share:.2f}" for share in shares))
    table.add_section()
    table.add_row("found", *(f"{sum(hit) / len(hit):.3f}" for hit in report["hit"]))
    table.add_row("a look-alike", *(f"{sum(near) / len(near):.3f}" for near in report["near"]))
    table.add_row("several at once", *(f"{report['multi'][name]:.2f}" for name in names))
    table.add_row("s/question", *(f"{report['seconds_warm'][name]:.3f}" for name in names))
    table.add_row("s adding", *(f"{report['seconds_adding'][name]:.0f}" for name in names))
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
