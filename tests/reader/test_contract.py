"""What every reader promises, whichever it is."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from reader.checking import quoted
from reader.contract import Exchange, Reader, ReaderAnswer, Selection, Sufficiency, SummaryPart, TriageOption
from reader.extractive import Calibration, ExtractiveReader
from reader.generative import GenerativeReader
from reader.models.scripted import ScriptedModel
from retrieval.evidence import Evidence
from retrieval.question import QuestionWords
from retrieval.verify import Verdict
from tests.evidence_samples import apart, candidates

QUESTION = "Which colour had the boat? Who painted it?"
TURNS = [Exchange("Who is Corrie?", "The keeper. [1]"), Exchange("And his boat?", "It sank.")]
WORDS = QuestionWords({"boat": 1.0}, {})
EVIDENCE = apart("Corrie painted the boat red.", "The boat sank in 1840.")
CANDIDATES = candidates(["Corrie painted the boat red.", "He was tired."], ["The boat sank in 1840."])
ROWS = np.eye(3, dtype=np.float32)
PLACES = ["The Salt House, Chapter 1", "The Salt House, Chapter 2"]
CALIBRATION = Calibration(
    intercept=9.0,
    coefficients=dict.fromkeys(Calibration.load().coefficients, 0.0),
    threshold=0.5,
    most_unknown=0.9,
    close=0.8,
)


def playing(replies: dict[str, Any]) -> Callable[[Any], str]:
    """A reply by the name of the field that is asked for; without a form, that of "text"."""

    def reply(request: Any) -> str:
        fields = request.schema["properties"] if request.schema else {"text": None}
        return str(next(replies[name] for name in fields if name in replies))

    return reply


SENSIBLE = {
    "needs_history": '{"needs_history": true}',
    "question": '{"question": "What did Corrie paint?"}',
    "questions": '{"questions": ["Which colour had the boat?", "Who painted the boat?"]}',
    "ids": '{"ids": [3, 1]}',
    "enough": '{"enough": false, "missing": "Who is Corrie?"}',
    "choice": '{"choice": "2"}',
    "text": 'Corrie "painted the boat red" [1].',
}
GARBAGE = dict.fromkeys([*SENSIBLE, "choice"], 'I "will not" tell [99]. {"ids": [99]}')
LYING = SENSIBLE | {"text": 'He said "I am the king" [1]. The moon is green [7]. UNANSWERABLE'}
SILENT = dict.fromkeys(SENSIBLE, "")


def reading(replies: dict[str, Any], window: int = 8_192) -> Reader:
    model = ScriptedModel(playing(replies), window=window)
    return GenerativeReader(lambda task: model)


READERS: dict[str, Callable[[], Reader]] = {
    "extractive": lambda: ExtractiveReader(CALIBRATION),
    "generative": lambda: reading(SENSIBLE),
    "generative, garbage": lambda: reading(GARBAGE),
    "generative, lying": lambda: reading(LYING),
    "generative, silent": lambda: reading(SILENT),
    "generative, small": lambda: reading(SENSIBLE, 1_200),
}


@pytest.fixture(params=READERS)
def reader(request: pytest.FixtureRequest) -> Reader:
    return READERS[request.param]()


def test_it_has_a_name(reader: Reader) -> None:
    assert reader.name


def test_history_is_needed_or_not(reader: Reader) -> None:
    assert isinstance(reader.needs_history("And what did he paint?", TURNS), bool)
    assert reader.needs_history("And what did he paint?", []) is False


def test_a_standalone_question_is_one(reader: Reader) -> None:
    assert reader.standalone("What did he paint?", TURNS).strip()


def test_there_is_at_least_one_part(reader: Reader) -> None:
    for question in (QUESTION, "Who?", "Compare the boat and the house.", "x"):
        parts = reader.parts(question)
        assert parts
        assert all(part.strip() for part in parts)
        assert len(set(parts)) == len(parts)
    assert reader.parts("Who painted it?") == ("Who painted it?",)


@pytest.mark.parametrize("count", [1, 2, 10])
def test_selected_are_candidates_each_once(reader: Reader, count: int) -> None:
    selection = reader.select(QUESTION, CANDIDATES, ROWS, count, PLACES)
    assert isinstance(selection, Selection)
    assert len(set(selection.chosen)) == len(selection.chosen) <= count
    assert set(selection.chosen) <= {0, 1, 2}
    assert 0 <= selection.left_out <= 3


def test_of_nothing_nothing_is_selected(reader: Reader) -> None:
    assert reader.select(QUESTION, [], ROWS[:0], 3, []).chosen == ()


def test_what_is_missing_has_not_been_asked(reader: Reader) -> None:
    for asked in ([], ["Who is Corrie?"]):
        told = reader.enough(QUESTION, EVIDENCE, asked)
        assert isinstance(told, Sufficiency)
        assert told.missing not in {QUESTION, *asked}
        assert not (told.enough and told.missing)


def checked(answer: ReaderAnswer, evidence: list[Evidence]) -> None:
    numbers = {int(n) for n in re.findall(r"\[(\d+)\]", answer.text)}
    assert answer.text
    assert answer.abstained == (not answer.cited)
    assert numbers == set(range(1, len(answer.cited) + 1))
    assert all(evidence[n].verdict is not Verdict.DROPPED for n in answer.cited)
    assert all(any(words in each.quote for each in evidence) for _, words in quoted(answer.text))
    assert answer.confidence is None or 0 <= answer.confidence <= 1


def test_answers_cite_verified_evidence_or_abstain(reader: Reader) -> None:
    dropped = [
        Evidence(e.origin, e.quote, e.score, e.relevance, e.coverage, Verdict.DROPPED) for e in EVIDENCE
    ]
    for evidence in (EVIDENCE, [dropped[0], EVIDENCE[1]], [EVIDENCE[0], dropped[1]]):
        checked(reader.answer(QUESTION, WORDS, evidence, ["A passage around it."]), evidence)
    for nothing in ([], dropped):
        assert reader.answer(QUESTION, WORDS, nothing).abstained


def test_drafts_show_nothing_unverified(reader: Reader) -> None:
    drafts: list[str | None] = []
    reader.answer(QUESTION, WORDS, EVIDENCE, [], drafts.append)
    shown = "".join(each or "\n" for each in drafts)
    assert all(any(words in each.quote for each in EVIDENCE) for _, words in quoted(shown))
    assert set(re.findall(r"\[(\d+)\]", shown)) <= {"1", "2"}
    assert "UNANSWERABLE" not in shown or not shown.startswith("UNANSWERABLE")


def test_summaries_are_sentences(reader: Reader) -> None:
    texts = [("Corrie painted the boat red.", "It was old."), ("The boat sank in 1840.",)]
    parts = [SummaryPart(each, np.eye(len(each), 2, dtype=np.float32)) for each in texts]
    for background in ("", "Corrie is the keeper."):
        written = reader.summarise(parts, 12, background)
        assert all(written.sentences)
        for sentence, (part, number) in zip(written.sentences, written.taken or (), strict=False):
            assert sentence == parts[part].sentences[number]
    assert sum(len(s.split()) for s in ExtractiveReader(CALIBRATION).summarise(parts, 12).sentences) <= 12


@pytest.mark.parametrize("name", ["extractive", "generative", "generative, small"])
def test_triage_names_one_of_the_options(name: str) -> None:
    texts = ["Corrie feeds the hens.", "The boat is painted.", "It rains."]
    options = [TriageOption("", text, 0.5) for text in texts]
    assert READERS[name]().triage("Who painted the boat?", options, "Corrie is the keeper.").position == 1
