"""EM and F1 by hand."""

from __future__ import annotations

import pytest

from app.metrics import exact_match, f1, holds_answer, normalised_answer


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The Light Stone", "light stone"),
        ("  An   apple,\na pear! ", "apple pear"),
        ("“Ninety” crowns — a year…", "ninety crowns year"),
        ("theatre and band", "theatre and band"),  # articles are whole words
        ("Dorcas’s", "dorcass"),
        ("the", ""),
        ("光の石。", "光の石。"),
    ],
)
def test_normalised_answer(text: str, expected: str) -> None:
    assert normalised_answer(text) == expected


@pytest.mark.parametrize(
    ("answer", "references", "expected"),
    [
        ("The ninety crowns a year.", ["ninety crowns"], 1.0),
        ("crowns, ninety of them", ["ninety crowns"], 1.0),  # its content words, in any order
        ("It was carried home", ["carrying"], 1.0),  # as stems
        ("ninety", ["ninety crowns"], 0.0),
        ("ninetyfold", ["ninety"], 0.0),
        ("It was so.", ["it was"], 1.0),  # no content words: word for word
        ("so it was", ["was it"], 0.0),
        ("anything", ["the", ""], 0.0),
        ("", ["the", "", "ninety"], 0.0),
        ("ninety", [], 0.0),
    ],
)
def test_holds_answer(answer: str, references: list[str], expected: float) -> None:
    assert holds_answer(answer, references) == expected


@pytest.mark.parametrize(
    ("answer", "references", "expected"),
    [
        ("The ninety crowns.", ["90 crowns", "Ninety Crowns"], 1.0),
        ("ninety", ["ninety crowns"], 0.0),
        ("", ["ninety"], 0.0),
        ("", [], 0.0),
    ],
)
def test_exact_match(answer: str, references: list[str], expected: float) -> None:
    assert exact_match(answer, references) == expected


@pytest.mark.parametrize(
    ("answer", "references", "expected"),
    [
        # 2 of 4 given words are among the 2 wanted: precision 1/2, recall 1, F1 = 2 * 1/2 / (3/2)
        ("paid ninety crowns yearly", ["ninety crowns"], 2 / 3),
        ("ninety crowns", ["gold", "Ninety Crowns!"], 1.0),
        # a word counts as often as it stands in both: 2 of 3 and 2 of 2
        ("tick tick tick", ["tick tick"], 2 * (2 / 3) / (5 / 3)),
        ("silver", ["gold"], 0.0),
        ("", ["gold"], 0.0),
        ("the", ["a"], 1.0),  # both empty once normalised
        ("gold", [], 0.0),
    ],
)
def test_f1(answer: str, references: list[str], expected: float) -> None:
    assert f1(answer, references) == pytest.approx(expected)
