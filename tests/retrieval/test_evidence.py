import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.document import Span
from retrieval.evidence import (
    NEIGHBOUR_SHARE,
    REDUNDANT,
    Candidate,
    EvidenceWeights,
    QuestionWords,
    ScoredCandidate,
    score_candidates,
    select_evidence,
)
from retrieval.hits import Float32

WORDS = QuestionWords({"lamp": 3.0, "river": 1.0}, {})


def candidate(number: int, text: str, passage: int = 1, document: int = 1) -> Candidate:
    return Candidate(document, number, Span(0, len(text)), text, passage)


def unit_rows(*cosines: float) -> Float32:
    """Rows whose cosine to (1, 0) is as given."""
    return np.array([(c, (1 - c * c) ** 0.5) for c in cosines], np.float32)


QUESTION = np.array([1, 0], np.float32)


def test_scores_by_hand() -> None:
    candidates = [
        candidate(4, "The lamps went out."),
        candidate(5, "Nobody spoke."),
        candidate(6, "The river rose.", passage=2),
        candidate(8, "A lamp, a river.", passage=2),
    ]
    scored = score_candidates(candidates, unit_rows(0.5, 0.1, -0.2, 0.8), QUESTION, WORDS)
    # "lamp" weighs 3 of 4, "river" 1 of 4; a word in the sentence before or after counts half.
    assert NEIGHBOUR_SHARE == 0.5
    assert [s.coverage for s in scored] == pytest.approx([0.75, (1.5 + 0.5) / 4, 0.25, 1.0])
    assert [s.relevance for s in scored] == pytest.approx([0.5, 0.1, -0.2, 0.8])
    weights = EvidenceWeights()
    expected = [
        weights.relevance * 0.5 + weights.coverage * 0.75 + weights.position,
        weights.relevance * 0.1 + weights.coverage * 0.5 + weights.position,
        weights.relevance * -0.2 + weights.coverage * 0.25 + weights.position / 2,
        weights.relevance * 0.8 + weights.coverage * 1.0 + weights.position / 2,
    ]
    assert [s.score for s in scored] == pytest.approx(expected)
    assert [s.candidate for s in scored] == candidates


def test_a_word_in_the_sentence_and_beside_it_counts_once() -> None:
    scored = score_candidates(
        [candidate(1, "lamp"), candidate(2, "lamp"), candidate(3, "lamp")],
        unit_rows(0, 0, 0),
        QUESTION,
        WORDS,
    )
    assert [s.coverage for s in scored] == pytest.approx([0.75, 0.75, 0.75])


def test_sentences_of_other_documents_or_further_off_are_not_neighbours() -> None:
    scored = score_candidates(
        [
            candidate(1, "lamp"),
            candidate(2, "Nobody spoke.", document=2),
            candidate(4, "Nobody spoke.", document=2),
        ],
        unit_rows(0, 0, 0),
        QUESTION,
        WORDS,
    )
    assert [s.coverage for s in scored] == pytest.approx([0.75, 0, 0])


def test_own_weights_count() -> None:
    (scored,) = score_candidates(
        [candidate(1, "lamp", passage=4)], unit_rows(0.6), QUESTION, WORDS, EvidenceWeights(1, 10, 100)
    )
    assert scored.score == pytest.approx(0.6 + 7.5 + 25)


def test_a_question_without_words_has_no_coverage() -> None:
    nothing = QuestionWords({}, {})
    (scored,) = score_candidates([candidate(1, "lamp")], unit_rows(1), QUESTION, nothing)
    assert scored.coverage == 0
    assert nothing.unknown_share == 0
    assert score_candidates([], unit_rows().reshape(0, 2), QUESTION, WORDS) == []


def test_the_unknown_share_is_of_the_weights() -> None:
    assert QuestionWords({"lamp": 3.0, "zeppelin": 9.0}, {"zeppelin": "Zeppelin"}).unknown_share == 0.75


def chosen(
    *entries: tuple[int, int, float], rows: Float32 | None = None, count: int = 10, text: str = "A sentence."
) -> list[tuple[int, int]]:
    """(document, number) of what is selected from (document, number, score)."""
    scored = [
        ScoredCandidate(candidate(number, text, document=document), 0, 0, score)
        for document, number, score in entries
    ]
    rows = np.eye(max(len(entries), 1), dtype=np.float32)[: len(entries)] if rows is None else rows
    selected = select_evidence(scored, rows, count)
    return [(each.candidate.document, each.candidate.number) for each in selected]


def test_the_best_come_in_the_order_of_the_document() -> None:
    assert chosen((1, 9, 3.0), (1, 2, 2.0), (1, 5, 1.0), count=2) == [(1, 2), (1, 9)]


def test_the_document_with_the_best_sentence_comes_first() -> None:
    assert chosen((1, 1, 1.0), (2, 8, 2.0), (2, 3, 0.5), (1, 0, 1.5)) == [(2, 3), (2, 8), (1, 0), (1, 1)]


def test_what_says_the_same_is_left_out_and_the_next_one_taken() -> None:
    nearly = REDUNDANT + 0.01
    rows = np.array([[1, 0, 0], [nearly, (1 - nearly**2) ** 0.5, 0], [0, 0, 1]], np.float32)
    assert chosen((1, 1, 3.0), (1, 2, 2.0), (1, 3, 1.0), rows=rows, count=2) == [(1, 1), (1, 3)]
    less = REDUNDANT - 0.01
    rows[1] = [less, (1 - less**2) ** 0.5, 0]
    assert chosen((1, 1, 3.0), (1, 2, 2.0), (1, 3, 1.0), rows=rows, count=2) == [(1, 1), (1, 2)]


def test_a_sentence_of_two_passages_is_taken_once() -> None:
    assert chosen((1, 4, 3.0), (1, 4, 2.0)) == [(1, 4)]


def test_the_same_with_another_number_or_name_is_no_repetition() -> None:
    def taken(*texts: str) -> list[int]:
        scored = [
            ScoredCandidate(candidate(n, text), 0.5, 0.5, float(10 - n)) for n, text in enumerate(texts)
        ]
        rows = np.tile(np.array([[1, 0]], np.float32), (len(texts), 1))
        return [each.candidate.number for each in select_evidence(scored, rows, 9)]

    assert taken("It cost 40 crowns.", "It cost 50 crowns.", "It had cost 40 crowns.") == [0, 1]
    assert taken("He saw Anna there.", "He saw Ben there.", "There he saw Ben.") == [0, 1]


def test_marks_alone_are_no_evidence() -> None:
    assert chosen((1, 1, 3.0), text="* * *") == []


def test_nothing_is_selected_from_nothing_or_for_nothing() -> None:
    assert chosen() == []
    assert chosen((1, 1, 1.0), count=0) == []


@given(
    st.lists(st.tuples(st.integers(1, 3), st.integers(0, 30), st.floats(-1, 2)), max_size=20),
    st.integers(0, 8),
)
def test_selection_keeps_its_promises(entries: list[tuple[int, int, float]], count: int) -> None:
    selected = chosen(*entries, count=count)
    assert len(selected) == min(count, len({entry[:2] for entry in entries}))
    assert len(set(selected)) == len(selected)
    documents = [document for document, _ in selected]
    assert documents == sorted(documents, key=documents.index)
    for document in set(documents):
        numbers = [number for each, number in selected if each == document]
        assert numbers == sorted(numbers)
