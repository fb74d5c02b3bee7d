from __future__ import annotations

from pathlib import Path

import pytest

from memory.errors import MemoryStoreError
from memory.need import NEED_SIGNALS, MemoryNeed, need_signals
from memory.stream_index import ActivatedTurn


def turn(relevance: float) -> ActivatedTurn:
    return ActivatedTurn(1, relevance, relevance, 0.0, 0.0)


@pytest.mark.parametrize(
    ("question", "own", "spoken", "past"),
    [
        ("Where is my desk?", 1, 0, 0),
        ("What did you recommend last week?", 0, 0, 1),
        ("What have you told them?", 0, 1, 0),
        ("What did we discuss?", 1, 1, 0),
        ("Who wrote the letter?", 0, 0, 0),
        ("Do you remember the name of the ferry?", 0, 1, 0),
    ],
)
def test_what_a_question_says_of_the_conversation(question: str, own: int, spoken: int, past: int) -> None:
    found = need_signals(question, [], [])
    assert (found["own"], found["spoken"], found["past"]) == (own, spoken, past)
    assert found["relevance"] == found["held"] == found["named"] == 0


def test_how_well_memory_speaks_to_it() -> None:
    found = need_signals(
        "Where did Anna buy the green kettle?",
        [turn(0.6), turn(0.2)],
        ["They: Anna has a kettle from Lyon.", "They: It is green."],
    )
    assert found["relevance"] == 0.6
    assert found["held"] == pytest.approx(3 / 4), "anna, kettl and green, but not buy"
    assert found["named"] == 1.0


def test_the_numbers_that_ship_tell_plain_cases_apart() -> None:
    need = MemoryNeed.load()
    mine = need.estimate("Where is my desk?", [turn(0.7)], ["They: my desk is 4B"])
    other = need.estimate("Who wrote Hamlet?", [turn(0.05)], ["They: my desk is 4B"])
    assert mine.needed
    assert mine.certain
    assert not other.needed
    assert other.certain
    assert 0 <= other.probability < mine.probability <= 1


def test_between_the_two_probabilities_it_is_not_sure() -> None:
    need = MemoryNeed(
        intercept=0.0, coefficients=dict.fromkeys(NEED_SIGNALS, 0.0), threshold=0.5, unsure=(0.4, 0.6)
    )
    assert not need.estimate("q", [], []).certain
    assert need.model_copy(update={"intercept": 5.0}).estimate("q", [], []).certain


@pytest.mark.parametrize("text", ["", "{}", '{"calibration": {"intercept": 1}}'])
def test_numbers_that_cannot_be_read_are_one_sentence(tmp_path: Path, text: str) -> None:
    path = tmp_path / "need.json"
    path.write_text(text)
    with pytest.raises(MemoryStoreError, match=r"need\.json"):
        MemoryNeed.load(path)
