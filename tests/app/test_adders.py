"""Who waits for files that are being added: with a message, and not longer than wanted."""

from __future__ import annotations

from pathlib import Path

import pytest
from filelock import FileLock

from app.adders import LOCK
from app.errors import BusyError
from app.events import Event
from app.library import Library
from tests.conftest import write


def test_removing_waits_only_so_long_for_a_file_that_is_being_added(library: Library, tmp_path: Path) -> None:
    list(library.add([write(tmp_path / "fox.txt", "The fox sleeps in a den under the oak.\n")]))
    events: list[Event] = []
    with FileLock(library.settings.home / LOCK), pytest.raises(BusyError, match="being added just now"):
        library.remove("fox.txt", events.append, patience=0.1)
    assert [each.subject for each in events if each.stage == "wait"] == [
        "other documents are being added or removed"
    ]
    assert len(library.documents()) == 1
    library.remove("fox.txt", patience=0.1)
    assert library.documents() == []
