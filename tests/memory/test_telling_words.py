import pytest

from memory.telling_words import TellingWords

SAID = "My vault PIN is KRZ8812. My brother Maximilian told me so in 1984, on the phone."


@pytest.mark.parametrize(
    ("text", "known", "tells"),
    [
        ("The user says that it is krz8812.", "", (True, True)),
        ("It is krz8812, as you say.", "What is KRZ8812?", (False, False)),
        ("Maximilian knows it.", "", (True, False)),
        ("Maximilian knows it.", "Who is Maximilian?", (False, False)),
        ("It was in 1984.", "", (True, False)),
        ("Maxim and my other brother have a phone.", "", (False, False)),
        ("You heard it on the phone: told me so in 1984, on the phone", "1984", (True, False)),
        ("", "", (False, False)),
    ],
)
def test_what_tells_and_what_is_known(text: str, known: str, tells: tuple[bool, bool]) -> None:
    words = TellingWords([SAID])
    assert (words.tell_in(text, known), words.tell_in(text, known, codes_alone=True)) == tells


def test_codes_are_looked_for_and_short_numbers_are_not() -> None:
    assert TellingWords([SAID, "4B or 88120 or 007"]).codes == ["88120", "KRZ8812"]


def test_nothing_said_tells_nothing() -> None:
    assert not TellingWords([]).tell_in("Maximilian KRZ8812 1984", "")
