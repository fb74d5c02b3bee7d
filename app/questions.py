"""What can be asked, and what a question means, before anything is looked up for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

from sqlalchemy import Engine

from app.errors import SettingsError
from app.reading import Reading, reading_of
from app.remembering import LONGEST_MESSAGE, LONGEST_QUESTION
from app.spoilers import SpoilerWish, spoiler_wish
from memory.documents import DocumentRecord
from memory.reading_positions import ReadingPositions
from memory.threads import LONGEST_NAME
from reader.contract import Route

__all__ = ["ROUTES", "checked_route", "without_spoilers"]

ROUTES: Final[tuple[Route | Literal["auto"], ...]] = ("auto", "search", "walk", "whole")


def checked_route(question: str, route: str, thread: str | None, remembers: bool) -> Route | Literal["auto"]:
    """The route, if the question can be asked.

    Raises:
        SettingsError: If there is no such route, or the question or the thread's name is empty or too long.
    """
    found = next((each for each in ROUTES if each == route), None)
    if found is None:
        raise SettingsError(f"The route {route!r} is none of {', '.join(ROUTES)}.")
    if not question.strip():
        raise SettingsError("The question is empty.")
    # What is too long to be looked up is still kept in a thread.
    longest = LONGEST_MESSAGE if remembers and thread is not None else LONGEST_QUESTION
    if len(question) > longest:
        can = "kept" if longest == LONGEST_MESSAGE else "asked"
        raise SettingsError(
            f"The question has {len(question):,} characters; at most {longest:,} can be {can}."
        )
    if thread is not None and not (thread.strip() and len(thread) <= LONGEST_NAME):
        raise SettingsError(f"The name of a thread has 1 to {LONGEST_NAME} characters.")
    return found


def without_spoilers(
    engine: Engine,
    question: str,
    user: str,
    asked: Sequence[DocumentRecord],
    named: bool,
    no_spoilers: bool,
) -> tuple[SpoilerWish | None, Reading | None]:
    """What a question says of spoilers, and what has been read, where nothing else is to be told.

    A wish that may mean something else is not heeded where no position is known.

    Args:
        engine: Of the database.
        question: From `clean_question`.
        user: Who asks.
        asked: The documents that are asked.
        named: Whether they are asked by name.
        no_spoilers: Whether it is wished for, whatever the question says.

    Raises:
        PositionError: If it is surely wished for, and it is not known how far the user has read.
    """
    wish = spoiler_wish(question, no_spoilers)
    if wish is None and not no_spoilers:
        return None, None
    positions = ReadingPositions(engine, user).all()
    known = {each.document for each in positions}
    if not no_spoilers and not (wish and wish.sure) and not any(each.id in known for each in asked):
        return (wish if asked else None), None
    return wish, reading_of(engine, positions, asked, named)
