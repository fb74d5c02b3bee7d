"""What a summary draws on, in words and over the text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import altair as alt
import streamlit as st

from app.summaries.figures import SummaryFigures
from ui.words import t

__all__ = ["coverage_words", "draw_figures", "evenness_words", "spread_words", "tenth_rows"]

EVEN: Final = ((0.9, "very"), (0.7, "fairly"), (0.0, "hardly"))
"""From which evenness on it is called what."""
HEIGHT: Final = 220


def coverage_words(figures: SummaryFigures) -> str:
    """How much of the document it draws on."""
    return t(
        f"summaries.coverage.{figures.unit}",
        n=figures.sections_drawn_on,
        total=figures.sections_total,
        share=f"{figures.coverage:.0%}",
    )


def evenness_words(figures: SummaryFigures) -> str:
    """How evenly it does, "" where it rests on nothing."""
    if figures.evenness is None:
        return ""
    name = next(name for least, name in EVEN if figures.evenness >= least)
    return t(f"summaries.even.{name}", evenness=f"{figures.evenness:.2f}")


def spread_words(stretches: Sequence[int]) -> str:
    """Which tenths most sentences rest on, and which none; for those who do not see the chart."""
    if not sum(stretches):
        return t("summaries.spread_none")
    most = [str(n) for n, count in enumerate(stretches, start=1) if count == max(stretches)]
    none = [str(n) for n, count in enumerate(stretches, start=1) if not count]
    words = t("summaries.spread_most", tenths=", ".join(most), n=max(stretches))
    return f"{words} {t('summaries.spread_empty', tenths=', '.join(none))}" if none else words


def tenth_rows(stretches: Sequence[int]) -> list[dict[str, object]]:
    """The rows of the chart: each tenth by its share of the text, with its sentences."""
    size = 100 // len(stretches)
    return [
        {"place": n, "tenth": f"{n * size}–{(n + 1) * size} %", "sentences": count}
        for n, count in enumerate(stretches)
    ]


def draw_figures(figures: SummaryFigures) -> None:
    """All of it."""
    words = [coverage_words(figures), evenness_words(figures)]
    if figures.unsupported:
        words.append(t("summaries.unsupported", n=figures.unsupported))
    st.write(" ".join(word for word in words if word))
    spread = spread_words(figures.stretches)
    rows = alt.InlineData(values=tenth_rows(figures.stretches))
    tenth = alt.X(
        "tenth:N",
        sort=alt.SortField("place"),
        title=t("summaries.tenth"),
        axis=alt.Axis(labelAngle=-40, labelOverlap=False),
    )
    count = alt.Y("sentences:Q", title=t("summaries.sentences"), axis=alt.Axis(tickMinStep=1, format="d"))
    told = [
        alt.Tooltip("tenth:N", title=t("summaries.tenth")),
        alt.Tooltip("sentences:Q", title=t("summaries.sentences")),
    ]
    chart = alt.Chart(rows, height=HEIGHT).mark_bar().encode(x=tenth, y=count, tooltip=told)
    st.altair_chart(chart, width="stretch", alt=spread, key="spread")
    st.caption(spread)
