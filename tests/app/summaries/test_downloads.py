"""Summaries taken along: what is in the archive, and what of the server is not."""

from __future__ import annotations

import json
import zipfile
from io import BytesIO

from app.summaries.downloads import summaries_zip, summary_file_json, summary_file_markdown
from app.summaries.figures import measure
from app.summaries.report import DocumentSummary, Source, SourcedSentence
from retrieval.document import Span

FOLDER = "/srv/clew/uploads/ann"


def a_summary(name: str = "sea.pdf") -> DocumentSummary:
    quote = "The sea is deep."
    source = Source(Span(0, len(quote)), 3, "One", quote)
    sentences = (SourcedSentence("The sea is deep.", (source,)), SourcedSentence("Nobody said so.", ()))
    sources = [[source.span], []]
    whole = Span(0, 100)
    figures = measure([each.text for each in sentences], sources, [whole], whole)
    return DocumentSummary(
        document="d1",
        title="The <Sea>",
        path=f"{FOLDER}/{name}",
        content_hash="h",
        media_type="application/pdf",
        method="hierarchical",
        reader="extractive",
        part="",
        span=whole,
        target=20,
        sentences=sentences,
        figures=figures,
        notes=(),
    )


def unpacked(archive: bytes) -> dict[str, str]:
    with zipfile.ZipFile(BytesIO(archive)) as opened:
        assert opened.testzip() is None
        return {name: opened.read(name).decode() for name in opened.namelist()}


def test_one_summary_is_two_files_and_no_report() -> None:
    files = unpacked(summaries_zip([("sea", a_summary())]))
    assert list(files) == ["sea.md", "sea.json"]
    assert files["sea.md"] == summary_file_markdown(a_summary())
    assert files["sea.json"] == summary_file_json(a_summary())
    assert json.loads(files["sea.json"])["document"]["path"] == "sea.pdf"


def test_several_have_a_report_that_names_what_failed() -> None:
    named = [("sea", a_summary()), ("land", a_summary("land.pdf"))]
    files = unpacked(summaries_zip(named, [(f"{FOLDER}/sky.pdf", "It is empty.")]))
    assert list(files) == ["sea.md", "sea.json", "land.md", "land.json", "summaries.md", "summaries.json"]
    assert json.loads(files["summaries.json"])["failed"] == [{"path": "sky.pdf", "error": "It is empty."}]
    assert "sky" in files["summaries.md"]


def test_no_folder_of_the_server_is_told() -> None:
    files = unpacked(summaries_zip([("sea", a_summary())], [(f"{FOLDER}/sky.pdf", "It is empty.")]))
    assert not any("/srv" in text or "uploads" in text for text in files.values())
    assert "p. 3" in files["sea.md"]
    assert "#page=" not in files["sea.md"]


def test_the_same_summaries_make_the_same_bytes() -> None:
    assert summaries_zip([("sea", a_summary())]) == summaries_zip([("sea", a_summary())])
