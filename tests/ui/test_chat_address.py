"""The address of the chat says all that it shows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ui.parts.chat_address import Address, address_of, parameters
from ui.parts.references import Kind, Reference, reference_of

NAMES = st.text(min_size=1, max_size=30)
REFERENCES = st.builds(
    Reference, st.integers(1, 999_999), st.sampled_from(list(Kind)), st.integers(1, 99_999)
)
ADDRESSES = st.builds(
    Address,
    thread=st.text(max_size=30),
    incognito=st.booleans(),
    documents=st.lists(NAMES, unique=True, max_size=3).map(tuple),
    collections=st.lists(NAMES, unique=True, max_size=3).map(tuple),
    route=st.sampled_from(["auto", "search", "walk", "whole"]),
    no_spoilers=st.booleans(),
    turn=st.integers(0, 10**8),
    cite=st.none() | REFERENCES,
    part=st.integers(0, 10**8),
)


def as_lists(to: Address) -> dict[str, list[str]]:
    """As a browser gives it back."""
    return {name: [each] if isinstance(each, str) else each for name, each in parameters(to).items()}


@given(ADDRESSES)
def test_what_is_written_is_read_again(to: Address) -> None:
    assert address_of(as_lists(to)) == to


def test_a_new_chat_has_nothing_in_its_address() -> None:
    assert parameters(Address()) == {}
    assert address_of({}) == Address()


def test_an_address_is_short_and_can_be_read() -> None:
    to = Address(thread="Jane", documents=("a", "b"), no_spoilers=True, cite=Reference(3, Kind.DROPPED, 2))
    assert parameters(to) == {"thread": "Jane", "document": ["a", "b"], "spoilers": "no", "cite": "3.d2"}


@pytest.mark.parametrize(
    "text", ["", "3", "3.c0", "0.c1", "3.x1", "c1", "3.c1 ", "-3.c1", "٣.c1", "3.c" + "9" * 9]
)
def test_what_is_no_reference_is_passed_over(text: str) -> None:
    assert reference_of(text) is None
    assert address_of({"cite": [text], "part": [text], "turn": ["²"]}).cite is None


def test_numbers_that_nobody_wrote_mean_nothing() -> None:
    assert (
        address_of({"turn": ["-1"], "part": ["9" * 30], "incognito": ["yes"], "spoilers": ["x"]}) == Address()
    )
