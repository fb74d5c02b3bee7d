"""Looking at documents: parts that join to the text, and only what is shown read."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import Engine, event, insert

from app.document_views import DocumentView
from app.library import Library
from memory.answer_tasks import ANSWER
from memory.database import open_database
from memory.documents import DocumentStore
from memory.job_queue import EndedTask
from memory.tables import DocumentRow, PageRow, SectionRow, TextRow
from memory.texts import STRETCH, text_rows
from retrieval.document import Page, Section, Span
from tests.conftest import write


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    engine = open_database(f"sqlite:///{tmp_path / 'views.sqlite'}")
    yield engine
    engine.dispose()


def added(
    engine: Engine, text: str, pages: Sequence[Page] = (), sections: Sequence[Section] = ()
) -> DocumentView:
    """A document as it stands in SQL, with nothing that only a search needs."""
    with engine.begin() as connection:
        about = {"id": "abc", "owner": "me", "state": "ready", "content_hash": "abc", "recipe": "r"}
        about |= {"path": "/looked/at.txt", "title": "Looked at", "media_type": "text/plain"}
        counts = {"characters": len(text), "pages": len(pages), "sections": len(sections), "chunks": 0}
        values = about | counts | {"pages_unread": [], "added_at": datetime.now(UTC)}
        key = connection.execute(insert(DocumentRow).returning(DocumentRow.key), values).scalar_one()
        below = {"document_key": key}
        connection.execute(insert(TextRow), [below | row for row in text_rows(text)])
        for page in pages:
            row = {"number": page.number, "start": page.span.start, "end": page.span.end}
            connection.execute(insert(PageRow), below | row | {"unread": page.unread})
        for n, each in enumerate(sections):
            row = {"ordinal": n, "start": each.span.start, "end": each.span.end}
            connection.execute(insert(SectionRow), below | row | {"title": each.title, "level": each.level})
    record = DocumentStore(engine, "me").records()[-1]
    return DocumentView(engine, record, "me", lambda record: None)


def prose(seed: int, characters: int) -> str:
    """Words, sentences and paragraphs of very different lengths, among them ones without any end."""
    draw = random.Random(seed)
    text = ""
    while len(text) < characters:
        words = [
            "".join(draw.choices("abcdefghij", k=draw.randint(1, 9))) for _ in range(draw.randint(3, 40))
        ]
        text += " ".join(words) + draw.choice([". ", "! ", ".\n", ".\n\n", " ", "\u3002"])
        if draw.random() < 0.02:
            text += "x" * draw.randint(1_000, 5_000)
    return text[:characters]


@pytest.mark.parametrize(("seed", "characters"), [(1, 40_000), (2, 3_100), (3, 4_500), (4, 7), (5, 61_003)])
def test_parts_join_to_the_text(engine: Engine, seed: int, characters: int) -> None:
    text = prose(seed, characters)
    view = added(engine, text)
    parts = [view.part(n) for n in range(1, view.part_count + 1)]
    assert "".join(part.text for part in parts) == text
    assert [part.number for part in parts] == list(range(1, len(parts) + 1))
    assert parts[0].start == 0
    assert parts[-1].end == len(text)
    assert all(a.end == b.start for a, b in pairwise(parts))
    assert all(part.text == text[part.start : part.end] for part in parts)
    assert all(part.page is None for part in parts)
    for part in parts[1:-1]:
        assert 3_000 - 1_200 <= len(part.text) <= 3_000 + 1_200
    for offset in {
        0,
        len(text) - 1,
        *(p.start for p in parts),
        *random.Random(0).choices(range(len(text)), k=50),
    }:
        number = view.part_of(offset)
        assert parts[number - 1].start <= offset < parts[number - 1].end
    assert view.part(0) == view.part(-3) == parts[0]
    assert view.part(10_000) == parts[-1]
    assert view.part_of(-1) == 1
    assert view.part_of(10**9) == len(parts)


def test_parts_end_with_a_paragraph(engine: Engine) -> None:
    paragraph = "The lamps were lit at dusk. " * 10
    text = "\n\n".join([paragraph] * 40)
    view = added(engine, text)
    for n in range(1, view.part_count):
        assert view.part(n).text.endswith("\n\n")


def test_without_paragraphs_parts_end_with_a_sentence(engine: Engine) -> None:
    plain = added(engine, "The lamps were lit at dusk. " * 400)
    for n in range(1, plain.part_count):
        assert plain.part(n).text.endswith("dusk. ")


def test_pages_are_parts(engine: Engine) -> None:
    texts = [f"This is what stands on page {n}. It is short." for n in range(1, 31)]
    text, pages = "", []
    for number, page in enumerate(texts, start=1):
        unread = number == 7
        start = len(text)
        text += "" if unread else page
        pages.append(Page(number, Span(start, len(text)), unread))
        text += "\n\n"
    sections = (
        Section("All", 1, Span(0, len(text))),
        Section("End", 2, Span(pages[20].span.start, len(text))),
    )
    view = added(engine, text, pages=tuple(pages), sections=sections)
    assert view.part_count == 30
    assert [(p.number, p.unread) for p in view.pages] == [(n, n == 7) for n in range(1, 31)]
    for n in (1, 2, 8, 21, 30):
        part = view.part(n)
        assert (part.number, part.page, part.text) == (n, n, texts[n - 1])
        assert part.section == ("All / End" if n >= 21 else "All")
        assert view.part_of(part.start) == view.part_of(part.end) == n
    assert view.part(7).text == ""
    assert [(s.title, s.level) for s in view.sections] == [("All", 1), ("End", 2)]


def test_words_around_a_span(engine: Engine) -> None:
    text = " ".join(f"word{n}" for n in range(2_000))
    view = added(engine, text)
    start = text.index("word900")
    around = view.around(start, start + 7, 100)
    assert around.text == text[around.start : around.end]
    assert around.start <= start <= start + 7 <= around.end
    assert 80 <= start - around.start <= 100
    assert 80 <= around.end - start - 7 <= 100
    words = around.text.split()
    assert set(words) <= set(text.split()), "no word is cut"
    assert around.number == view.part_of(start)
    whole = view.around(0, len(text))
    assert (whole.start, whole.end, whole.text) == (0, len(text), text)
    assert view.text(-5, 5) == text[:5]
    assert view.text(5, 5) == view.text(len(text), len(text) + 5) == ""


def test_only_what_is_shown_is_read(engine: Engine) -> None:
    """Of a text of half a million characters, a part takes no more than the stretches that it touches."""
    view = added(engine, prose(9, 500_000))
    read: list[str] = []

    def note(connection: object, cursor: object, statement: str, parameters: object, *rest: object) -> None:
        if "FROM texts" in statement:
            read.append(str(parameters))

    event.listen(engine, "before_cursor_execute", note)
    part = view.part(120)
    event.remove(engine, "before_cursor_execute", note)
    assert 350_000 < part.start < 362_000
    assert 0 < len(read) <= 3
    assert len(part.text) < STRETCH


def test_questions_that_cite_it_newest_first(library: Library, tmp_path: Path) -> None:
    fox = "The fox sleeps in a den under the oak."
    for name, text in (("fox", fox), ("owl", "The owl hunts at night.")):
        list(library.add([write(tmp_path / f"{name}.txt", text)]))
    for question in ("Where does the fox sleep?", "When does the owl hunt?", "Where is the den of the fox?"):
        library.ask(question, thread="wood")
    found = library.view("fox.txt").questions(5)
    assert [(each.thread, each.ordinal, each.question) for each in found] == [
        ("wood", 3, "Where is the den of the fox?"),
        ("wood", 1, "Where does the fox sleep?"),
    ]
    assert [each.ordinal for each in library.view("fox.txt").questions(1)] == [3]
    assert not any(each.abstained for each in found)


def test_the_tree_is_there_once_it_is_built(library: Library, tmp_path: Path) -> None:
    list(library.add([write(tmp_path / "fox.txt", "The fox sleeps in a den under the oak.")]))
    view = library.view("fox.txt")
    assert view.tree() is None
    job = library.start_tree("fox.txt")
    assert (job.kind, job.owner) == ("tree", "me")
    worker = library.jobs.worker()
    assert [ended.error for ended in worker.work(until_idle=True) if ended.error] == []
    worker.close()
    tree = view.tree()
    assert tree is not None
    assert tree.document_id == view.record.id


def walked(library: Library, document: str, nodes: list[str]) -> None:
    """An answer by a walk, as it is kept."""
    trace = [{"document": "", "node": "all"}, *({"document": document, "node": each} for each in nodes)]
    library.jobs.store.create(ANSWER, "Q", {"n": random.random()}, [_Task()], owner=library.user)
    (claimed,) = library.jobs.queue.claim("tester", {ANSWER: 1}, 1)
    result = {"answer": {"trace": trace, "citations": [{"document": document}]}}
    library.jobs.queue.finish("tester", [EndedTask(claimed, 1.0, result, ())])


class _Task:
    name, kind, payload, weight, needs, waits = ANSWER, ANSWER, {}, 0.0, (), ()


def test_paths_of_the_last_walks(library: Library, tmp_path: Path) -> None:
    list(library.add([write(tmp_path / "fox.txt", "The fox sleeps in a den under the oak.")]))
    view = library.view("fox.txt")
    assert view.walks(3) == []
    walked(library, view.record.id, ["2.1", "1.2", "1.2", "0.4"])
    walked(library, view.record.id, [])
    walked(library, "another", ["1.1"])
    walked(library, view.record.id, [f"{view.record.key}:2.1", f"{view.record.key}:0.1"])
    walked(library.for_user("anna"), view.record.id, ["1.9"])
    assert view.walks(3) == [("2.1", "0.1"), ("2.1", "1.2", "0.4")]
    assert view.walks(1) == [("2.1", "0.1")]
