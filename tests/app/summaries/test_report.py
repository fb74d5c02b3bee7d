from dataclasses import replace
from pathlib import Path

from app.summaries.figures import measure
from app.summaries.report import (
    DocumentSummary,
    Source,
    SourcedSentence,
    escaped,
    summary_json,
    summary_markdown,
)
from retrieval.document import Span

BOAT = Source(Span(10, 32), 3, "CHAPTER I", "Corrie painted the boat.")
SEA = Source(Span(60, 80), 12, "CHAPTER II / Night", "It sank at *noon*.")
SENTENCES = (
    SourcedSentence("Corrie painted his boat.", (BOAT,)),
    SourcedSentence("It sank, and he wept.", (SEA, BOAT)),
    SourcedSentence("Nobody knows why.", ()),
)
FIGURES = measure(
    [each.text for each in SENTENCES],
    [[source.span for source in each.sources] for each in SENTENCES],
    [Span(0, 50), Span(50, 100)],
    Span(0, 100),
)
SUMMARY = DocumentSummary(
    document="0123456789ab",
    title="The Salt House",
    path="/books/salt house.pdf",
    content_hash="c0ffee",
    media_type="application/pdf",
    method="hierarchical",
    reader="extractive",
    part="chapters 1 to 2",
    span=Span(0, 100),
    target=12,
    sentences=SENTENCES,
    figures=FIGURES,
    notes=("one summary stayed over its limit",),
)


def test_markdown_links_each_sentence_to_its_pages() -> None:
    text = summary_markdown(SUMMARY, Path("/books/out"))
    assert text.startswith("# The Salt House\n\n*chapters 1 to 2; 12 words, hierarchical, by extractive; ")
    assert "draws on 2 of 2 sections (100%)" in text
    assert "1 sentences without a source" in text
    page = "../salt%20house.pdf#page"
    assert f"Corrie painted his boat. ([p. 3]({page}=3) [1](#source-1))" in text
    assert f"he wept. ([p. 12]({page}=12) [2](#source-2), [p. 3]({page}=3) [1](#source-1))" in text
    assert "Nobody knows why. (*no source found*)" in text
    assert "- one summary stayed over its limit" in text
    assert f'2. <a id="source-2"></a>[page 12]({page}=12), CHAPTER II / Night, characters 60-80: ' in text
    assert r"“It sank at \*noon\*.”" in text


def test_a_document_without_pages_links_to_its_sources() -> None:
    plain = replace(
        SUMMARY,
        media_type="text/plain",
        sentences=(SourcedSentence("It sank.", (replace(SEA, page=None),)),),
    )
    text = summary_markdown(plain, Path("/out"))
    assert "It sank. ([1](#source-1))" in text
    assert '1. <a id="source-1"></a>CHAPTER II / Night, characters 60-80: ' in text
    assert "page" not in text


def test_a_document_from_elsewhere_has_no_link_to_a_file() -> None:
    text = summary_markdown(replace(SUMMARY, path="paragraph 7"), Path("/out"))
    assert "(p. 3 [1](#source-1))" in text


def test_text_of_documents_does_nothing_in_markdown() -> None:
    assert escaped("# <script>*a*</script> [x](y) `b` $c$") == (
        r"\# \<script\>\*a\*\</script\> \[x\](y) \`b\` \$c\$"
    )
    assert escaped("1. first") == r"1\. first"
    assert escaped("- item") == r"\- item"
    assert escaped("=====") == r"\====="
    assert escaped("a\n\n# b\x1b[31m") == r"a \# b" + "\ufffd" + r"\[31m"


def test_json() -> None:
    written = summary_json(SUMMARY)
    assert written["part"] == {"name": "chapters 1 to 2", "start": 0, "end": 100}
    assert written["words"] == 12
    assert written["summary"] == "Corrie painted his boat. It sank, and he wept. Nobody knows why."
    assert written["sentences"][1]["sources"][0] == {
        "start": 60,
        "end": 80,
        "page": 12,
        "section": "CHAPTER II / Night",
        "quote": "It sank at *noon*.",
    }
    assert [each["supported"] for each in written["sentences"]] == [True, True, False]
    assert written["coverage"] == {
        "sections_drawn_on": 2,
        "sections_total": 2,
        "unit": "section",
        "share": 1.0,
    }
    assert written["tenths"] == [0, 2, 0, 0, 0, 0, 1, 0, 0, 0]
    assert written["unsupported"] == 1
