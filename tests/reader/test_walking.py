"""Triage, leaf and route: what a model is shown, what fits, what becomes of its reply."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from reader.contract import LeafReading, RouteChoice, Triage, TriageOption
from reader.errors import InvalidReplyError, WindowError
from reader.extractive import Calibration, ExtractiveReader
from reader.models.scripted import ScriptedModel
from reader.walking import (
    first_sentences,
    last_sentences,
    model_leaf,
    model_route,
    model_triage,
    scored_triage,
)
from retrieval.question import QuestionWords
from tests.evidence_samples import candidates
from tests.replies import prompt_of

QUESTION = "Who painted the boat?"
OPTIONS = [
    TriageOption("Chapter 1", "Corrie feeds the hens. The hens lay eggs.", 0.25),
    TriageOption("Chapter 2", "The boat is painted. It is red now.", 1.0),
    TriageOption("Chapter 3", "It rains.", 0.0),
]
LONG = [
    TriageOption(f"Chapter {n}", " ".join(["It rained for a very long day."] * 80), 0.5) for n in range(1, 9)
]


def saying(*replies: Any, window: int = 8_192) -> ScriptedModel:
    left = list(replies)
    return ScriptedModel(lambda request: json.dumps(left.pop(0) if len(left) > 1 else left[0]), window=window)


def asked(model: ScriptedModel) -> str:
    return prompt_of(model.requests[-1])


def test_triage_shows_titles_scores_and_summaries_in_order() -> None:
    model = saying({"choice": "2"})
    assert model_triage(model, QUESTION, OPTIONS, "Book: A keeper has a boat.", False) == Triage(1)
    prompt = asked(model)
    shown = re.findall(r'<summary number="(\d)" of="([^"]*)" search="([^"]*)">([^<]*)</summary>', prompt)
    assert shown == [
        ("1", "Chapter 1", "0.25", "Corrie feeds the hens. The hens lay eggs."),
        ("2", "Chapter 2", "1.00", "The boat is painted. It is red now."),
        ("3", "Chapter 3", "0.00", "It rains."),
    ]
    assert "<notes>Book: A keeper has a boat.</notes>" in prompt


def test_triage_with_its_reason_and_a_repaired_reply() -> None:
    model = saying({"choice": "9"}, {"reason": "The boat is painted there.", "choice": "2"})
    decided = model_triage(model, QUESTION, OPTIONS, "", True)
    assert decided == Triage(1, "The boat is painted there.", 1)


@pytest.mark.parametrize("choice", ["0", "4", "-1", 2, None, "Chapter 2"])
def test_a_choice_that_is_none_of_the_options_is_invalid(choice: object) -> None:
    with pytest.raises(InvalidReplyError):
        model_triage(saying({"choice": choice}), QUESTION, OPTIONS, "", False)
    with pytest.raises(InvalidReplyError):
        model_leaf(saying({"choice": choice}), QUESTION, candidates(["It rains."]), "", False)


def test_eight_long_summaries_are_shortened_at_sentence_ends() -> None:
    model = saying({"choice": "8"}, window=2_000)
    decided = model_triage(model, QUESTION, LONG, "", False)
    assert (decided.position, decided.note) == (7, "8 of 8 summaries shortened: the window is full")
    shown = re.findall(r'<summary number="\d"[^>]*>([^<]*)</summary>', asked(model))
    assert len(shown) == 8
    assert len(set(shown)) == 1
    assert set(re.split(r"(?<=\.) ", shown[0])) == {"It rained for a very long day."}


def test_working_memory_gives_way_before_the_summaries_go() -> None:
    notes = " ".join(f"The boat number {n} sank." for n in range(400))
    model = saying({"choice": "1"}, window=2_000)
    decided = model_triage(model, QUESTION, OPTIONS, notes, False)
    assert decided.note == "working memory shortened: the window is full"
    kept = re.findall(r"\n<notes>(.*?)</notes>", asked(model))[-1]
    assert notes.endswith(kept)
    assert kept.startswith("The boat number ")
    assert "Corrie feeds the hens. The hens lay eggs." in asked(model)


def test_a_window_too_small_for_anything_is_named() -> None:
    with pytest.raises(WindowError, match="CLEW_WINDOW"):
        model_triage(saying({"choice": "1"}, window=700), QUESTION, LONG, "", False)
    with pytest.raises(WindowError, match="CLEW_WINDOW"):
        model_leaf(saying({"choice": "commit"}, window=700), QUESTION, candidates(["x " * 900]), "", False)


def test_a_server_that_tells_a_smaller_window_is_packed_for_again() -> None:
    model = saying({"choice": "3"}, window=8_192)
    complete = model.complete

    def smaller(*arguments: Any, **options: Any) -> Any:
        if model.window == 8_192:
            model.window = 2_000
            raise WindowError("The window has 2000 tokens.", 2_000)
        return complete(*arguments, **options)

    model.complete = smaller  # type: ignore[method-assign]
    decided = model_triage(model, QUESTION, LONG, "", False)
    assert decided.position == 2
    assert "shortened" in decided.note


def test_a_leaf_is_committed_to_or_reverted_from() -> None:
    leaf = candidates(["Corrie painted the boat.", "It was\n red."])
    model = saying({"choice": "commit"})
    assert model_leaf(model, QUESTION, leaf, "", False) == LeafReading(True)
    assert "<text>\nCorrie painted the boat. It was red.\n</text>" in asked(model)
    assert model_leaf(saying({"choice": "revert"}), QUESTION, leaf, "", False) == LeafReading(False)


def test_of_a_leaf_that_is_too_long_the_best_sentences_are_shown_in_order() -> None:
    texts = [f"This is sentence {n} of a leaf that is much too long." for n in range(200)]
    scores = [float(n % 2) for n in range(200)]
    model = saying({"choice": "revert"}, window=1_500)
    reading = model_leaf(model, QUESTION, candidates(texts, scores=scores), "", False)
    shown = [int(n) for n in re.findall(r"This is sentence (\d+) ", asked(model))]
    assert reading.note == f"{len(shown)} of 200 sentences shown: the window is full"
    assert 5 < len(shown) < 100
    assert shown == sorted(shown)
    assert all(n % 2 for n in shown)


def test_a_route_is_the_models_word_or_what_was_suggested() -> None:
    suggested = RouteChoice("search", "no rule fits")
    changed = saying({"reason": "It asks for a cause.", "choice": "walk"})
    assert model_route(changed, "What ails him?", suggested, True) == RouteChoice(
        "walk", "It asks for a cause."
    )
    assert "it seems to be: search." in asked(changed)
    agreed = model_route(saying({"choice": "search"}), "What ails him?", suggested, False)
    assert agreed == RouteChoice("search", "no rule fits, and the reader agrees")
    assert model_route(saying({"choice": "fly"}), "What ails him?", suggested, False) == suggested


def test_triage_without_a_model_goes_by_scores_then_words() -> None:
    assert scored_triage(QUESTION, OPTIONS).position == 1
    level = [TriageOption(each.title, each.summary, 0.5) for each in reversed(OPTIONS)]
    assert scored_triage(QUESTION, level).position == 1, "the boat that is painted"
    assert (
        scored_triage("Chapter 3?", [TriageOption("a", "b", 0.0), TriageOption("c", "d", 0.0)]).position == 0
    )


def test_a_leaf_without_a_model_goes_by_the_calibrated_probability() -> None:
    calibration = Calibration(
        intercept=-2.0,
        coefficients={"relevance": 4.0, "mean_relevance": 0.0, "coverage": 0.0, "unknown": 0.0},
        threshold=0.5,
        most_unknown=0.9,
        close=0.9,
    )
    reader, words = ExtractiveReader(calibration), QuestionWords({"boat": 1.0}, {})
    texts = ["One.", "Two."]
    for best, commits, reason in ((0.6, True, "0.60"), (0.4, False, "0.40")):
        leaf = candidates(texts, scores=[0.1, best])
        reading = reader.read_leaf(QUESTION, words, leaf, leaf_rows(leaf))
        # 1 / (1 + exp(2 - 4 * 0.6)) = 0.599, and with 0.4 it is 0.401.
        assert reading == LeafReading(commits, f"probability of an answer {reason}")
    assert not reader.read_leaf(QUESTION, words, [], leaf_rows([])).commits


def leaf_rows(leaf: list[Any]) -> Any:
    import numpy as np

    return np.zeros((len(leaf), 3), np.float32)


@pytest.mark.parametrize(
    ("characters", "first", "last"),
    [
        (100, "A cat. A dog. A hen.", "A cat. A dog. A hen."),
        (20, "A cat. A dog. A hen.", "A cat. A dog. A hen."),
        (19, "A cat. A dog.", "A dog. A hen."),
        (13, "A cat. A dog.", "A dog. A hen."),
        (12, "A cat.", "A hen."),
        (5, "", ""),
        (0, "", ""),
    ],
)
def test_texts_are_cut_at_sentence_ends(characters: int, first: str, last: str) -> None:
    text = "A cat. A dog. A hen."
    assert first_sentences(text, characters) == first
    assert last_sentences(text, characters) == last
