"""The pages of the library and of a document, run as Streamlit runs them, over a real library."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from app.library import Library
from app.summaries.wanted import Wanted
from app.working import start_work, working
from tests.conftest import ForOneHome, write
from tests.ui.browser.conftest import until
from ui.parts import documents
from ui.views import document, library
from ui.words import t

BAD = "<script>alert(1)</script> ![x](http://x.example/a.png) [y](javascript:a())"
OpenView = Callable[..., AppTest]


def draw_library() -> None:
    from ui.views import library

    library.show()


def draw_question() -> None:
    """Whether the documents are to go that were there when it was first drawn."""
    import streamlit as st

    from ui.parts.removing import ask_to_remove
    from ui.views import library

    mine = library.library_here()
    ask_to_remove(mine, st.session_state.setdefault("records", mine.documents()))


def draw_document() -> None:
    from ui.views import document

    document.show()


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> OpenView:
    """Opens a view over a library."""

    def opener(draw: Callable[[], None], over: Library, **address: str) -> AppTest:
        for view in (library, document):
            monkeypatch.setattr(view, "library_here", lambda: over)
        session = AppTest.from_function(draw, default_timeout=300)
        for name, value in address.items():
            session.query_params[name] = value
        session.run()
        assert not session.exception
        return session

    return opener


def said(session: AppTest) -> str:
    shown = [*session.markdown, *session.caption, *session.info, *session.error]
    return "\n".join([*(each.value for each in shown), html_of(session)])


def html_of(session: AppTest) -> str:
    return "\n".join(str(each.proto.body) for each in session.get("html"))


def links_of(session: AppTest) -> list[str]:
    return [each.proto.label for each in session.get("page_link")]


@pytest.fixture
def hostile(library: Library, tmp_path: Path) -> Library:
    """A library with one document whose title, text and file name want to be more than that."""
    write(
        tmp_path / "![a](http:b).md",
        f"# {BAD}\n\nThe lantern is green. {BAD}\n\n{{{{ 7 * 7 }}}} $x$ :red[y]\n",
    )
    assert [each.status for each in library.add([tmp_path / "![a](http:b).md"])] == ["added"]
    return library


def test_an_empty_library_says_what_to_do(library: Library, opened: OpenView) -> None:
    assert "There is no document yet" in said(opened(draw_library, library))


def test_what_is_ticked_stays_so_on_other_pages_of_the_list(
    library: Library, opened: OpenView, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "ROWS", 1)
    added = library.add([write(tmp_path / f"{name}.txt", f"The lamp {name} burns.") for name in ("a", "b")])
    assert [each.status for each in added] == ["added", "added"]
    session = opened(draw_library, library)
    session.checkbox[0].check().run()
    session.number_input(key="library_page").set_value(2).run()
    assert not session.checkbox[0].value
    assert session.button(key="library_remove").label == t("library.remove", n=1)
    session.checkbox[0].check().run()
    assert session.button(key="library_remove").label == t("library.remove", n=2)
    session.number_input(key="library_page").set_value(1).run()
    assert session.checkbox[0].value
    session.checkbox[0].uncheck().run()
    assert session.button(key="library_remove").label == t("library.remove", n=1)
    assert not session.exception


def test_of_a_document_nothing_is_markup(hostile: Library, opened: OpenView) -> None:
    session = opened(draw_library, hostile)
    assert "![a](http:b)" not in said(session)
    assert all("](" not in link and "<" not in link.replace(r"\<", "") for link in links_of(session))
    id = hostile.documents()[0].id
    page = opened(draw_document, hostile, document=id)
    assert "&lt;script&gt;alert(1)" in html_of(page)
    assert "<script" not in html_of(page).replace("<style>", "")
    assert "![x](http" not in "\n".join(each.value for each in [*page.markdown, *page.caption, *page.header])


def test_a_file_that_cannot_be_read_is_told_and_can_be_tried_again(
    library: Library, opened: OpenView, tmp_path: Path
) -> None:
    stop = start_work(library)
    try:
        job = library.start_adding(
            [write(tmp_path / "![b](x).txt", ""), write(tmp_path / "a.txt", "A lamp.")]
        )
        wait = library.jobs.watch(job.id)
        assert [each.stage for each in wait][-1:]
    finally:
        stop()
    session = opened(draw_library, library)
    assert "is empty" in said(session)
    assert "![b](x)" not in said(session)
    assert [each.key for each in session.button if "retry" in (each.key or "")] == [f"library_retry_{job.id}"]
    session.button(f"library_retry_{job.id}").click().run()
    assert library.job(job.id).state == "queued"
    session.button(f"library_pause_{job.id}").click().run()
    session.button(f"library_resume_{job.id}").click().run()
    session.button(f"library_cancel_{job.id}").click().run()
    assert library.job(job.id).state == "cancelled"


def test_what_another_user_has_is_not_there(novella: Library, opened: OpenView) -> None:
    other, id = novella.for_user("somebody else"), novella.documents()[0].id
    assert "There is no document yet" in said(opened(draw_library, other))
    page = opened(draw_document, other, document=id)
    assert len(page.error) == 1
    assert "THE LIGHT STONE" not in said(page)


def test_the_page_of_a_document_keeps_its_place_in_the_address(novella: Library, opened: OpenView) -> None:
    record = novella.documents()[0]
    view = novella.view(record.id)
    session = opened(draw_document, novella, document=record.id, at="30000", quote="30040")
    assert f"<mark>{view.text(30000, 30040)}</mark>" in html_of(session).replace("&#x27;", "'").replace(
        "&quot;", '"'
    )
    assert session.number_input("document_part").value == view.part_of(30_000)
    session.button("document_next").click().run()
    at = session.query_params["at"]
    assert view.part(view.part_of(30_000) + 1).start == int(at if isinstance(at, str) else at[0])
    assert "<mark>" not in html_of(session)
    session.number_input("document_part").set_value(25).run()
    assert view.text(record.characters - 60, record.characters).split()[-1] in html_of(session)
    assert session.button("document_next").disabled


def test_sides_of_a_document_that_nothing_was_made_of(novella: Library, opened: OpenView) -> None:
    id = novella.documents()[0].id
    for side, words in (
        ("tree", "no summary tree"),
        ("summaries", "No summary has been made"),
        ("questions", "No answer has cited"),
    ):
        assert words in said(opened(draw_document, novella, document=id, side=side))


def test_a_tree_is_built_by_a_job_and_opened_node_by_node(novella: Library, opened: OpenView) -> None:
    id = novella.documents()[0].id
    session = opened(draw_document, novella, document=id, side="tree")
    session.button("document_build").click().run()
    assert [record.state for record, _ in novella.job_list(["tree"])] == ["queued"]
    assert session.button("document_tree_pause")
    novella.trees.ensure(novella.documents()[0])
    session.run()
    tree = novella.view(id).tree()
    assert tree is not None
    assert session.selectbox("document_node").value == tree.root.id
    child = tree.children(tree.root)[1]
    session.button(f"document_down_{child.id}").click().run()
    assert session.selectbox("document_node").value == child.id
    assert child.summary is not None
    assert child.summary.sentences[0].text[:20].split()[0] in html_of(session)
    session.button("document_up").click().run()
    assert session.selectbox("document_node").value == tree.root.id


def test_what_was_made_and_asked_of_a_document_is_shown(novella: Library, opened: OpenView) -> None:
    id = novella.documents()[0].id
    (named,), failed = novella.summarize([id], Wanted(words=60))
    assert failed == []
    page = opened(draw_document, novella, document=id, side="summaries")
    assert page.expander[0].label.startswith("Hierarchical")
    sentences = named[1].sentences
    assert html_of(page).count("clew-passage") == len(sentences)
    assert links_of(page).count("Source, part 1") <= len(links_of(page)) == len(sentences)

    with working(novella):
        asked = novella.answers.ask("Who keeps the light?", "*Evening*", [id], route="walk")
        until(lambda: novella.answers.state(asked).ended, 300)
    page = opened(draw_document, novella, document=id, side="questions")
    assert links_of(page) == ["Who keeps the light?"]
    assert r"\*Evening\*" in said(page)
    page = opened(draw_document, novella, document=id, side="tree")
    assert "Path of the last walk:" in said(page)
    assert "THE LIGHT STONE →" in said(page)


def test_documents_of_a_folder_of_the_server(
    home: Path, open_home: ForOneHome, opened: OpenView, tmp_path: Path
) -> None:
    write(tmp_path / "books" / "deep" / "a.txt", "A lamp.")
    write(tmp_path / "books" / "b.txt", "A kettle.")
    over = open_home(home, server_folder=tmp_path / "books")
    session = opened(draw_library, over)
    assert not session.selectbox
    session.segmented_control("library_way").set_value("server").run()
    assert session.selectbox("library_folder").options == [".", "deep"]
    assert session.multiselect("library_files").options == ["b.txt", "deep/a.txt"]
    session.selectbox("library_folder").set_value("deep").run()
    session.button("library_add_server").click().run()
    (job, _) = over.job_list(["add"])[0]
    assert [Path(each.name).name for each in over.job_tasks(job.id) if each.kind == "add"] == ["a.txt"]


def test_of_several_documents_one_may_be_gone_when_they_are_removed(
    library: Library, opened: OpenView, tmp_path: Path
) -> None:
    files = [write(tmp_path / f"{name}.txt", f"A lamp of {name}.") for name in ("one", "two", "three")]
    assert [each.status for each in library.add(files)] == ["added"] * 3
    session = opened(draw_question, library)
    library.remove("one")
    session.button("library_yes_remove").click().run()
    assert not session.error
    assert library.documents() == []
