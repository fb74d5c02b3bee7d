"""Amounts as a person reads them: bytes, time, pages."""

from __future__ import annotations

from collections.abc import Iterable

from ui.words import t

__all__ = ["page_ranges", "size_words", "time_words"]


def size_words(count: float) -> str:
    """So many bytes, in the greatest unit of which there is one."""
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" or count >= 10 else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"


def time_words(seconds: float | None) -> str:
    """About how long that is; None is said to be unknown."""
    if seconds is None:
        return t("library.time.unknown")
    if seconds < 100:
        return t("library.time.seconds", n=max(1, round(seconds)))
    if seconds < 100 * 60:
        return t("library.time.minutes", n=round(seconds / 60))
    return t("library.time.hours", n=f"{seconds / 3600:.1f}")


def page_ranges(numbers: Iterable[int], most: int = 12) -> str:
    """Numbers in a few words, such as "3, 7-12"; with more than `most` ranges, an ellipsis for the rest."""
    ranges: list[tuple[int, int]] = []
    for number in sorted(set(numbers)):
        if ranges and ranges[-1][1] == number - 1:
            ranges[-1] = ranges[-1][0], number
        else:
            ranges.append((number, number))
    shown = [str(first) if first == last else f"{first}–{last}" for first, last in ranges[:most]]
    return ", ".join(shown) + (", …" if len(ranges) > most else "")
