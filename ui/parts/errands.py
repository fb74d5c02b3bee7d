"""Work that must come to its end although the page that began it is gone, at most one for a user at a time.

Streamlit ends a run of a page wherever it is as soon as a widget is touched. What must not be left half done,
and is no job because it may leave nothing behind (forgetting), runs on a thread of its own; every page of its
user, reloaded ones too, sees how far it is.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import streamlit as st

from app.errors import ClewError
from app.events import Event, Progress
from ui.parts.dialogs import draw_anew
from ui.plain import label
from ui.words import t

__all__ = ["Errand", "Errands", "Told", "draw_errand", "errands"]

Told = Callable[[], str]
"""Says what an errand came to, in the words of the page that asks, as Markdown."""

POLL: Final = 0.5
_LOG: Final = logging.getLogger("clew.ui")


@dataclass(slots=True)
class Errand:
    """What is under way, or has ended and was not looked at yet.

    Attributes:
        what: In words of the page, as Markdown.
        event: What it was last heard to do.
        told: What it came to, once it has.
        error: Why it failed, in a sentence.
        number: Under which the log has an error that nobody foresaw.
        ended: Whether it has ended.
    """

    what: str
    event: Event | None = None
    told: Told | None = None
    error: str = ""
    number: str = ""
    ended: bool = False


class Errands:
    """The errands of all users of this process; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._of_users: dict[str, Errand] = {}

    def begin(self, user: str, what: str, does: Callable[[Progress], Told]) -> bool:
        """Begin one, unless another one of that user is under way; whether it was begun.

        Args:
            user: Whose.
            what: In words of the page, as Markdown.
            does: Does it, and gives what says what it came to.
        """
        with self._lock:
            known = self._of_users.get(user)
            if known is not None and not known.ended:
                return False
            errand = self._of_users[user] = Errand(what)
        # Not a daemon: a server that is stopped waits until what was begun is done.
        threading.Thread(target=_run, args=(errand, does), name="clew-errand").start()
        return True

    def of(self, user: str) -> Errand | None:
        """The one of a user, None where nothing is under way or to be looked at."""
        with self._lock:
            return self._of_users.get(user)

    def under_way(self) -> list[Errand]:
        """Those of all users that have not ended."""
        with self._lock:
            return [each for each in self._of_users.values() if not each.ended]

    def looked_at(self, user: str) -> None:
        """Drop one that has ended."""
        with self._lock:
            known = self._of_users.get(user)
            if known is not None and known.ended:
                del self._of_users[user]


def _run(errand: Errand, does: Callable[[Progress], Told]) -> None:
    def heard(event: Event) -> None:
        errand.event = event

    try:
        errand.told = does(heard)
    except ClewError as error:
        errand.error = str(error)
    except Exception as error:  # the outermost place of this thread
        errand.number = secrets.token_hex(4)
        _LOG.error("Error %s while a page waited", errand.number, exc_info=error)
    finally:
        errand.ended = True
        errand.what = ""  # it may name what was just forgotten


_errands: Final = Errands()


def errands() -> Errands:
    """Those of this process."""
    return _errands


def draw_errand(user: str) -> None:
    """How far the errand of a user is, or what it came to until that was looked at; else nothing."""
    errand = _errands.of(user)
    if errand is None:
        return
    if not errand.ended:
        st.fragment(_under_way, run_every=POLL)(errand, user)
    else:
        _ended(errand, user)


def _ended(errand: Errand, user: str) -> None:
    if errand.told is not None:
        st.success(errand.told(), icon=":material/check_circle:")
    elif errand.number:
        st.error(t("common.unexpected", number=errand.number), icon=":material/report:")
    else:
        st.error(label(errand.error), icon=":material/error:")
    st.button(t("memories.seen"), key="errand-seen", on_click=_errands.looked_at, args=(user,))


def _under_way(errand: Errand, user: str) -> None:
    if errand.ended:
        draw_anew()
        _ended(errand, user)
        return
    event = errand.event
    stage = "" if event is None else t(f"memories.stage.{event.stage}", subject=label(event.subject, 120))
    share = event.done / event.total if event is not None and event.total else 0.0
    st.info(f"{errand.what} {stage}", icon=":material/hourglass_top:")
    st.progress(min(share, 1.0))
