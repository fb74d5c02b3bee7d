import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.chunking import Chunk, ChunkedText, ChunkSettings, chunk_document, encoder_text, flat
from retrieval.document import Document, Section, Span

PIECES = [
    "The lamp went out, and nobody said a word about it. ",
    "Who was there? ",
    "one two three four five six seven eight nine ten eleven twelve thirteen fourteen ",
    "\r\n",
    "\n",
    "\n\n",
    "\r\n\r\n",
    "今天天气很好。我们去公园。你呢？",
    "没有句号的一行字",
    "مرحبا. كيف حالك؟ أنا بخير.",
    "สวัสดีครับ วันนี้อากาศดีมาก ",
    "\ufeff",
    "\u200b\u200d",
    "\u00a0 \u3000",
    "😀👩\u200d👩\u200d👧. ",
    "x" * 90 + " ",
    "“Come in. Sit down,” he said. ",
]
SMALL = ChunkSettings(min_tokens=8, max_tokens=15, overlap_tokens=5, context_tokens=4, small_section_tokens=4)


@dataclass(frozen=True)
class Tokens:
    """Counts the matches of a pattern."""

    pattern: str = r"\S+"

    def token_offsets(self, texts: Sequence[str]) -> list[list[tuple[int, int]]]:
        return [[match.span() for match in re.finditer(self.pattern, text)] for text in texts]


WORDS = Tokens()
CHARACTERS = Tokens(r"\S{1,3}")


@st.composite
def documents(draw: st.DrawFn) -> Document:
    text = "".join(
        draw(
            st.lists(
                st.one_of(
                    st.sampled_from(PIECES), st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
                ),
                max_size=40,
            )
        )
    )
    offsets = sorted(draw(st.sets(st.integers(0, len(text)), max_size=6)))
    sections: list[Section] = []
    for n, (start, end) in enumerate(pairwise([*offsets, len(text)])):
        level = 1 + n % 2
        # A section at level 1 goes on over the one at level 2 behind it.
        last = offsets[n + 2] if level == 1 and n + 2 < len(offsets) else len(text) if level == 1 else end
        sections.append(Section(f"Part {n}", level, Span(start, last)))
    return Document(text, "A title of five words", "text/plain", tuple(sections))


def check(document: Document, chunked: ChunkedText, settings: ChunkSettings, counter: Tokens) -> None:
    text = document.text
    starts = {section.span.start for section in document.sections}
    sentences = chunked.sentences
    assert len(chunked.token_counts) == len(sentences)
    end = 0
    for span, tokens in zip(sentences, chunked.token_counts, strict=True):
        assert span.start >= end
        assert not text[end : span.start].strip()
        assert tokens <= settings.max_tokens
        assert tokens == len(counter.token_offsets([text[span.start : span.end]])[0])
        assert not any(span.start < start < span.end for start in starts)
        end = span.end
    assert not text[end:].strip()
    covered = 0
    for chunk in chunked.chunks:
        first, last = sentences[chunk.first_sentence], sentences[chunk.end_sentence - 1]
        assert chunk.span == Span(first.start, last.end)
        assert chunk.token_count == sum(chunked.token_counts[chunk.first_sentence : chunk.end_sentence])
        assert chunk.token_count <= settings.max_tokens
        # One sentence at most is repeated, no sentence is left out, and each chunk brings a new one.
        assert covered - 1 <= chunk.first_sentence <= covered < chunk.end_sentence
        if chunk.first_sentence < covered:
            assert chunked.token_counts[chunk.first_sentence] <= settings.overlap_tokens
        assert len(counter.token_offsets([chunk.context])[0]) <= settings.context_tokens
        covered = chunk.end_sentence
    assert covered == len(sentences)
    check_sections(document, chunked, settings)
    owners = chunked.sentence_chunks()
    for number, owner in enumerate(owners):
        holders = [n for n, c in enumerate(chunked.chunks) if c.first_sentence <= number < c.end_sentence]
        assert owner == holders[0]
        assert len(holders) <= 2


def check_sections(document: Document, chunked: ChunkedText, settings: ChunkSettings) -> None:
    """A chunk holds the start of a section only together with less than a small section before it."""
    for chunk in chunked.chunks:
        for section in document.sections:
            start = section.span.start
            if chunk.span.start < start < chunk.span.end:
                before = [
                    tokens
                    for span, tokens in zip(chunked.sentences, chunked.token_counts, strict=True)
                    if chunk.span.start <= span.start < start
                ]
                assert sum(before) < settings.small_section_tokens


@settings(max_examples=200, deadline=None)
@given(documents(), st.sampled_from([WORDS, CHARACTERS]))
def test_promise_1_holds_for_any_text(document: Document, counter: Tokens) -> None:
    check(document, chunk_document(document, counter, SMALL), SMALL, counter)


@settings(max_examples=20, deadline=None)
@given(documents())
def test_promise_1_holds_with_the_defaults(document: Document) -> None:
    check(document, chunk_document(document, CHARACTERS), ChunkSettings(), CHARACTERS)


@pytest.mark.parametrize(
    "text",
    [
        "x" * 100_000,
        "没" * 30_000,
        "word " * 20_000,
        "line without a stop\r\n" * 3_000,
        "\ufeff" + "a b c. " * 3_000,
        "😀" * 20_000,
        "a" + " " * 300_000 + "b",
    ],
    ids=["endless word", "Chinese", "no stops", "CRLF", "BOM", "emoji", "white space"],
)
@pytest.mark.parametrize("counter", [WORDS, CHARACTERS], ids=["words", "characters"])
def test_promise_1_holds_for_long_texts(text: str, counter: Tokens) -> None:
    document = Document(text, "Long", "text/plain")
    check(document, chunk_document(document, counter), ChunkSettings(), counter)


def test_an_endless_word_is_cut_although_it_is_one_token() -> None:
    chunked = chunk_document(Document("x" * 100_000, "Long", "text/plain"), WORDS)
    assert max(len(span) for span in chunked.sentences) <= 10 * ChunkSettings().max_tokens
    assert "".join("x" * len(span) for span in chunked.sentences) == "x" * 100_000


@pytest.mark.parametrize("text", ["", " \r\n\t\n"])
def test_no_text_makes_no_chunks(text: str) -> None:
    section = Section("Nothing", 1, Span(0, len(text)))
    chunked = chunk_document(Document(text, "Empty", "text/plain", (section,)), WORDS)
    assert chunked == ChunkedText((), (), ())
    assert chunked.sentence_chunks() == []


def test_a_short_text_is_one_chunk() -> None:
    chunked = chunk_document(Document("  It rains. We stay. \n", "Rain", "text/plain"), WORDS)
    assert chunked.sentences == (Span(2, 11), Span(12, 20))
    assert chunked.chunks == (Chunk(Span(2, 20), 0, 2, 4, "Rain"),)


def test_a_chunk_ends_with_a_paragraph_and_repeats_the_last_sentence() -> None:
    # Five words each. Between 8 and 15 tokens end sentence 2 and 3, and behind 2 the paragraph ends; the
    # next chunk repeats sentence 2 (overlap_tokens 5), so it has room for two more.
    sentences = [f"Sentence {name} has five words." for name in ("A", "B", "C", "D", "E")]
    text = " ".join(sentences[:2]) + "\n\n" + " ".join(sentences[2:])
    chunked = chunk_document(Document(text, "T", "text/plain"), WORDS, SMALL)
    assert (chunked.chunks[0].first_sentence, chunked.chunks[0].end_sentence) == (0, 2)
    assert chunked.chunks[1].first_sentence == 1
    assert chunked.sentence_chunks()[:3] == [0, 0, 1]


def test_a_long_last_sentence_is_not_repeated() -> None:
    text = "One two three four five six seven eight nine. " * 4
    chunked = chunk_document(Document(text, "T", "text/plain"), WORDS, SMALL)
    assert [(c.first_sentence, c.end_sentence) for c in chunked.chunks] == [(0, 1), (1, 2), (2, 3), (3, 4)]


def test_titles_are_context_from_the_outside_in_and_not_text() -> None:
    text = "PART ONE\n\nCHAPTER I\n\n" + "It rained all day long. " * 4 + "\n\nCHAPTER II\n\n" + "Sun. " * 8
    second = text.index("CHAPTER II\n")
    document = Document(
        text,
        "The\nBook",
        "text/plain",
        (
            Section("Part One", 1, Span(0, len(text))),
            Section("I", 2, Span(text.index("CHAPTER I\n"), second)),
            Section("II", 2, Span(second, len(text))),
        ),
    )
    wide = ChunkSettings(
        min_tokens=30, max_tokens=40, overlap_tokens=0, context_tokens=5, small_section_tokens=4
    )
    chunks = chunk_document(document, WORDS, wide).chunks
    # "PART ONE" is too small for a chunk of its own and goes with the chapter behind it.
    assert [chunk.context for chunk in chunks] == ["The Book. Part One. I", "The Book. Part One. II"]
    assert [chunk.span.start for chunk in chunks] == [0, second]
    short = ChunkSettings(context_tokens=2)
    assert chunk_document(document, WORDS, short).chunks[0].context == "The Book."


def test_a_small_section_at_the_end_is_a_chunk_of_its_own() -> None:
    text = "It rained all day long. The end."
    end = Section("End", 1, Span(24, len(text)))
    chunked = chunk_document(Document(text, "T", "text/plain", (end,)), WORDS, SMALL)
    assert [text[c.span.start : c.span.end] for c in chunked.chunks] == [
        "It rained all day long.",
        "The end.",
    ]


def long_book(seed: int) -> list[str]:
    """Paragraphs of seeded random words: about 1,500 chunks of the default length."""
    chance = random.Random(seed)
    vocabulary = [
        "".join(chance.choices("abcdefghijklmnopqrstuvwxyz", k=chance.randint(2, 9))) for _ in range(3_000)
    ]

    def sentence() -> str:
        return " ".join(chance.choices(vocabulary, k=chance.randint(5, 30))).capitalize() + "."

    return [" ".join(sentence() for _ in range(chance.randint(2, 14))) for _ in range(1_650)]


def chunk_texts(paragraphs: list[str]) -> list[str]:
    text = "\n\n".join(paragraphs)
    chunked = chunk_document(Document(text, "Book", "text/plain"), WORDS)
    return [encoder_text(text, chunk.span, chunk.context) for chunk in chunked.chunks]


def test_an_edit_of_one_paragraph_changes_less_than_two_percent_of_the_chunks() -> None:
    paragraphs = long_book(seed=7)
    before = set(chunk_texts(paragraphs))
    assert len(before) > 1_200
    middle = len(paragraphs) // 2
    edits = {
        "changed": [
            *paragraphs[:middle],
            "Quite another paragraph stands here now.",
            *paragraphs[middle + 1 :],
        ],
        "removed": paragraphs[:middle] + paragraphs[middle + 1 :],
        "at the start": ["A new beginning of seven words here.", *paragraphs],
    }
    for name, edited in edits.items():
        after = chunk_texts(edited)
        changed = [text for text in after if text not in before]
        assert len(changed) < 0.02 * len(after), name


def test_the_same_document_is_cut_in_the_same_way() -> None:
    paragraphs = long_book(seed=3)[:40]
    assert chunk_texts(paragraphs) == chunk_texts(paragraphs)


@pytest.mark.parametrize(("low", "high"), [(0, 10), (11, 10), (-1, 5)])
def test_a_window_that_is_none_is_refused_with_its_numbers(low: int, high: int) -> None:
    with pytest.raises(ValueError, match=f"min_tokens {low} and max_tokens {high}"):
        ChunkSettings(min_tokens=low, max_tokens=high)


def test_encoder_text_is_a_flat_copy_behind_the_context() -> None:
    text = "a\r\n  b\u00a0c d"
    assert flat(text) == "a b c d"
    assert encoder_text(text, Span(0, 8)) == "a b c"
    assert encoder_text(text, Span(0, len(text)), "Book. One") == "Book. One. a b c d"


@pytest.mark.parametrize("window", [16, 64, 128, 200, 252, 253, 256, 512])
def test_lengths_fit_the_window_of_the_encoder(window: int) -> None:
    """Titles, a full stop, two special tokens and the longest chunk are never cut off."""
    settings = ChunkSettings.for_window(window)
    assert settings.max_tokens + settings.context_tokens + 3 <= window or settings == ChunkSettings()
    assert ChunkSettings().max_tokens + ChunkSettings().context_tokens + 3 <= 253
    assert (settings == ChunkSettings()) == (window >= 253)
