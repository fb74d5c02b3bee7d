"""The summary tree of a document: drawn, walked through by mouse or keyboard, built where there is none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import streamlit as st

from app.document_views import DocumentView
from app.library import Library
from app.records import JobProgress, JobRecord, SummaryTree, TreeNode
from ui.errors import shown_errors
from ui.parts.amounts import time_words
from ui.parts.document_address import DocumentAddress, move
from ui.parts.links import link_to_document
from ui.parts.tree_chart import SELECTED, ChartWords, cells_of, icicle
from ui.plain import cut, label, passage
from ui.words import t

__all__ = ["show_tree"]

CHART, NODE = "document_tree", "document_node"
TREE: Final = "tree"
LOOK: Final = 1.0
WALKS: Final = 3
SOURCES: Final = 3
CHILDREN: Final = 12
TEXT: Final = 3_000
NODES: Final = 1_000
TITLE: Final = 80


def show_tree(library: Library, view: DocumentView, address: DocumentAddress) -> None:
    """Draw the tree, or what builds it."""
    tree = view.tree()
    if tree is None:
        _show_building(library, view)
        return
    by_id = {node.id: node for node in tree.nodes}
    # A walk over an earlier tree may name nodes that this one does not have.
    walks = [path for walk in view.walks(WALKS) if (path := [by_id[id] for id in walk if id in by_id])]
    node = by_id.get(address.node, tree.root)
    _show_chart(tree, node, {each.id for walk in walks[:1] for each in walk})
    for number, walk in enumerate(walks):
        name = t("document.last_walk" if number == 0 else "document.walk")
        st.caption(f":material/route: {name} {' → '.join(_called(each) for each in walk)}")
    _show_choice(tree, node)
    _show_node(view, tree, node)


def _show_chart(tree: SummaryTree, node: TreeNode, walked: set[str]) -> None:
    cells = cells_of(tree, tree.root, walked, node.id)
    if len(cells) < len(tree.nodes):
        st.caption(t("document.upper_levels", n=f"{len(cells):,}", all=f"{len(tree.nodes):,}"))
    kinds = {kind: t(f"document.kind.{kind}") for kind in ("root", "section", "group", "leaf")}
    words = ChartWords(
        position=t("document.chart.position"),
        level=t("document.chart.level"),
        kind=t("document.chart.kind"),
        title=t("document.chart.title"),
        walked=t("document.chart.walked"),
        kinds=kinds,
        yes_no=(t("document.chart.yes"), t("document.chart.no")),
    )
    chart = icicle(cells, words, st.context.theme.type == "dark")
    st.vega_lite_chart(chart, key=CHART, on_select=_clicked, width="stretch", alt=t("document.chart.alt"))
    st.caption(t("document.chart.hint"))


def _clicked() -> None:
    selected = st.session_state[CHART].get("selection", {}).get(SELECTED, [])
    if selected and isinstance(selected[0].get("node"), str):
        move(node=selected[0]["node"])


def _show_choice(tree: SummaryTree, node: TreeNode) -> None:
    """What the chart does, for the keyboard."""
    below = tree.nodes[::-1][:NODES]
    nodes = {each.id: each for each in (below if node in below else [node, *below])}
    st.session_state[NODE] = node.id
    st.selectbox(
        t("document.node"),
        list(nodes),
        format_func=lambda id: cut(f"{id}  {' '.join(nodes[id].title.split())}", TITLE),
        key=NODE,
        on_change=_chosen,
    )


def _chosen() -> None:
    move(node=st.session_state[NODE])


def _show_node(view: DocumentView, tree: SummaryTree, node: TreeNode) -> None:
    st.subheader(label(node.title, 200))
    parts = view.part_of(node.span.start), view.part_of(max(node.span.start, node.span.end - 1))
    where = t(
        "document.pages_from_to" if view.pages else "document.parts_from_to", first=parts[0], last=parts[1]
    )
    st.caption(f"{t(f'document.kind.{node.kind}')} {label(node.id)} · {where}")
    _show_family(tree, node)
    if node.summary is not None:
        st.markdown(f"**{t('document.summary')}**")
        for sentence in node.summary.sentences:
            st.html(passage(sentence.text))
            with st.container(horizontal=True):
                for source in sentence.sources[:SOURCES]:
                    number = view.part_of(source.start)
                    name = t("document.source" if view.pages else "document.source_part", n=number)
                    link_to_document(view.record.id, source.start, source.end, name)
            if not sentence.supported:
                st.caption(f":material/warning: {t('document.unsupported')}")
    with st.expander(t("document.text_of_node"), expanded=not node.children):
        end = min(node.span.end, node.span.start + TEXT)
        st.html(passage(view.text(node.span.start, end)))
        link_to_document(view.record.id, node.span.start, None, t("document.read_on"))


def _show_family(tree: SummaryTree, node: TreeNode) -> None:
    """Draw what leads to the nodes above and below."""
    with st.container(horizontal=True):
        if node.parent is not None:
            parent = tree.nodes[node.parent]
            name = t("document.up", title=_called(parent))
            st.button(
                name, key="document_up", icon=":material/arrow_upward:", on_click=_go, args=(parent.id,)
            )
        for child in tree.children(node)[:CHILDREN]:
            st.button(
                _called(child),
                key=f"document_down_{child.id}",
                icon=":material/arrow_downward:",
                on_click=_go,
                args=(child.id,),
            )
    if len(node.children) > CHILDREN:
        st.caption(t("document.more_children", n=len(node.children) - CHILDREN))


def _go(id: str) -> None:
    move(node=id)


def _called(node: TreeNode) -> str:
    return label(f"{node.id} {node.title}", TITLE)


def _show_building(library: Library, view: DocumentView) -> None:
    """Draw the job that builds the tree, or what starts it; looks again by itself while it runs."""
    active = [each for each in _jobs(library, view) if each[0].state in ("queued", "running")]

    def look() -> None:
        with shown_errors():
            found = _jobs(library, view)
            if active and (not found or found[0][0].ended):
                st.rerun()
            _show_jobs(library, view, found)

    st.fragment(look, run_every=LOOK if active else None)()


def _jobs(library: Library, view: DocumentView) -> Sequence[tuple[JobRecord, JobProgress]]:
    return library.job_list([TREE], 1, view.record)


def _show_jobs(library: Library, view: DocumentView, jobs: Sequence[tuple[JobRecord, JobProgress]]) -> None:
    record, progress = jobs[0] if jobs else (None, None)
    if record is None or progress is None or record.ended:
        st.info(t("document.no_tree"), icon=":material/account_tree:")
        if record is not None and record.state == "failed":
            st.error(label(record.reason or t("document.tree_failed")), icon=":material/error:")
        if st.button(t("document.build"), key="document_build", type="primary"):
            with shown_errors():
                library.start_tree(view.record.id)
                st.rerun()
        return
    left = time_words(progress.seconds_left)
    st.progress(
        min(max(progress.share, 0.0), 1.0),
        text=t("document.building", share=f"{progress.share:.0%}", time=left),
    )
    if record.reason:
        st.caption(label(record.reason))
    with st.container(horizontal=True):
        paused = record.state == "paused"
        if st.button(t("library.resume" if paused else "library.pause"), key="document_tree_pause"):
            (library.resume_job if paused else library.pause_job)(record.id)
            st.rerun()
        if st.button(t("library.cancel"), key="document_tree_cancel"):
            library.cancel_job(record.id)
            st.rerun()
