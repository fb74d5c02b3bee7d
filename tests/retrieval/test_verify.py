import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.document import Span
from retrieval.verify import Verdict, verify_quote

SOURCE = "The lamp went out. Nobody spoke. The lamp went out again, and the river rose."


def found(quote: str, source: str, cited: Span | None = None) -> tuple[str, str | None]:
    """The verdict, and what the source says there."""
    result = verify_quote(quote, source, cited)
    return result.verdict, None if result.span is None else source[result.span.start : result.span.end]


def test_a_quote_at_the_cited_place_is_verified_there() -> None:
    second = Span(33, 50)
    result = verify_quote("The lamp went out", SOURCE, second)
    assert (result.verdict, result.span) == (Verdict.VERIFIED, second)


def test_without_a_place_the_first_occurrence_counts() -> None:
    result = verify_quote("The lamp went out", SOURCE)
    assert (result.verdict, result.span) == (Verdict.VERIFIED, Span(0, 17))


@pytest.mark.parametrize(
    ("quote", "source", "said"),
    [
        ("the lamp went OUT", "The lamp went out.", "The lamp went out"),
        ('"Stay," he said, "it\'s late"', "“Stay,” he said, “it’s late”", "“Stay,” he said, “it’s late”"),
        ("“Stay”", "«Stay»", "«Stay»"),
        (
            "the year 1840-1850 - all of it",
            "the year 1840–1850 — all of it",
            "the year 1840–1850 — all of it",
        ),
        ("the lamp went out", "the  lamp\r\n\twent\u00a0out", "the  lamp\r\n\twent\u00a0out"),
        ("  the lamp \n", "so the lamp went", "the lamp"),
        ("nobody understood it", "nobody under-\nstood it", "nobody under-\nstood it"),
        ("nobody understood it", "nobody under\u00ad\r\n  stood it", "nobody under\u00ad\r\n  stood it"),
        ("understood", "under\u00adstood", "under\u00adstood"),
        ("a well-known man", "a well-\nknown man", "a well-\nknown man"),
        ("a well-known man", "a well‐known man", "a well‐known man"),
        ("the office first", "the oﬃce ﬁrst", "the oﬃce ﬁrst"),
        ("die Straße", "DIE STRASSE", "DIE STRASSE"),
        ("wait...", "wait… now", "wait…"),
        ("公园", "我们去公园。", "公园"),
        ("Python", "他用Python写", "Python"),
        ("أنا بخير", "كيف حالك؟ أنا بخير.", "أنا بخير"),
        ("j'ai été", "Oui, j’ai été là", "j’ai été"),
        ("a.*b", "it says a.*b there", "a.*b"),
        ("he said", "first\nhe said", "he said"),
    ],
)
def test_what_may_differ(quote: str, source: str, said: str) -> None:
    assert found(quote, source) == (Verdict.VERIFIED, said)
    assert found(quote, source, Span(0, len(source))) == (Verdict.VERIFIED, said)


@pytest.mark.parametrize(
    ("quote", "source"),
    [
        ("The lamp went on", SOURCE),
        ("lamp The went out", SOURCE),
        ("out. Nobody spoke. The river rose", SOURCE),
        ("amp went out", SOURCE),
        ("The lamp went ou", SOURCE),
        ("he", "the man there"),
        ("кот", "который"),
        ("ét", "été"),
        ("ألف", "ألفية"),
        ("Nobody, spoke", SOURCE),
        ("a.*b", "it says a123b there"),
        ("recover", "to re-cover a chair"),
        ("12", "in 1812"),
        ("", SOURCE),
        (" \n", SOURCE),
        ("...", "wait ... now"),
        ("“”", "“”"),
        ("The lamp", ""),
    ],
)
def test_what_is_dropped(quote: str, source: str) -> None:
    assert found(quote, source) == (Verdict.DROPPED, None)
    assert found(quote, source, Span(0, 1)) == (Verdict.DROPPED, None)


def test_elsewhere_the_citation_moves_to_the_nearest_occurrence() -> None:
    source = "Here. " + "x " * 50 + "Here. " + "y " * 20 + "Here."
    starts = [0, 106, 152]
    assert [source[start : start + 5] for start in starts] == ["Here."] * 3
    for cited, nearest in [(20, 0), (70, 106), (110, 106), (140, 152), (135, 152), (50, 0)]:
        result = verify_quote("here.", source, Span(cited, cited + 3))
        moved = Span(nearest, nearest + 5)
        verdict = Verdict.VERIFIED if moved.overlaps(Span(cited, cited + 3)) else Verdict.CORRECTED
        assert (result.verdict, result.span) == (verdict, moved)


def test_of_two_equally_near_occurrences_the_first_counts() -> None:
    assert verify_quote("ab", "ab .... ab", Span(4, 5)).span == Span(0, 2)


def test_a_cited_place_outside_of_the_source_is_corrected() -> None:
    result = verify_quote("Nobody spoke.", SOURCE, Span(5_000, 5_010))
    assert (result.verdict, result.span) == (Verdict.CORRECTED, Span(19, 32))


@given(
    st.lists(
        st.sampled_from(["The", "lamp", "ﬁrst", "été", "“Go”", "well-", "x—y", "\r\n", "...", "é\u0301", "İ"])
    )
)
def test_any_words_of_a_source_are_verified_in_it(parts: list[str]) -> None:
    source = " ".join(parts)
    result = verify_quote(source, source)
    if any(character.isalnum() for character in source):
        assert result.verdict is Verdict.VERIFIED
        assert result.span is not None
        assert source[result.span.start : result.span.end].split() == source.split()
    else:
        assert result.verdict is Verdict.DROPPED


@given(st.text(), st.text(), st.integers(0, 50), st.integers(0, 10))
def test_a_span_stands_in_the_source_and_only_for_what_is_not_dropped(
    quote: str, source: str, start: int, length: int
) -> None:
    result = verify_quote(quote, source, Span(start, start + length))
    assert (result.span is None) == (result.verdict is Verdict.DROPPED)
    if result.span is not None:
        assert 0 <= result.span.start < result.span.end <= len(source)
