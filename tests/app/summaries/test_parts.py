import pytest

from app.errors import PartError
from app.summaries.parts import Part, part_of
from retrieval.document import Document, Page, Section, Span

TEXT = "x" * 1000


def book(*titles: str, pages: int = 0, levels: tuple[int, ...] = ()) -> Document:
    """A document of 100 characters of front matter and 100 for each section."""
    sections = tuple(
        Section(title, levels[n] if levels else 1, Span(100 + 100 * n, 200 + 100 * n))
        for n, title in enumerate(titles)
    )
    width = 1000 // pages if pages else 0
    numbered = tuple(Page(n + 1, Span(n * width, (n + 1) * width)) for n in range(pages))
    return Document(TEXT, "The Salt House", "text/plain", sections, numbered)


NOVEL = book("PREFACE", "CHAPTER I", "CHAPTER II: The Sea", "Chapter Three", "CHAPTER 4. Home", pages=10)


@pytest.mark.parametrize(
    ("wanted", "start", "end"),
    [
        ("", 0, 1000),
        ("   ", 0, 1000),
        ("chapter 1", 200, 300),
        ("Chapter II", 300, 400),
        ("chapters 2 to 4", 300, 600),
        ("chapters 2-3", 300, 500),
        ("chapters 2–3", 300, 500),
        ("ch. 2 through 3", 300, 500),
        ("chapters 1 and 2", 200, 400),
        ("up to chapter 2", 0, 400),
        ("until chapter II", 0, 400),
        ("up to the end of chapter 1", 0, 300),
        ("from chapter 3", 400, 1000),
        ("from chapter 3 on", 400, 1000),
        ("from chapter 2 to 3", 300, 500),
        ("the first 2 chapters", 200, 400),
        ("last 1 chapters", 500, 600),
        ("pages 3 to 4", 200, 400),
        ("pp. 3-4", 200, 400),
        ("p. 10", 900, 1000),
        ("up to page 7", 0, 700),
        ("from page 9", 800, 1000),
        ("preface", 100, 200),
        ("CHAPTER II: The Sea", 300, 400),
    ],
)
def test_parts(wanted: str, start: int, end: int) -> None:
    assert part_of(NOVEL, wanted).span == Span(start, end)


def test_a_part_keeps_its_name_and_the_whole_has_none() -> None:
    assert part_of(NOVEL, " up  to page 7 ").name == "up to page 7"
    assert part_of(NOVEL, "pref") == Part(Span(100, 200), "PREFACE")
    assert part_of(NOVEL, "").name == ""


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ("chapter 5", "There is no chapter 5 in 'The Salt House'; it has chapters 1 to 4."),
        ("chapters 3 to 9", "There is no chapter 9"),
        ("chapters 4 to 2", "Chapter 4 comes after chapter 2."),
        ("up to page 120", "There is no page 120 in 'The Salt House'; it has pages 1 to 10."),
        ("the first 9 chapters", "There are 4 chapters in 'The Salt House', not 9."),
        ("the first 0 chapters", "not 0"),
        ("part 2", "has no numbered parts"),
        ("the good bits", "'the good bits' is no part of 'The Salt House': name chapters or pages"),
        ("chapter", "has 4 sections called 'chapter'"),
        ("page 0", "There is no page 0"),
    ],
)
def test_what_is_not_there_is_said_in_a_sentence(wanted: str, said: str) -> None:
    with pytest.raises(PartError) as raised:
        part_of(NOVEL, wanted)
    assert said in str(raised.value)


def test_pages_of_a_document_without_pages() -> None:
    with pytest.raises(PartError, match="has no pages; name its chapters"):
        part_of(book("CHAPTER I", "CHAPTER II"), "up to page 3")


def test_chapters_without_numbers_go_by_their_position() -> None:
    report = book("Summary", "Methods", "Sampling", "Results", levels=(1, 1, 2, 1))
    assert part_of(report, "chapter 3").span == Span(400, 500)
    assert part_of(report, "chapters 1 to 2").span == Span(100, 300)
    only = book("Everything")
    with pytest.raises(PartError, match="no chapters that were found"):
        part_of(only, "chapter 1")


def test_numbers_that_begin_again_are_ambiguous() -> None:
    two = book("PART I", "CHAPTER I", "CHAPTER II", "PART II", "CHAPTER I", levels=(1, 2, 2, 1, 2))
    with pytest.raises(PartError, match="more than one chapter 1; name the part by its title"):
        part_of(two, "chapter 2")
    assert part_of(two, "part 2").span == Span(400, 500)


def test_numbers_in_words_and_in_front_of_titles() -> None:
    assert part_of(book("Chapter Twenty-One", "Chapter the Second"), "chapter 21").span == Span(100, 200)
    assert part_of(book("Chapter Twenty-One", "Chapter the Second"), "chapter 2").span == Span(200, 300)
    assert part_of(book("1 Aims", "2. Methods", "2.1 Sampling"), "chapter 2").span == Span(200, 300)
    assert part_of(book("I", "II", "III"), "chapters 2 to 3").span == Span(200, 400)


def test_a_scanned_page_holds_no_text() -> None:
    pages = (Page(1, Span(0, 400)), Page(2, Span(400, 400), unread=True), Page(3, Span(400, 1000)))
    scanned = Document(TEXT, "Scan", "application/pdf", (), pages)
    assert part_of(scanned, "up to page 2").span == Span(0, 400)
    assert part_of(scanned, "pages 2 to 3").span == Span(400, 1000)
    with pytest.raises(PartError, match="no text between page 2 and page 2"):
        part_of(scanned, "page 2")
