"""Where an uploaded file is kept until it is in the library: under its own name, made harmless."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Final

from ui.upload_files import StoredUpload

__all__ = ["keep", "kept_name"]

LONGEST: Final = 180
"""Bytes of a name; file systems take 255, and a number may be added."""
NAMELESS: Final = "file"


def kept_name(name: str) -> str:
    """A file name without folders, hidden characters or leading dots, never empty and not too long.

    Its suffix stays: it tells Markdown from plain text.
    """
    last = unicodedata.normalize("NFC", name).replace("\\", "/").rpartition("/")[2]
    visible = "".join(each if unicodedata.category(each)[0] != "C" else " " for each in last)
    stem, dot, suffix = " ".join(visible.split()).strip(". ").rpartition(".")
    if not stem:
        stem, dot, suffix = suffix, "", ""
    suffix = _shortened(suffix, 20)
    return f"{_shortened(stem, LONGEST - 21) or NAMELESS}{dot}{suffix}".strip(". ") or NAMELESS


def keep(uploads: Sequence[StoredUpload], folder: Path, taken: Collection[str] = ()) -> list[Path]:
    """Move uploads into a folder, in their order; none takes the place of a file or of a document.

    Args:
        uploads: Of one person.
        folder: Of that person.
        taken: Paths of documents in the library, which a file at the same path would replace.

    Returns:
        Where each is now: "name.pdf", or "name (2).pdf" and so on where that is taken.
    """
    return [_kept(each, folder, taken) for each in uploads]


def _kept(upload: StoredUpload, folder: Path, taken: Collection[str]) -> Path:
    name, number = Path(kept_name(upload.name)), 1
    while True:
        numbered = name.stem + (f" ({number})" if number > 1 else "") + name.suffix
        path = folder / numbered
        number += 1
        if str(path.absolute()) in taken:
            continue
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            path.touch(exist_ok=False)  # nobody else takes the name from here on
        except FileExistsError:
            continue
        except FileNotFoundError:  # the folder was empty and was removed just now
            number -= 1
            continue
        return upload.path.replace(path)


def _shortened(text: str, most: int) -> str:
    """The beginning of a text that has at most so many bytes."""
    return text.encode("utf-8", "replace")[:most].decode("utf-8", "ignore").rstrip()
