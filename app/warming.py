"""Getting a server ready before its first question: what is loaded once is loaded while nobody waits."""

from __future__ import annotations

import logging
import threading
from typing import Final

from app.library import Library
from retrieval.errors import ClewError

__all__ = ["start_warming", "warm_up"]

QUESTION: Final = "What is this about?"

_log = logging.getLogger("clew.warming")


def start_warming(library: Library) -> threading.Thread:
    """Warm a library up on a thread of its own, and leave it to the log if something is wrong with it.

    Whoever asks meanwhile waits for the same loading, and meets the same error again.
    """
    thread = threading.Thread(target=_quietly, args=(library,), name="clew-warming", daemon=True)
    thread.start()
    return thread


def warm_up(library: Library) -> None:
    """Load the encoder, the indexes, what reads passages and, without a language model, all of a question.

    Raises:
        ClewError: If something of that cannot be loaded.
    """
    library.encoder().encode([QUESTION])
    documents = library.home.documents.records()
    if not documents:
        return
    library.indexes()
    span_reader = library.backends.span_reader()
    if span_reader is not None:
        span_reader.read(QUESTION, [QUESTION])
    if library.backends.reader.key == "extractive":
        # With a login the server's own user has nothing to be asked.
        owner = library.for_user(documents[0].owner)
        owner.ask(QUESTION, route="search", incognito=True)


def _quietly(library: Library) -> None:
    try:
        warm_up(library)
    except ClewError as error:
        _log.warning("Not ready before the first question: %s", error)
