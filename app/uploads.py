"""Files that were uploaded, each kept until its document is in the library.

A person's files lie in a folder of their own. The text of a document is in SQL, so its file goes once it has
been added; one that could not be added is kept, so that it can be tried again, until its job is gone.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Final

from app.jobs.contract import NewTask, Outcome, Work

__all__ = ["REMOVE_UPLOAD", "Uploads"]

REMOVE_UPLOAD: Final = "remove-upload"
"""The kind of the tasks that delete an uploaded file."""

ABANDONED: Final = 24 * 3600.0
"""Seconds after which a file that no job names is taken for one whose upload was never finished."""


class Uploads:
    """Uploaded files of one home.

    Args:
        home: Its folder.
    """

    def __init__(self, home: Path) -> None:
        self._folder = Path(os.path.abspath(home)) / "uploads"

    def folder(self, user: str) -> Path:
        """Where a user's files lie; its name tells nothing of the user's."""
        name = hashlib.blake2b(user.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()
        return self._folder / name

    def holds(self, path: str | Path) -> bool:
        """Whether a file was uploaded."""
        return Path(os.path.abspath(path)).is_relative_to(self._folder)

    def removal(self, name: str, path: str) -> tuple[NewTask, ...]:
        """The task that deletes a file once the task of that name is done; none if it was not uploaded.

        It is a task of its own so that the file is there until it is stored that it was added.
        """
        return (NewTask(f"remove {name}", REMOVE_UPLOAD, {"path": path}, 0.0),) if self.holds(path) else ()

    def task(self, work: Work) -> Outcome:
        """Delete an uploaded file."""
        self.remove([work.payload["path"]])
        return Outcome()

    def remove(self, paths: Iterable[str]) -> None:
        """Delete those of the files that were uploaded."""
        for path in map(Path, paths):
            if self.holds(path):
                path.unlink(missing_ok=True)
                self._prune(path.parent)

    def remove_abandoned(self, user: str, named: Collection[str]) -> None:
        """Delete the files of a user that no job names, unless they may be on their way still."""
        before = time.time() - ABANDONED
        for folder, _, names in os.walk(self.folder(user), topdown=False):
            for path in (os.path.join(folder, name) for name in names):
                if path not in named and _written(path) < before:
                    self.remove([path])

    def _prune(self, folder: Path) -> None:
        """Remove folders that are empty, up to that of all uploads."""
        while folder != self._folder and self.holds(folder):
            try:
                folder.rmdir()
            except OSError:  # it holds something
                return
            folder = folder.parent


def _written(path: str) -> float:
    """When a file was written; of one that is gone meanwhile, just now."""
    try:
        return os.stat(path).st_mtime
    except FileNotFoundError:
        return time.time()
