"""What is seen of an answer while it is written: never an invented quote, the same however it comes."""

from __future__ import annotations

import random
import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reader.checking import CITATION, QuoteBook, quoted
from reader.drafts import REMOVED, DraftGate
from tests.evidence_samples import apart
from tests.reader.test_checking import DRAFTS, EVIDENCE, HOSTILE, LIE, QUESTION, QUOTED_LIES, stands

REFUSAL = "UNANSWERABLE"


def seen(pieces: list[str | None], count: int = len(EVIDENCE)) -> list[str | None]:
    """What the gate shows of pieces that come one after the other."""
    shown: list[str | None] = []
    gate = DraftGate(QuoteBook(EVIDENCE, QUESTION), count, REFUSAL, shown.append)
    for piece in pieces:
        gate(piece)
    gate.end()
    return shown


def whole(pieces: list[str]) -> str:
    return "".join(piece or "" for piece in seen(list(pieces)))


def split(text: str, seed: int) -> list[str]:
    """The text in random pieces of one to six characters."""
    chooser, pieces, place = random.Random(seed), list[str](), 0
    while place < len(text):
        length = chooser.randint(1, 6)
        pieces.append(text[place : place + length])
        place += length
    return pieces


HONEST = [
    "Corrie painted the boat red [1].",
    "It was red [1][3], they say [2].",
    'He said, "I shall never sell it" [2].',
    "“I shall never sell it,” said Corrie [2].",
    "Corrie's boat didn't last, O'Neill's did [3]; the dogs' kennel too.",
    "It cost < 5 & was [sic] red; a[b] c.",
    "> Corrie painted the boat red in 1804.\nSo [1].",
    "- one [1]\n- two [3]\n",
    "「the boat」 is it",
    "Una",
    "Un",
    "  \n Red",
    "",
]


@pytest.mark.parametrize("text", HONEST)
@pytest.mark.parametrize("seed", range(5))
def test_honest_text_is_shown_completely(text: str, seed: int) -> None:
    assert whole(split(text, seed)) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("It was red [9].", "It was red ."),
        ("It was red [1, 9] or [2-7].", "It was red [1] or [2][3]."),
        ("It was red【1】.", "It was red[1]."),
        ("It is [12345678901234567890] so", "It is  so"),
        ('He said "I sold it" [2].', f"He said {REMOVED} [2]."),
        ("a &quot;I sold it&quot; b &amp; c", f"a {REMOVED} b & c"),
        ("a &quotI sold it&quot b", f"a {REMOVED} b"),
        ('"never sell it" and "I sold it', f'"never sell it" and {REMOVED}'),
        ('"never [9] sell it [2]"', '"never  sell it [2]"'),
        ("> zorgle\nyes", f"{REMOVED}\nyes"),
        ("'twas red", "’twas red"),
        ("rock 'n' roll", "rock ’n' roll"),
        ("`Corrie's dogs' boat` and", f"{REMOVED} and"),
        ("`never sell' it", "`never sell' it"),
        ("[9]> zorgle\nyes", "…> zorgle\nyes"),
        ("[[9]1] x", "[1 x"),
        ("[[9]1]] x", "[1 x"),
        ("a &amp;quot;I sold it&amp;quot; b &amp;amp; c", f"a {REMOVED} b & c"),
        ("1 < 2 <q>I sold it</q> <b>so</b>", f"1 < 2 {REMOVED} <b>so</b>"),
        ("5'10'' or 5″ of ❝I sold it❞", f"5'10'' or 5″ of {REMOVED}"),
    ],
)
@pytest.mark.parametrize("seed", range(5))
def test_what_is_not_so_is_not_shown(text: str, shown: str, seed: int) -> None:
    assert whole(split(text, seed)) == shown


@pytest.mark.parametrize("lie", QUOTED_LIES)
@pytest.mark.parametrize(
    "frame", ["He said {} [1].", "{}", "It was red [1].\nHe wrote {} there [2]. It sank [3]."]
)
def test_no_invented_quote_is_seen_at_any_time(lie: str, frame: str) -> None:
    shown = whole(split(frame.format(lie), 1))
    assert not any(word in shown for word in LIE.split())


def test_text_comes_before_its_end() -> None:
    pieces: list[str | None] = ["It was ", "red and ", '"never', " sell", ' it" so', " on"]
    assert seen(pieces) == ["It was ", "red and ", '"never sell it" so', " on"]


@pytest.mark.parametrize(
    "refusal",
    [
        "UNANSWERABLE",
        "unanswerable.",
        " UNANSWERABLE",
        "**UNANSWERABLE**",
        '"UNANSWERABLE"',
        "_Unanswerable_",
        "[UNANSWERABLE]",
        "`UNANSWERABLE`",
        "&quot;UNANSWERABLE&quot;",
        "UNANSWERABLE. The boat was red.",
        "UNANSWERABLE\nbecause nobody says so",
    ],
)
@pytest.mark.parametrize("seed", range(3))
def test_a_refusal_is_never_shown(refusal: str, seed: int) -> None:
    assert seen(list(split(refusal, seed))) == []


@pytest.mark.parametrize("text", ["UNANSWERABLES are many", "Unanswered", "UNA says so", "U"])
def test_what_only_begins_like_a_refusal_is_shown(text: str) -> None:
    assert whole(split(text, 2)) == text


def test_a_draft_that_begins_anew_forgets_all_before() -> None:
    assert seen(['It "was', None, "blue, ", 'red" so']) == ["It ", None, "blue, ", "red", REMOVED]
    assert seen(["UNANS", None, "WERABLE is it"]) == [None, "WERABLE is it"]
    assert seen(["&quo", None, "t; x"]) == [None, "t; x"]
    assert seen(["It [", None, "1] x"]) == ["It ", None, "1] x"]


@settings(max_examples=400, deadline=None)
@given(DRAFTS, st.integers(0, 1_000))
def test_any_split_shows_the_same_and_nothing_unsound(draft: str, seed: int) -> None:
    shown = whole([draft])
    assert whole(split(draft, seed)) == shown
    assert whole(list(draft)) == shown
    assert all(stands(words) for _, words in quoted(shown))
    for found in CITATION.finditer(shown):
        assert re.fullmatch(r"\[[123]\]", found.group())


PLAIN = st.text(st.sampled_from("aB é船.,;:!?-— \n0'’"), max_size=60)


@settings(max_examples=300, deadline=None)
@given(PLAIN.filter(lambda text: not quoted(text)), st.integers(0, 1_000))
def test_text_without_quotes_is_shown_whole(text: str, seed: int) -> None:
    assert whole(split(text, seed)).replace("’", "'") == text.replace("’", "'")


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_drafts_are_shown_in_no_time(name: str) -> None:
    text = HOSTILE[name]
    began = time.process_time()
    whole([text[n : n + 40] for n in range(0, len(text), 40)])
    assert time.process_time() - began < 15


@pytest.mark.parametrize("mark", ["“", '"', "❝", "`", "<q>"])
def test_a_quote_that_stays_open_takes_no_time(mark: str) -> None:
    text = f"{mark}a " * 7_000
    began = time.process_time()
    shown = whole([text[n : n + 10] for n in range(0, len(text), 10)])
    assert time.process_time() - began < 15
    assert shown == whole([text])


def test_a_long_quote_is_shown_once_it_is_whole() -> None:
    long = "the boat sank " * 400
    shown = list[str | None]()
    gate = DraftGate(QuoteBook(apart(long), ""), 1, REFUSAL, shown.append)
    for piece in split(f"So: “{long.strip()}” [1]. And on.", 3):
        gate(piece)
    gate.end()
    assert "".join(each or "" for each in shown) == f"So: “{long.strip()}” [1]. And on."


def test_a_long_text_is_shown_as_it_is() -> None:
    part = "Corrie's boat was red [1], " * 30 + "\n> The boat\n" + '“never sell it” "the boat" [2]. ' * 9
    text = part * 12
    assert whole(split(text, 5)) == text


def test_nothing_is_shown_that_cannot_be_seen() -> None:
    shown = whole(["a[9]“the boat”[8] [[9]1] “never[9] sell” '[7]"])
    assert shown.isprintable()


def test_a_gate_for_other_evidence_judges_by_that() -> None:
    shown: list[str | None] = []
    gate = DraftGate(QuoteBook(apart("I sold it"), ""), 1, REFUSAL, shown.append)
    gate('"I sold it" [1][2]')
    gate.end()
    assert "".join(each or "" for each in shown) == '"I sold it" [1]'
