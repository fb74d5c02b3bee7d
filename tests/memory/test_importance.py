"""Importance by rule: four signs, a quarter each."""

from __future__ import annotations

import pytest

from memory.importance import importance


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("", 0.0),
        ("   \n", 0.0),
        ("?", 0.0),
        ("Hello!", 0.25 + 1 / 64),  # told, one word that says something
        ("And you?", 0.0),
        ("How are you today?", 0.25 + 1 / 64),  # a time
        ("My dog died.", (1 / 4 + 2 / 16 + 1) / 4),
        ("I took my dog to our vet: me!", (1 + 3 / 16 + 1) / 4),  # four mentions of oneself; took, dog, vet
        ("The train leaves at 7.", (1 + 3 / 16 + 1) / 4),  # train, leaves, 7
        ("我在柏林工作。", (5 / 16 + 1) / 4),  # five pairs of characters
        ("你呢？", (1 / 16) / 4),
    ],
)
def test_the_signs_are_added_up(said: str, expected: float) -> None:
    assert importance(said) == pytest.approx(expected)


def test_a_plan_with_a_date_is_more_than_small_talk() -> None:
    plan = "I'm moving to Lisbon on 3 May, because my sister and I are opening our bakery there in June."
    talk = ["Hi there!", "Thanks so much!", "That sounds great, well done!", "What do you think about it?"]
    assert importance(plan) > 0.8
    assert max(map(importance, talk)) < 0.4


def test_never_more_than_1() -> None:
    text = "I " * 50 + " ".join(f"word{n}" for n in range(400))
    assert importance(text) == 1.0
