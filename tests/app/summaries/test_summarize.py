"""`clew summarize` from end to end: the novella, with and without a language model."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from app.errors import OutputError
from app.library import Library
from app.summaries.parts import part_of
from app.summaries.report import DocumentSummary
from app.summaries.wanted import Method, Wanted
from memory.errors import UnknownDocumentError
from memory.tables import SummaryRow, SummaryUseRow
from retrieval.document import Document
from tests.benchmarks.kill_summarize import abridged
from tests.conftest import NOVELLA, ForOneHome, Ran, write
from tests.replies import prompt_of
from tests.retrieval.loaders.samples import make_pdf
from tests.servers import serving

Clew = Callable[..., Ran]
PLAIN = str.maketrans("“”‘’—–…", "\"\"''---")


def only(library: Library, wanted: Wanted) -> DocumentSummary:
    done, failed = library.summarize(["novella.txt"], wanted)
    assert failed == []
    return done[0][1]


def loaded(library: Library) -> Document:
    return library.store.load(library.document("novella.txt").key)


def kept(library: Library) -> int:
    with library.engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(SummaryRow)).scalar_one()


def with_model(library: Library, open_home: ForOneHome, url: str) -> Library:
    return open_home(library.settings.home, model="openai:fake", openai_base_url=url)


@pytest.mark.parametrize("method", ["hierarchical", "incremental", "scm"])
def test_a_summary_without_a_model_quotes_the_text(novella: Library, method: Method) -> None:
    text = loaded(novella).text
    summary = only(novella, Wanted(method, 150))
    assert 128 <= summary.figures.words <= 172
    assert summary.figures.words == len(summary.text.split())
    assert summary.figures.unsupported == 0
    assert summary.notes == ()
    assert summary.figures.sections_total == 16
    assert summary.figures.sections_drawn_on > 2
    for sentence in summary.sentences:
        (source,) = sentence.sources
        assert text[source.span.start : source.span.end] == source.quote
        assert sentence.text == " ".join(source.quote.split())
        assert source.section.startswith("CHAPTER")
    starts = [sentence.sources[0].span.start for sentence in summary.sentences]
    assert starts == sorted(starts)


def test_the_same_again_makes_nothing_anew(novella: Library) -> None:
    first = only(novella, Wanted(words=150))
    count = kept(novella)
    again = only(novella, Wanted(words=150))
    assert (again, kept(novella)) == (first, count)


@pytest.mark.parametrize("method", ["hierarchical", "incremental", "scm"])
def test_a_part_is_summarised_from_its_own_text_alone(
    novella: Library, open_home: ForOneHome, method: Method
) -> None:
    document = loaded(novella)
    part = part_of(document, "chapters 3 to 5")
    after = [line for line in document.text[part.span.end :].splitlines() if len(line) > 40]
    before = [line for line in document.text[: part.span.start].splitlines() if len(line) > 40]
    with serving(abridged) as server:
        library = with_model(novella, open_home, server.base_url)
        done, _ = library.summarize(["novella.txt"], Wanted(method, 100, "chapters 3 to 5"))
        shown = "\n".join(prompt_of(request) for request in server.requests)
    assert shown
    assert not [line for line in (*before, *after) if line in shown]
    (summary,) = [summary for _, summary in done]
    assert summary.part == "chapters 3 to 5"
    assert summary.span == part.span
    sources = [source.span for sentence in summary.sentences for source in sentence.sources]
    assert sources
    assert all(part.span.start <= span.start and span.end <= part.span.end for span in sources)
    assert summary.figures.sections_total == 3


def test_a_part_does_not_pay_for_the_rest_of_the_book(novella: Library, open_home: ForOneHome) -> None:
    with serving(abridged) as server:
        library = with_model(novella, open_home, server.base_url)
        library.summarize(["novella.txt"], Wanted(words=100, part="chapter 2"))
        part = len(server.requests)
        library.summarize(["novella.txt"], Wanted(words=100))
        whole = len(server.requests) - part
    assert part < whole / 3


def test_a_model_that_writes_too_much_or_too_little(novella: Library, open_home: ForOneHome) -> None:
    def long(body: Mapping[str, Any]) -> str:
        return " ".join([abridged(body)] * 9 + ["A lamp was lit."] * 90)

    with serving(long) as server:
        summary = only(with_model(novella, open_home, server.base_url), Wanted(words=100))
    assert 85 <= summary.figures.words <= 115
    with serving(lambda body: "It was a lamp. It burned.") as server:
        summary = only(with_model(novella, open_home, server.base_url), Wanted(words=101))
    assert summary.text == "It was a lamp. It burned."
    assert "6 words where 101 were asked for: the reader gave no more" in summary.notes


def test_what_a_model_invents_is_marked(novella: Library, open_home: ForOneHome) -> None:
    invented = "Quarterly revenue of the Brazilian subsidiary rose by eleven percent."

    def reply(body: Mapping[str, Any]) -> str:
        return " ".join([invented, *re.findall(r"[^.]+[.]", abridged(body))[:3]])

    with serving(reply) as server:
        library = with_model(novella, open_home, server.base_url)
        summary = only(library, Wanted(words=100, part="chapter 1"))
    found = [sentence for sentence in summary.sentences if sentence.text == invented]
    assert found
    assert all(sentence.sources == () for sentence in found)
    assert summary.figures.unsupported >= 1
    assert any(sentence.sources for sentence in summary.sentences)


def test_files_of_several_documents(clew: Clew, home: Path, tmp_path: Path) -> None:
    texts = [
        "The lamp burned all night. Corrie fed the hens. The boat came in at noon. Nobody spoke of it.",
        "Snow fell on the pass. The mules would not go on. Anna counted the sacks. Two were missing.",
    ]
    books = [write(tmp_path / f"book {n}.txt", text) for n, text in enumerate(texts, start=1)]
    broken = write(tmp_path / "broken.txt", "")
    out = tmp_path / "out"
    ran = clew("--home", home, "summarize", *books, broken, "--out", out, "--words", 20, "--json")
    assert ran.code == 1
    assert "broken.txt" in ran.err
    report = json.loads(ran.out)
    assert [each["document"]["title"] for each in report["summaries"]] == ["Book 1", "Book 2"]
    assert [each["path"] for each in report["failed"]] == [str(broken)]
    assert "To do:" in ran.err
    names = {file.name for file in out.iterdir()}
    assert names == {
        *(f"book {n}.{suffix}" for n in (1, 2) for suffix in ("md", "json")),
        "summaries.md",
        "summaries.json",
    }
    combined = (out / "summaries.md").read_text()
    assert "[Book 1](book%201.md)" in combined
    assert "## Not summarised" in combined
    assert "broken.txt" in combined
    written = json.loads((out / "book 2.json").read_text())
    assert {key: written[key] for key in report["summaries"][1]} == report["summaries"][1]
    before = {file.name: file.read_bytes() for file in out.iterdir()}
    assert clew("--home", home, "summarize", *books, broken, "--out", out, "--words", 20).code == 1
    assert {file.name: file.read_bytes() for file in out.iterdir()} == before


def test_a_text_that_is_shorter_than_its_summary(clew: Clew, home: Path, tmp_path: Path) -> None:
    book = write(tmp_path / "short.txt", "The lamp burned all night. Corrie fed the hens.")
    ran = clew("--home", home, "summarize", book, "--words", 50)
    assert ran.code == 0
    assert "The lamp burned all night." in ran.out
    assert "words where 50 were asked for: the text has only 9" in ran.out


def test_what_cannot_be_summarised(clew: Clew, own_novella_home: Path, tmp_path: Path) -> None:
    def refused(*arguments: object) -> str:
        ran = clew("--home", own_novella_home, "summarize", *arguments)
        assert ran.code == 1
        assert ran.err.count("clew:") == 1
        return ran.err

    assert "neither a file nor a document called 'atlantis'" in refused("atlantis")
    assert "There is no chapter 40" in refused("novella.txt", "--part", "chapter 40")
    taken = write(tmp_path / "taken", "x")
    assert "Nothing can be written into" in refused("novella.txt", "--out", taken)
    (tmp_path / "empty").mkdir()
    assert "There is no document in the folder" in refused(tmp_path / "empty")
    mine = write(tmp_path / "out" / "novella.md", "my notes")
    assert "that Clew has not written" in refused("novella.txt", "--out", mine.parent, "--words", 60)
    assert mine.read_text() == "my notes"
    assert clew("--home", own_novella_home, "summarize", "novella.txt", "--method", "best").code == 2
    assert clew("--home", own_novella_home, "summarize", "novella.txt", "--words", 3).code == 2


def test_errors_come_before_any_work(novella: Library, tmp_path: Path) -> None:
    with pytest.raises(UnknownDocumentError):
        novella.summarize(["novella.txt", "atlantis"], Wanted())
    with pytest.raises(OutputError):
        novella.summarize(["novella.txt"], Wanted(), write(tmp_path / "taken", "x"))
    assert kept(novella) == 0
    assert [job.kind for job in novella.jobs.store.records() if job.kind == "summarize"] == []


def test_removing_a_document_removes_its_summaries(novella: Library) -> None:
    for method in ("hierarchical", "scm"):
        only(novella, Wanted(method, 60))  # type: ignore[arg-type]
    assert kept(novella) > 20
    novella.remove("novella.txt")
    assert kept(novella) == 0
    with novella.engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(SummaryUseRow)).scalar_one() == 0


def test_pages_of_a_pdf(clew: Clew, home: Path, tmp_path: Path) -> None:
    lines = re.findall(r".{20,70}(?: |$)", " ".join(NOVELLA.read_text(encoding="utf-8")[300:9_000].split()))
    pages = [[line.strip().translate(PLAIN) for line in lines[n : n + 24]] for n in range(0, len(lines), 24)]
    book = tmp_path / "books" / "the book.pdf"
    book.parent.mkdir()
    book.write_bytes(make_pdf(pages, title="The Book"))
    out = tmp_path / "out"
    ran = clew("--home", home, "summarize", book, "--part", "up to page 3", "--words", 80, "--out", out)
    assert (ran.code, ran.err.count("clew:")) == (0, 0)
    written = json.loads((out / "the book - up to page 3.json").read_text())
    found = {source["page"] for sentence in written["sentences"] for source in sentence["sources"]}
    assert found <= {1, 2, 3}
    assert len(found) > 1
    assert len(pages) > 4
    page = min(found)
    assert (
        f"[p. {page}](../books/the%20book.pdf#page={page})"
        in (out / "the book - up to page 3.md").read_text()
    )
    shown = clew("--home", home, "summarize", "the book.pdf", "--part", "up to page 3", "--words", 80).out
    assert set(re.findall(r"p\. (\d+)", shown)) == {str(page) for page in found}


def test_a_job_that_was_begun_for_other_texts_is_begun_anew(library: Library, tmp_path: Path) -> None:
    book = write(tmp_path / "book.txt", "The lamp burned all night in the hall. Corrie fed the hens at dawn.")
    out = tmp_path / "out"
    (beside := out / ".book.md.part").mkdir(parents=True)
    _, failed = library.summarize([str(book)], Wanted(words=20), out)
    assert "cannot be written" in failed[0][1]
    (job,) = [each for each in library.jobs.store.records() if each.kind == "summarize"]
    library.jobs.store.resume(job.id)  # as if it had been killed before its last task
    beside.rmdir()
    write(book, "The boat came in at noon with the tide. Nobody on the quay spoke of it.")
    done, failed = library.summarize([str(book)], Wanted(words=20), out)
    assert failed == []
    assert "The boat came in" in done[0][1].text
    assert "The boat came in" in (out / "book.md").read_text()
    assert library.jobs.store.get(job.id).state == "cancelled"


@pytest.mark.parametrize("method", ["hierarchical", "incremental", "scm"])
def test_blank_lines_between_parts_move_what_summaries_rest_on(
    library: Library, tmp_path: Path, method: Method
) -> None:
    text = NOVELLA.read_text(encoding="utf-8")[:25_000]
    book = write(tmp_path / "book.txt", text)

    def rests() -> None:
        done, failed = library.summarize([str(book)], Wanted(method, 150))
        assert failed == []
        stored = library.store.load(library.document("book.txt").key).text
        assert stored == book.read_text(encoding="utf-8")
        for sentence in done[0][1].sentences:
            (source,) = sentence.sources
            assert " ".join(stored[source.span.start : source.span.end].split()) == sentence.text
        tree = library.trees.ensure(library.document("book.txt"))
        for node in tree.nodes:
            for each in node.summary.sentences if node.summary else ():
                assert " ".join(stored[each.sources[0].start : each.sources[0].end].split()) == each.text

    list(library.add([book]))
    rests()
    for heading in ("CHAPTER III", "CHAPTER V"):
        text = text.replace(heading, f"\n\n\n{heading}", 1)
    write(book, text)
    list(library.add([book]))
    rests()


def test_an_edited_document_keeps_what_has_not_changed(
    library: Library, open_home: ForOneHome, tmp_path: Path
) -> None:
    paragraphs = NOVELLA.read_text(encoding="utf-8")[:25_000].split("\n\n")
    book = write(tmp_path / "book.txt", "\n\n".join(paragraphs))
    assert [each.status for each in library.add([book])] == ["added"]
    with serving(abridged) as server:
        reading = with_model(library, open_home, server.base_url)
        reading.summarize([str(book)], Wanted(words=60))
        whole = len(server.requests)
        paragraphs[len(paragraphs) // 2] += " A grey heron stood on the quay all that day."
        write(book, "\n\n".join(paragraphs))
        done, failed = reading.summarize([str(book)], Wanted(words=60))
    again = [prompt_of(request) for request in server.requests[whole:]]
    assert failed == []
    assert done[0][1].content_hash == library.document("book.txt").content_hash
    assert whole >= 8
    assert len(again) <= 4  # a leaf, its chapter, the root, and the summary
    assert len([prompt for prompt in again if "A grey heron stood" in prompt]) >= 1
    assert kept(library) == whole  # what the old version alone needed is gone
