import time

import pytest

from retrieval.words import STOP_WORDS, content_words, naming_words, words, words_of_each


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Mr. Rochester’s horses, 1,847 of them", ["mr", "rochest", "hors", "1847", "of", "them"]),
        ("in 1847, the 19th; 3.14", ["in", "1847", "the", "19th", "3.14"]),
        ("don't DON’T dont", ["dont", "dont", "dont"]),
        ("well-known _italics_ e-mail", ["well", "known", "ital", "e", "mail"]),
        ("naïve NAÏVE nai\u0308ve", ["naiv", "naiv", "naiv"]),
        ("l’eau d'Artagnan", ["eau", "artagnan"]),
        ("ﬁne Straße ＡＢＣ", ["fine", "strass", "abc"]),
        ("soft\u00adhyphen zero\u200bwidth", ["softhyphen", "zerowidth"]),
        ("", []),
        (" \n--- ?! ", []),
    ],
)
def test_spaced_latin(text: str, expected: list[str]) -> None:
    assert words(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("什么是简爱？我", ["什么", "么是", "是简", "简爱", "我"]),
        ("東京タワー", ["東京", "京タ", "タワ", "ワー"]),
        ("ガラス", ["ガラ", "ラス"]),  # the voicing mark is part of the letter
        ("ไทย", ["ไท", "ทย"]),
        ("한국어", ["한국", "국어"]),
        ("iPhone手机", ["iphon", "手机"]),
    ],
)
def test_scripts_without_spaces_become_pairs(text: str, expected: list[str]) -> None:
    assert words(text) == expected


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("الكِتابُ", "الكتاب"),  # vowel signs
        ("أحمد إلى آخر", "احمد الي اخر"),  # hamza and alef maqsura
        ("مدرسة", "مدرسه"),
        ("كـــتاب ١٨٤٧", "كتاب 1847"),
        ("ёлка", "елка"),
        ("ΌΔΟΣ", "όδος"),  # final sigma
    ],
)
def test_spellings_that_must_meet(one: str, other: str) -> None:
    assert words(one) == words(other) != []


def test_indic_vowel_signs_stay_in_their_word() -> None:
    assert words("हिन्दी में लिखा है।") == ["हिन्दी", "में", "लिखा", "है"]


def test_content_words_leave_out_what_says_nothing() -> None:
    assert content_words("What did Mr. Rochester tell her about the fire?") == [
        "mr",
        "rochest",
        "tell",
        "fire",
    ]
    assert content_words("Who are you?") == []
    assert content_words("Why didn’t they?") == []
    assert all(words(word) and content_words(word) == [] for word in STOP_WORDS)


def test_a_very_long_run_is_one_short_term() -> None:
    assert words("x" * 100_000) == ["x" * 64]


def test_a_megabyte_takes_well_under_a_second() -> None:
    text = "The horses of Mr. Rochester galloped — “quickly” — over 1,847 fields.\n" * 15_000
    start = time.process_time()
    words(text)
    assert time.process_time() - start < 1.5  # 0.3 s where it was measured; machines differ


def test_words_of_each_are_the_words_of_every_text() -> None:
    texts = ["The rivers ran.", "", "他们走了 running", "The rivers' running"]
    assert words_of_each(texts) == [words(text) for text in texts]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The boat of Anna Reed has 14 oars, B7.", {"Anna", "Reed", "14", "B7"}),
        ("Anna saw Élan and Миша, not ñandu.", {"Élan", "Миша"}),
        ("他说 王小明", set()),
        ("", set()),
    ],
)
def test_naming_words(text: str, expected: set[str]) -> None:
    assert naming_words(text) == expected
