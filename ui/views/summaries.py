"""The page summaries: books chosen, summarised as a job, read with the pages they rest on, taken along."""

from __future__ import annotations

import streamlit as st

from ui.errors import shown_errors
from ui.parts.summary_jobs import draw_jobs
from ui.parts.summary_result import draw_result
from ui.parts.summary_wishes import draw_wishes
from ui.session import library
from ui.words import t

__all__ = ["show"]


def show() -> None:
    """Draw it."""
    st.title(t("summaries.title"))
    st.caption(t("summaries.what"))
    with shown_errors():
        mine = library()
        # Once a job is looked at, its result is nearer than the wishes for another one.
        with st.expander(t("summaries.new"), expanded="job" not in st.query_params, icon=":material/add:"):
            begun = draw_wishes(mine)
        if begun is not None:
            st.query_params["job"] = begun
            st.rerun()
        st.subheader(t("summaries.jobs"), anchor=False)
        draw_jobs(mine)
        draw_result(mine)
