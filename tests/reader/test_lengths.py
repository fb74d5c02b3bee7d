import pytest

from reader.lengths import count_words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", 0),
        ("The boat sank.", 3),
        ("Le bâteau a coulé", 4),
        ("船沉没了", 2),
        ("船沉没", 2),
        ("Kapitän 船沉没了 rief es", 5),
    ],
)
def test_words_are_counted_as_a_person_would(text: str, words: int) -> None:
    assert count_words(text) == words
