"""Where an uploaded file is kept until it is in the library: under its own name, made harmless."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from app.errors import OutputError
from ui.upload_files import StoredUpload

__all__ = ["kept", "kept_name"]

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


@contextmanager
def kept(uploads: Sequence[StoredUpload], folder: Path, taken: Collection[str] = ()) -> Iterator[list[Path]]:
    """Move uploads into a folder; none takes the place of a file or of a document.

    Inside, it is known where they are, in their order: "name.pdf", or "name (2).pdf" and so on where that is
    taken. If that or what is done inside fails, they are where they came from again, to be tried once more.

    Args:
        uploads: Of one person.
        folder: Of that person.
        taken: Paths of documents in the library, which a file at the same path would replace.

    Raises:
        OutputError: If the file system does not let them be moved.
    """
    try:
        with ExitStack() as back:
            paths: list[Path] = []
            for upload in uploads:
                paths.append(_kept(upload, folder, taken))
                back.callback(_put_back, paths[-1], upload.path)
            yield paths
            back.pop_all()
    except OSError as error:
        raise OutputError(f"The files cannot be kept on this server: {error.strerror}.") from error


def _put_back(path: Path, before: Path) -> None:
    before.parent.mkdir(parents=True, exist_ok=True)
    path.replace(before)


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
        try:
            return upload.path.replace(path)
        except OSError:
            path.unlink(missing_ok=True)
            raise


def _shortened(text: str, most: int) -> str:
    """The beginning of a text that has at most so many bytes."""
    return text.encode("utf-8", "replace")[:most].decode("utf-8", "ignore").rstrip()
