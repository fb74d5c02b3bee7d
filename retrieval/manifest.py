"""An index is a folder with a manifest: what is in it, what it was made from, and whether it is whole.

The manifest is written last and replaced in one step, so it is the moment at which a save happens: files that
it does not name are not part of the index, and a save cut short leaves the index as it was before.
"""

import hashlib
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from retrieval.errors import DamagedIndexError

__all__ = ["FORMAT", "Manifest", "checksum_of", "sync_folder"]

FORMAT = 1
"""Raised whenever an older index can no longer be read; such an index counts as damaged and is rebuilt."""

_NAME = "manifest.json"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What `manifest.json` says of an index folder.

    Attributes:
        kind: Which index it is, "vectors" or "words".
        count: Entries held.
        stamp: Free words of the caller, to tell later whether the index is stale.
        about: What the kind of index needs to open itself.
        files: SHA-256 of every file that belongs to the index, by name.
    """

    kind: str
    count: int
    stamp: dict[str, str] = field(default_factory=dict)
    about: dict[str, Any] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        """Replace the manifest of `folder` in one step that a crash cannot halve."""
        body = {
            "format": FORMAT,
            "kind": self.kind,
            "count": self.count,
            "stamp": self.stamp,
            "about": self.about,
            "files": self.files,
        }
        temporary = folder / f"{_NAME}.tmp"
        with temporary.open("w", encoding="utf-8") as out:
            json.dump(body | {"checksum": _digest(body)}, out, indent=1, sort_keys=True)
            out.flush()
            os.fsync(out.fileno())
        os.replace(temporary, folder / _NAME)
        sync_folder(folder)

    @classmethod
    def read(cls, folder: Path, kind: str) -> "Manifest":
        """Return the manifest of an index of this kind; its files are not looked at yet.

        Raises:
            DamagedIndexError: If it is missing, altered, of another kind or of another format.
        """
        try:
            body = json.loads((folder / _NAME).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise DamagedIndexError(f"The index {folder} has no readable manifest: {error}") from error
        checksum = body.pop("checksum", None) if isinstance(body, dict) else None
        if checksum is None or checksum != _digest(body):
            raise DamagedIndexError(f"The manifest of the index {folder} was altered or cut short.")
        if (body.get("format"), body.get("kind")) != (FORMAT, kind):
            found = f"{body.get('kind')} in format {body.get('format')}"
            raise DamagedIndexError(f"The index {folder} holds {found}, not {kind} in format {FORMAT}.")
        return cls(kind, body["count"], body["stamp"], body["about"], body["files"])

    def check_files(self, folder: Path) -> None:
        """Read every file once and compare checksums.

        Raises:
            DamagedIndexError: If a file is missing or not what was saved.
        """
        for name, expected in self.files.items():
            try:
                found = checksum_of(folder / name)
            except OSError as error:
                raise DamagedIndexError(f"The index {folder} has lost its file {name}: {error}") from error
            if found != expected:
                raise DamagedIndexError(f"The file {name} of the index {folder} was altered or cut short.")


def checksum_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal; OSError if it cannot be read."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync_folder(folder: Path) -> None:
    """Make renames in `folder` outlive a power cut, where the system can (not on Windows)."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _digest(body: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
