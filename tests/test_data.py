"""The novella and its questions keep what data/README.md says of them."""

import json
import re
from collections import Counter
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import Stemmer

DATA = Path(__file__).parents[1] / "data"
KINDS = {"fact": 11, "paraphrase": 9, "detail": 8, "multi": 5, "unanswerable": 5, "whole": 2}
STOP_WORDS = frozenset(
    re.findall(
        r"\w+",
        """a about after all an and any are as at be because been before being but by can could did do does
        for from had has have he her here hers him himself his how i if in into is it its me my no nor
        not of off on once one or our out over own s she should so some such t than that the their them
        then there these they this those through to too under up very was we were what when where which
        while who whom whose why will with would you your""",
    )
)
CHAPTER = re.compile(r"^CHAPTER ([IVXL]+)\n\n(\S[^\n]*)\n\n", re.MULTILINE)
ROMAN = ["I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII", "XIII", "XIV", "XV", "XVI"]

TEXT = (DATA / "novella.txt").read_bytes().decode("utf-8")
QA: dict[str, Any] = json.loads((DATA / "novella_qa.json").read_text(encoding="utf-8"))
QUESTIONS: list[dict[str, Any]] = QA["questions"]


def of_kind(*kinds: str) -> list[Any]:
    return [pytest.param(q, id=q["id"]) for q in QUESTIONS if q["kind"] in kinds]


def chapter_of(offset: int) -> int:
    return sum(match.start() <= offset for match in CHAPTER.finditer(TEXT))


def content_stems(passage: str) -> set[str]:
    """Stems of the words that carry meaning: no stop words, no proper names."""
    words = re.findall(r"[^\W\d_]+", passage.replace("’", "'"))
    names = {word for word in words if word[0].isupper() and word.lower() not in lowercase_words()}
    kept = [word.lower() for word in words if word not in names and word.lower() not in STOP_WORDS]
    return set(Stemmer.Stemmer("english").stemWords(kept))


@cache
def lowercase_words() -> set[str]:
    """Words that stand in small letters somewhere, so a capital alone does not make them names."""
    questions = " ".join(q["question"] for q in QUESTIONS)
    return set(re.findall(r"\b[^\W\d_A-Z]+\b", f"{TEXT} {questions}"))


def test_the_novella_is_plain_text_of_at_least_12000_words() -> None:
    assert len(TEXT.split()) >= 12_000
    assert "\r" not in TEXT
    assert "\ufeff" not in TEXT
    assert TEXT.startswith("THE LIGHT STONE\n")
    assert max(map(len, TEXT.split("\n"))) <= 72


def test_the_novella_has_sixteen_titled_chapters_in_order() -> None:
    assert [match[1] for match in CHAPTER.finditer(TEXT)] == ROMAN
    starts = [match.end() for match in CHAPTER.finditer(TEXT)]
    lengths = [
        len(TEXT[start:end].split()) for start, end in zip(starts, [*starts[1:], len(TEXT)], strict=True)
    ]
    assert min(lengths) > 700


def test_the_readme_gives_the_right_figures() -> None:
    readme = (DATA / "README.md").read_text(encoding="utf-8")
    assert f"{len(TEXT.split()):,} words" in readme
    for kind, count in KINDS.items():
        assert f"| {kind} | {count} |" in readme


def test_forty_questions_with_ids_of_their_own() -> None:
    assert QA["book"] == "novella.txt"
    assert QA["newline_mode"] == ""
    assert [q["id"] for q in QUESTIONS] == [f"nv-{number:03d}" for number in range(1, 41)]
    assert len({q["question"] for q in QUESTIONS}) == 40
    assert Counter(q["kind"] for q in QUESTIONS) == KINDS


@pytest.mark.parametrize("question", of_kind(*KINDS))
def test_every_quote_stands_at_its_offsets_and_nowhere_else(question: dict[str, Any]) -> None:
    for span in question["evidence"]:
        assert TEXT[span["start"] : span["end"]] == span["quote"]
        assert span["quote"].strip() == span["quote"] != ""
        assert TEXT.count(span["quote"]) == 1


@pytest.mark.parametrize("question", of_kind("fact", "paraphrase", "detail", "multi", "whole"))
def test_answerable_questions_have_answers_and_evidence(question: dict[str, Any]) -> None:
    assert question["evidence"]
    assert question["answers"]
    assert all(answer.strip() for answer in question["answers"])
    assert len(set(question["answers"])) == len(question["answers"])


@pytest.mark.parametrize("question", of_kind("multi"))
def test_multi_questions_need_two_far_places(question: dict[str, Any]) -> None:
    assert any(
        chapter_of(a["start"]) != chapter_of(b["start"]) and b["start"] - a["end"] >= 10_000
        for a, b in combinations(sorted(question["evidence"], key=lambda span: span["start"]), 2)
    )


@pytest.mark.parametrize("question", of_kind("unanswerable"))
def test_unanswerable_questions_have_neither_answers_nor_evidence(question: dict[str, Any]) -> None:
    assert question["answers"] == []
    assert question["evidence"] == []


@pytest.mark.parametrize("question", of_kind("paraphrase"))
def test_paraphrases_share_no_content_word_with_their_evidence(question: dict[str, Any]) -> None:
    asked = content_stems(question["question"])
    assert asked
    for span in question["evidence"]:
        assert not asked & content_stems(span["quote"])


def test_the_demo_asks_three_plain_answerable_questions() -> None:
    by_id = {q["id"]: q for q in QUESTIONS}
    assert len(set(QA["demo"])) == 3
    for identifier in QA["demo"]:
        question = by_id[identifier]
        assert question["kind"] in {"fact", "detail"}
        # A plain retriever must be able to find them: the question speaks in the book's words.
        evidence = content_stems(" ".join(span["quote"] for span in question["evidence"]))
        assert len(content_stems(question["question"]) & evidence) >= 2
