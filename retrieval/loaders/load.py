"""A path to a Document: the file is opened here, parsed in a child process that may fail in any way."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from pathlib import Path

from retrieval.document import Document
from retrieval.errors import EmptyFileError, FileMissingError, ParseLimitError
from retrieval.loaders.limits import ParseLimits
from retrieval.loaders.names import shown

__all__ = ["content_hash", "load_document"]

_DEFAULT_LIMITS = ParseLimits()
_KINDS_OF_FILE = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISSOCK, "a socket"),
)


def load_document(path: Path, limits: ParseLimits = _DEFAULT_LIMITS) -> Document:
    """Read one file of any supported kind.

    Parsing runs in a child process under `limits`, which can write nothing; a bomb, a loop or a crash of a
    parser is one error of this file. Pages without a text layer come back with `unread=True`.

    Raises:
        LoadError: A subclass; its text is one sentence that names the file.
    """
    from retrieval.loaders.sandbox import CHILD_COMMAND, parse_in_child  # the child needs none of it

    name = path.name or str(path)
    descriptor = _open_regular(path, name)
    try:
        size = os.fstat(descriptor).st_size
        if size == 0:
            raise EmptyFileError(f"{shown(name)} is empty.")
        if size > limits.max_file_bytes:
            megabytes = limits.max_file_bytes // 1_000_000
            raise ParseLimitError(
                f"{shown(name)} has {size / 1_000_000:,.0f} MB, more than the {megabytes:,} MB allowed."
            )
        return parse_in_child(descriptor, name, size, limits, CHILD_COMMAND)
    finally:
        os.close(descriptor)


def content_hash(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal.

    Raises:
        FileMissingError: If there is no readable regular file at `path`.
    """
    descriptor = _open_regular(path, path.name or str(path))
    with os.fdopen(descriptor, "rb") as file:
        try:
            return hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise FileMissingError(f"{shown(path.name)} cannot be read: {error.strerror}.") from error


def _open_regular(path: Path, name: str) -> int:
    """Open a regular file and nothing else; never waits, not even for the writer of a pipe."""
    try:
        status = os.stat(path)
        if stat.S_ISREG(status.st_mode):
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            status = os.fstat(descriptor)  # it may have been exchanged in between
            if stat.S_ISREG(status.st_mode):
                return descriptor
            os.close(descriptor)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise FileMissingError(f"{shown(name)} cannot be read: {_reason(path, error)}.") from error
    what = next((words for is_kind, words in _KINDS_OF_FILE if is_kind(status.st_mode)), "no regular file")
    raise FileMissingError(f"{shown(name)} is {what}, not a file.")


def _reason(path: Path, error: OSError | ValueError) -> str:
    if isinstance(error, PermissionError):
        return "permission is denied"
    if isinstance(error, FileNotFoundError):
        return "it is a link to a file that does not exist" if path.is_symlink() else "there is no such file"
    if isinstance(error, OSError) and error.errno == errno.ELOOP:
        return "it is a link that leads back to itself"
    return (
        (error.strerror or "the system refuses") if isinstance(error, OSError) else "its name is not possible"
    )
