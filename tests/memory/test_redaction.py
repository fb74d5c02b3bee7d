import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory.redaction import FORGOTTEN, Redaction


@pytest.mark.parametrize(
    ("taken", "text", "left"),
    [
        ("I live in Oslo", "So i  LIVE\nin oslo, yes", f"So {FORGOTTEN}, yes"),
        ("tea", "Tea, steam and tea.", f"{FORGOTTEN}, steam and {FORGOTTEN}."),
        ("a.b (c)*", "a.b (c)* axb (c)", f"{FORGOTTEN} axb (c)"),
        ("Straße 12", "STRASSE 12 and straße 12", f"STRASSE 12 and {FORGOTTEN}"),
        (" ", "nothing to take out", "nothing to take out"),
        ("My dog is Max", "My dog is Maximilian.", "My dog is Maximilian."),
        (
            "I work at Shell",
            "I work at Shell. I work at Shelley & Sons",
            f"{FORGOTTEN}. I work at Shelley & Sons",
        ),
        ("Max", "Max's dog, Climax", f"{FORGOTTEN}'s dog, Climax"),
        ("I live in Oslo.", "I live in Oslo.Then", f"{FORGOTTEN}Then"),
        ("奥斯陆", "我住在奥斯陆市", f"我住在{FORGOTTEN}市"),
    ],
)
def test_texts_are_taken_out_whatever_their_case_and_white_space(taken: str, text: str, left: str) -> None:
    assert Redaction([taken])(text) == left


@given(st.from_regex(r"\A[a-z]+( [a-z]+){0,3}\Z"), st.from_regex(r"\A[a-z]*\Z"), st.from_regex(r"\A[a-z]*\Z"))
def test_no_part_of_a_word_is_taken_out(said: str, before: str, after: str) -> None:
    text = f"{before}{said}{after}"
    assert Redaction([said])(f"It: {text}!") == (f"It: {text}!" if before or after else f"It: {FORGOTTEN}!")


def test_the_longest_is_taken_first_and_what_was_found_is_told() -> None:
    redaction = Redaction(["Oslo", "I live in Oslo."])
    assert redaction("I live in OSLO. Oslo!") == f"{FORGOTTEN} {FORGOTTEN}!"
    assert redaction.found == {"I live in OSLO.", "Oslo"}


def test_all_strings_of_a_value_are_looked_at_but_not_the_names() -> None:
    value = {"Oslo": ["in Oslo", 3, None, {"deep": "Oslo"}], "flag": True}
    assert Redaction(["oslo city", "Oslo"]).of_value(value) == {
        "Oslo": [f"in {FORGOTTEN}", 3, None, {"deep": FORGOTTEN}],
        "flag": True,
    }
