"""What one server process shares between all its sessions: the library, and the worker that does its jobs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from app.bootstrap import open_library
from app.config import Settings, load_settings
from app.library import Library
from app.warming import start_warming
from app.working import start_work
from ui.login import checked_login
from ui.parts.errands import Errand, errands

__all__ = ["Serving", "serving"]

LOOK: Final = 0.5
"""Seconds between two looks whether a library is done with."""


class Serving:
    """Opens the library once and keeps a view of it for each user; safe to use from several threads.

    Args:
        arguments: Settings of the command line that go before all others.
    """

    def __init__(self, arguments: Mapping[str, Any] | None = None) -> None:
        self._arguments = dict(arguments or {})
        self._login: bool | None = None
        self._lock = threading.RLock()
        self._library: Library | None = None
        self._stop: Callable[[], None] | None = None
        self._of_users: dict[str, Library] = {}

    @property
    def login(self) -> bool:
        """Whether people have to log in: decided once, so that no change of a file lets everybody in.

        Raises:
            SettingsError: If that cannot be told.
        """
        with self._lock:
            if self._login is None:
                self._login = checked_login()
            return self._login

    @property
    def given(self) -> tuple[str, ...]:
        """Names of the settings that the command line decides."""
        return tuple(self._arguments)

    def settings(self) -> Settings:
        """The settings as they are now; raises SettingsError."""
        return load_settings(**self._arguments)

    def library(self, user: str | None = None) -> Library:
        """The library of a user, None for the one that the settings name.

        Raises:
            ClewError: If it cannot be opened.
        """
        with self._lock:
            shared = self._library or self._begin(open_library(self.settings()))
            name = user or shared.settings.user
            if name not in self._of_users:
                self._of_users[name] = shared.for_user(name)
            return self._of_users[name]

    def reopen(self) -> None:
        """Use the settings as they are now; jobs under way go on with them, and nobody loses anything.

        What no job can go on with, incognito answers and errands, is brought to its end as it was begun.

        Raises:
            ClewError: If they cannot be used; then everything stays as it was.
        """
        with self._lock:
            new = open_library(self.settings())
            old, stop = self._library, self._stop
            if old is not None:
                new.take_over(old)
            self._of_users = {}
            self._begin(new)
        # Without the lock: meanwhile all pages go on, with the new one.
        if old is not None and stop is not None:
            begun = errands().under_way()
            threading.Thread(target=_retire, args=(old, stop, begun), name="clew-retire", daemon=True).start()

    def _begin(self, library: Library) -> Library:
        self._library, self._stop = library, start_work(library)
        start_warming(library)
        return library

    def close(self) -> None:
        """Stop the worker and close the library; what was under way is gone on with at the next start."""
        with self._lock:
            library, stop = self._library, self._stop
            self._library, self._stop, self._of_users = None, None, {}
        if stop is not None:
            stop()
        if library is not None:
            library.close()


def _retire(library: Library, stop: Callable[[], None], begun: Sequence[Errand]) -> None:
    """Close a library that another one has taken the place of, once nothing that it began needs it."""
    stop()
    while library.answering_incognito or not all(each.ended for each in begun):
        time.sleep(LOOK)
    library.close()


_serving = Serving()


def serving(arguments: Mapping[str, Any] | None = None) -> Serving:
    """The one of this process; with `arguments`, as the server sets it up before the first session."""
    global _serving
    if arguments is not None:
        _serving = Serving(arguments)
    return _serving
