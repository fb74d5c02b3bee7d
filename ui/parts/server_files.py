"""Files of a folder on the server that a setting has opened, and of no other."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from app.adding import files_of

__all__ = ["files_in", "folders_in"]

DEEPEST: Final = 4
MOST_FOLDERS: Final = 500
MOST_FILES: Final = 2_000


def folders_in(root: Path) -> list[str]:
    """The folder itself, ".", and those below it, as paths from there; hidden ones are left out."""
    found = ["."]
    waiting = [(root, 1)]
    while waiting and len(found) < MOST_FOLDERS:
        folder, depth = waiting.pop(0)
        for each in sorted(folder.iterdir()):
            if each.is_dir() and not each.is_symlink() and not each.name.startswith("."):
                found.append(each.relative_to(root).as_posix())
                if depth < DEEPEST:
                    waiting.append((each, depth + 1))
    return sorted(found[:MOST_FOLDERS])


def files_in(root: Path, folder: str) -> list[Path]:
    """The documents in and below a folder of `root`, by name; none that lies elsewhere."""
    own = root.resolve()
    within = (own / folder).resolve()
    if not within.is_relative_to(own) or not within.is_dir():
        return []
    found = [path for path in files_of([within]) if path.is_file()]
    return [path for path in found if path.resolve().is_relative_to(own)][:MOST_FILES]
