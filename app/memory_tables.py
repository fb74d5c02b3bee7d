"""What the terminal shows of `clew eval locomo` and `clew eval scm`."""

from __future__ import annotations

from typing import Any

from rich.table import Table

__all__ = ["locomo_table", "scm_table"]

CATEGORIES = {"1": "multi-hop", "2": "time", "3": "open", "4": "single-hop", "5": "not said"}


def locomo_table(report: dict[str, Any]) -> Table:
    """A row for each category, and one for all."""
    depths = list(report["recall"])
    given = ("given", "whole top-k", "by cosine", "tokens")
    table = Table("category", "questions", *(f"recall@{k}" for k in depths), *given, "F1")
    for kind, each in report["by_category"].items():
        name = CATEGORIES.get(kind, kind)
        if "recall" in each:
            table.add_row(name, str(each["questions"]), *_recalls(each), f"{each['f1']:.3f}")
        else:
            blank = [""] * (len(depths) + len(given))
            table.add_row(name, str(each["questions"]), *blank, f"{each['f1']:.3f}")
    table.add_section()
    table.add_row("all", str(report["questions"]), *_recalls(report), f"{report['f1']:.3f}")
    if report["needed"] is None:
        table.caption = "no question has evidence to look for"
    else:
        table.caption = (
            f"memory needed for {report['needed']:.1%}; "
            f"recall p50 {report['seconds_p50'] * 1000:.0f} ms, p95 {report['seconds_p95'] * 1000:.0f} ms"
        )
    return table


def scm_table(report: dict[str, Any]) -> Table:
    """The share of the gold words in answers and in what was given, with the controller and without."""
    table = Table("mode", "probes", "answer, on", "off", "given, on", "off", "tokens, on", "off")
    for mode, each in [*report["by_mode"].items(), ("all", report)]:
        if mode == "all":
            table.add_section()
        pairs = [each[name][side] for name in ("token_recall", "given_recall") for side in SIDES]
        tokens = [f"{each['tokens_per_question'][side]:.0f}" for side in SIDES]
        table.add_row(mode, str(each["probes"]), *(f"{value:.3f}" for value in pairs), *tokens)
    return table


SIDES = ("controller_on", "controller_off")


def _recalls(each: dict[str, Any]) -> list[str]:
    given = [each[name] for name in ("activated_recall", "whole_recall", "plain_recall")]
    shares = [*each["recall"].values(), *given]
    tokens = each["tokens_per_question"]
    shown = ["–" if share is None else f"{share:.3f}" for share in shares]
    return [*shown, "–" if tokens is None else f"{tokens:.0f}"]
