"""Each kind of file becomes the Document a reader would expect, with exact spans."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import docx
import pytest

from retrieval.document import Document
from retrieval.errors import DamagedFileError, EmptyFileError, UnsupportedFileError
from retrieval.loaders import document_from_bytes, load_document
from tests.retrieval.loaders.samples import (
    RULE,
    docx_members,
    epub_members,
    good_docx,
    good_epub,
    good_pdf,
    make_pdf,
    make_zip,
    xhtml,
)

FRENCH = "Le café était fermé; l’été s’annonçait très chaud à Nîmes. « Où êtes-vous ? » dit-il.\r\n"
RUSSIAN = "Все счастливые семьи похожи друг на друга, каждая несчастливая семья несчастлива по-своему.\n"
JAPANESE = (
    "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。"
    "何でも薄暗いじめじめした所でニャーニャー泣いていた事だけは記憶している。\n"
)
CHINESE = "话说天下大势，分久必合，合久必分。周末七国分争，并入于秦。\n"


def outline(document: Document) -> list[tuple[int, str]]:
    return [(section.level, section.title) for section in document.sections]


def starts(document: Document) -> list[str]:
    """The first words of each section, from the text."""
    return [document.text[section.span.start :].split("\n")[0].strip() for section in document.sections]


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (FRENCH, "utf-8"),
        (FRENCH, "utf-16-le"),
        (FRENCH, "utf-16-be"),
        (FRENCH, "utf-32-le"),
        (FRENCH, "cp1252"),
        (RUSSIAN, "koi8-r"),
        (RUSSIAN, "cp1251"),
        (RUSSIAN, "utf-16-le"),
        (JAPANESE, "shift-jis"),
        (JAPANESE, "euc-jp"),
        (JAPANESE, "iso2022_jp"),
        (JAPANESE, "utf-16-be"),
        (CHINESE, "gb18030"),
        (CHINESE, "utf-16-le"),
    ],
)
def test_plain_text_is_the_decoded_file_to_the_character(text: str, encoding: str) -> None:
    assert document_from_bytes(text.encode(encoding), "a.txt").text == text


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("name", ["a.txt", "a.md"])
def test_byte_order_mark_and_line_ends_are_kept(encoding: str, name: str) -> None:
    text = "\ufeff# One\r\n\r\ntwo\rthree\n\n\n"
    assert document_from_bytes(text.encode(encoding), name).text == text


def test_plain_text_equals_what_open_reads(tmp_path: Path) -> None:
    path = tmp_path / "odd.txt"
    path.write_bytes("\ufeffa\r\nb\u2028c\x0bd\u200be \u202eשלום\u202c\r\n".encode())
    with path.open(encoding="utf-8", newline="") as file:
        assert load_document(path).text == file.read()


def test_a_few_broken_bytes_do_not_spoil_utf8() -> None:
    document = document_from_bytes(("é" * 50).encode() + b"\xff" + b" ende", "a.txt")
    assert document.text == "é" * 50 + "\ufffd ende"


def test_form_feeds_make_pages() -> None:
    document = document_from_bytes(b"first\fsecond\n\f", "a.txt")
    assert [(page.number, document.text[page.span.start : page.span.end]) for page in document.pages] == [
        (1, "first"),
        (2, "second\n"),
    ]


@pytest.mark.parametrize(
    ("name", "text", "title"),
    [
        ("the_old-mill (2).txt", "Water.", "The old mill (2)"),
        ("x.txt", "\ufeffTitle: The Mill\r\n   on the Floss\r\n\r\nText", "The Mill on the Floss"),
        ("x.md", "---\ntitle: 'Salt'\n---\n\n# Other\n", "Salt"),
        ("x.md", "# A *good* `day`\n\nText", "A good day"),
        ("x.md", "# Chapter 1\n\nText", "X"),
        ("x.html", "<title> A &amp; B </title><h1>C</h1>", "A & B"),
        ("x.html", "<h1>Sea</h1><p>d", "Sea"),
    ],
)
def test_title(name: str, text: str, title: str) -> None:
    assert document_from_bytes(text.encode(), name).title == title


def test_markdown_headings_are_sections_of_the_raw_source() -> None:
    text = (
        "---\ntitle: x\n---\nIntro\n\n# One #\n\ntext\n\n```\n# no heading\n```\n\n"
        "Two\n---\n\n> # quoted\n\n  ### Three `x`\n"
    )
    for source in (text, text.replace("\n", "\r\n")):
        document = document_from_bytes(source.encode(), "a.md")
        assert document.text == source
        assert outline(document) == [(1, "One"), (2, "Two"), (3, "Three x")]
        assert starts(document) == ["# One #", "Two", "### Three `x`"]
        assert document.sections[0].span.end == len(source)


def test_html_becomes_readable_text() -> None:
    source = (
        "<!DOCTYPE html><html><head><title>T</title><style>p{}</style></head><body>"
        "<nav><a href=x>menu</a></nav>"
        "<h1>Big\n  <i>title</i></h1><p>One <b>bold</b>,&nbsp;two<br>line<p>three&mdash;four"
        "<ul><li>a<li>b</ul>"
        "<table><tr><th>Name<th>Age<tr><td><p>Ann</p><td>5</table><div hidden>secret</div><h2>Sub</h2>"
        "<pre>  code\n   x</pre>after<script>alert(1)</script> <ruby>漢<rt>kan</rt></ruby> hy&shy;phen"
    )
    document = document_from_bytes(source.encode(), "no-suffix")
    assert document.media_type == "text/html"
    assert document.text == (
        "Big title\n\nOne bold, two\nline\n\nthree—four\n\na\nb\n\nName | Age\nAnn | 5\n\nSub\n\n"
        "  code\n   x\n\nafter 漢 hyphen"
    )
    assert outline(document) == [(1, "Big title"), (2, "Sub")]
    assert starts(document) == ["Big title", "Sub"]


def test_html_nested_a_hundred_thousand_deep_is_read_to_its_end() -> None:
    source = "<html><body>top" + "<div>" * 100_000 + "deep" + "</div>" * 100_000 + "<p>end"
    assert document_from_bytes(source.encode(), "a.html").text.split() == ["top", "deep", "end"]


@pytest.mark.parametrize(
    ("encoding", "declared"), [("shift-jis", "Shift_JIS"), ("gb18030", "gb2312"), ("utf-16", "utf-16")]
)
def test_html_declares_its_encoding(encoding: str, declared: str) -> None:
    words = "猫" if encoding == "shift-jis" else "说"
    source = f'<html><head><meta charset="{declared}"></head><body><p>{words}</p></body></html>'
    assert document_from_bytes(source.encode(encoding), "a.html").text == words


def test_unclosed_navigation_does_not_swallow_the_page() -> None:
    assert "The words." in document_from_bytes(b"<html><nav><p>menu<div>The words.</div>", "a.html").text


def test_pdf_pages_sections_and_unread_pages() -> None:
    data = make_pdf(
        [["The Sea", "It was cold."], b"", RULE, ["Still the sea", "THE SHORE", "It was warm."]],
        title="Sea and Shore",
        outline=[("The Sea", 1), ("The  shore", 4)],
    )
    document = document_from_bytes(data, "a.pdf")
    assert document.title == "Sea and Shore"
    assert document.text == "The Sea\nIt was cold.\n\nStill the sea\nTHE SHORE\nIt was warm."
    pages = [
        (page.number, document.text[page.span.start : page.span.end], page.unread) for page in document.pages
    ]
    assert pages == [
        (1, "The Sea\nIt was cold.", False),
        (2, "", False),  # blank
        (3, "", True),  # drawn on, no text layer
        (4, "Still the sea\nTHE SHORE\nIt was warm.", False),
    ]
    assert outline(document) == [(1, "The Sea"), (1, "The shore")]
    assert starts(document) == ["The Sea", "THE SHORE"]


def test_pdf_without_any_text_layer_lists_its_pages_as_unread() -> None:
    document = document_from_bytes(make_pdf([RULE, RULE]), "scan.pdf")
    assert document.text == ""
    assert [page.unread for page in document.pages] == [True, True]


def test_pdf_without_outline_takes_its_chapters_from_the_text() -> None:
    pages = [["CHAPTER 1", "It began with rain."], ["CHAPTER 1", "It went on."], ["CHAPTER 2", "It ended."]]
    document = document_from_bytes(make_pdf(pages), "rain.pdf")
    assert outline(document) == [(1, "CHAPTER 1"), (1, "CHAPTER 2")]
    assert document.title == "Rain"


def test_pdf_words_broken_at_line_ends_are_joined() -> None:
    document = document_from_bytes(make_pdf([["It was an exam-", "ple of “rain” - or so."]]), "a.pdf")
    assert document.text == "It was an example of “rain” - or so."


def test_epub_reads_the_spine_in_order_with_sections_from_headings_and_contents() -> None:
    members = epub_members(
        [
            "<p>It rained.</p><p id='b'>Then&nbsp;snow.</p>",
            "<p>A note.</p>",
            "<h1>The Ford</h1><h2>Mud</h2><p>Deep.</p>",
        ],
        contents=[("Rain", "text/c1.xhtml"), ("Snow", "text/c1.xhtml#b"), ("Ford", "text/c3.xhtml")],
        not_linear=[2],
    )
    document = document_from_bytes(make_zip(members), "x.epub")
    assert document.title == "The Salt Road"
    assert document.text == "It rained.\n\nThen snow.\n\nThe Ford\n\nMud\n\nDeep.\n\nA note."
    assert outline(document) == [(1, "Rain"), (1, "Snow"), (1, "The Ford"), (2, "Mud")]
    assert starts(document) == ["It rained.", "Then snow.", "The Ford", "Mud"]


def test_epub_2_with_ncx_and_nested_parts() -> None:
    ncx = (
        '<ncx xmlns="http://www.daisy.org/z3986/2005/ncx/"><navMap>'
        "<navPoint><navLabel><text>Part I</text></navLabel>"
        '<content src="text/c1.xhtml"/><navPoint><navLabel><text>One</text></navLabel>'
        '<content src="text/c2.xhtml"/>'
        "</navPoint></navPoint></navMap></ncx>"
    )
    members = epub_members(["<h2>Part I</h2>", "<h2>1. One</h2><p>Go.</p>"])
    opf = str(members["OEBPS/book.opf"]).replace(
        "<manifest>", '<manifest><item id="toc" href="toc.ncx" media-type="application/x-dtbncx+xml"/>'
    )
    members |= {"OEBPS/toc.ncx": ncx, "OEBPS/book.opf": opf.replace("<spine>", '<spine toc="toc">')}
    assert outline(document_from_bytes(make_zip(members), "x.epub")) == [(1, "Part I"), (2, "1. One")]


def test_epub_page_with_empty_title_and_no_well_formed_markup_is_read() -> None:
    members = epub_members(["x"])
    members["OEBPS/text/c1.xhtml"] = xhtml("<p>one<br>two<p>three & four</p>").replace(
        "<title></title>", "<title/>"
    )
    assert document_from_bytes(make_zip(members), "x.epub").text == "one\ntwo\n\nthree & four"


def test_scrambled_fonts_are_no_drm() -> None:
    scrambled = (
        '<encryption><EncryptedData><EncryptionMethod Algorithm="http://www.idpf.org/2008/embedding"/>'
        "</EncryptedData></encryption>"
    )
    data = make_zip(epub_members(["<p>Free.</p>"]) | {"META-INF/encryption.xml": scrambled})
    assert document_from_bytes(data, "x.epub").text == "Free."


def test_docx_as_word_writes_it() -> None:
    source = docx.Document()
    source.core_properties.title = "The Tide Book"
    source.add_heading("Part One", 1)
    source.add_paragraph("Hello café world.")
    source.add_heading("Ebb", 2)
    table = source.add_table(2, 2)
    for row in range(2):
        for column in range(2):
            table.cell(row, column).text = f"{row}{column}"
    buffer = io.BytesIO()
    source.save(buffer)
    document = document_from_bytes(buffer.getvalue(), "a.docx")
    assert document.title == "The Tide Book"
    assert document.text == "Part One\n\nHello café world.\n\nEbb\n\n00 | 01\n10 | 11"
    assert outline(document) == [(1, "Part One"), (2, "Ebb")]


@pytest.mark.parametrize("name", ["a.txt", "a", "a.pdf", "a.docx", "a.html", "a.md", "a.epub"])
def test_content_decides_and_not_the_suffix(name: str) -> None:
    assert document_from_bytes(good_pdf(), name).media_type == "application/pdf"
    assert document_from_bytes(good_epub(), name).media_type == "application/epub+zip"
    assert document_from_bytes(good_docx(), name).media_type.endswith("wordprocessingml.document")
    assert document_from_bytes(b"\n<!doctype html><p>Hi", name).media_type == "text/html"


def test_suffix_tells_markdown_from_plain_text() -> None:
    assert document_from_bytes(b"# One\n\n<p>two</p>", "a.md").media_type == "text/markdown"
    assert document_from_bytes(b"# One\n\n<p>two</p>", "a.txt").media_type == "text/plain"
    assert document_from_bytes(b"<p>one</p><p>two</p>", "a.txt").media_type == "text/plain"
    assert document_from_bytes(b"<p>one</p><p>two</p>", "a").media_type == "text/html"


@pytest.mark.parametrize("data", [b"a\0b\0\0\0c" * 50, b"text with a \0 byte", bytes(range(256)) * 9])
def test_binary_is_no_text(data: bytes) -> None:
    with pytest.raises(UnsupportedFileError, match=r'^"a\.txt" looks like .*can be read\.$'):
        document_from_bytes(data, "a.txt")


def test_empty_documents_are_errors() -> None:
    for data, name in (
        (make_zip(docx_members([])), "a.docx"),
        (make_zip(epub_members(["<p> </p>"])), "a.epub"),
        (make_pdf([b""]), "a.pdf"),
    ):
        with pytest.raises(EmptyFileError):
            document_from_bytes(data, name)


@pytest.mark.parametrize("make", [good_pdf, good_epub, good_docx])
def test_child_returns_what_this_process_would(tmp_path: Path, make: object) -> None:
    assert callable(make)
    path = tmp_path / "file"
    path.write_bytes(make())
    assert load_document(path) == document_from_bytes(make(), "file")


def test_truncation_anywhere_is_never_read_in_part() -> None:
    for data, name in ((good_pdf(), "a.pdf"), (good_epub(), "a.epub"), (good_docx(), "a.docx")):
        for kept in range(120, len(data) - 40, 97):
            with pytest.raises(DamagedFileError):
                document_from_bytes(data[:kept], name)


def test_import_loads_no_heavy_library() -> None:
    code = "import retrieval.loaders, sys; print(sorted({m.split('.')[0] for m in sys.modules}))"
    root = Path(__file__).resolve().parents[3]
    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True
    ).stdout
    for heavy in ("torch", "numpy", "lxml", "mammoth", "pypdfium2", "psutil", "transformers"):
        assert f"'{heavy}'" not in loaded
