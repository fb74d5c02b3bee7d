"""Zip archives that may be built to do harm, read in memory and member by member."""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib

from retrieval.errors import DamagedFileError, EncryptedFileError, UnsafeFileError
from retrieval.loaders.limits import ParseLimits
from retrieval.loaders.names import shown

__all__ = ["SafeArchive"]

_END_RECORD = b"PK\x05\x06"
_LOCAL_HEADER_BYTES, _CENTRAL_HEADER_BYTES, _AVERAGE_NAME_BYTES = 30, 46, 400
_SMALL = 1_000_000  # a ratio says nothing about a small member
_BLOCK = 1 << 16
_LEADS_OUT = re.compile(r"^/|^[A-Za-z]:|\\|(?:^|/)\.\.(?:/|$)|\0")


class SafeArchive:
    """The members of a zip archive, checked on opening, and read within what the limits leave."""

    def __init__(self, archive: zipfile.ZipFile, name: str, limits: ParseLimits) -> None:
        self._archive = archive
        self._name = name
        self._limits = limits
        self._left = limits.max_archive_megabytes * 1_000_000
        self._members = {info.filename: info for info in archive.infolist()}

    @classmethod
    def from_bytes(cls, data: bytes, name: str, limits: ParseLimits) -> SafeArchive:
        """Open an archive after checking its directory.

        Raises:
            DamagedFileError: If it is no whole zip archive.
            EncryptedFileError: If a member needs a password.
            UnsafeFileError: If its members are too many, too large, overlap, or lead out of the archive.
        """
        _check_count(data, name, limits)
        try:
            archive = zipfile.ZipFile(io.BytesIO(data))
        except (zipfile.BadZipFile, struct.error, ValueError, NotImplementedError, OSError) as error:
            raise DamagedFileError(f"{shown(name)} is damaged: its archive is cut off or broken.") from error
        _check_members(archive.infolist(), name, limits)
        return cls(archive, name, limits)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all members."""
        return tuple(self._members)

    def __contains__(self, member: str) -> bool:
        return member in self._members

    def read(self, member: str) -> bytes:
        """Return a member's bytes, counted against what all members together may have.

        Raises:
            DamagedFileError: If it is missing or broken.
            UnsafeFileError: If it is larger than the limits allow, whatever its declared size.
        """
        info = self._members.get(member)
        if info is None:
            raise DamagedFileError(f"{shown(self._name)} is damaged: its part {shown(member)} is missing.")
        pieces, size = [], 0
        try:
            with self._archive.open(info) as file:
                while block := file.read(_BLOCK):
                    size += len(block)
                    if size > self._left:
                        raise _too_large(self._name, self._limits)
                    pieces.append(block)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, ValueError) as error:
            raise DamagedFileError(
                f"{shown(self._name)} is damaged: its part {shown(member)} is broken."
            ) from error
        self._left -= size
        return b"".join(pieces)


def _check_count(data: bytes, name: str, limits: ParseLimits) -> None:
    """Refuse a huge directory before it is parsed; only its size in bytes can be trusted, not its count."""
    position = data.rfind(_END_RECORD, max(0, len(data) - 70_000))
    if position < 0 or len(data) < position + 22:
        raise DamagedFileError(f"{shown(name)} is damaged: its archive is cut off or broken.")
    count, directory_bytes = struct.unpack_from("<HI", data, position + 10)
    allowed = limits.max_archive_entries
    if count > allowed or directory_bytes > allowed * (_CENTRAL_HEADER_BYTES + _AVERAGE_NAME_BYTES):
        raise _too_many(name, limits)


def _check_members(members: list[zipfile.ZipInfo], name: str, limits: ParseLimits) -> None:
    if len(members) > limits.max_archive_entries:
        raise _too_many(name, limits)
    if sum(info.file_size for info in members) > limits.max_archive_megabytes * 1_000_000:
        raise _too_large(name, limits)
    if len({info.filename for info in members}) < len(members):
        raise UnsafeFileError(f"{shown(name)} holds two parts of the same name.")
    end = 0
    for info in sorted(members, key=lambda info: info.header_offset):
        if _LEADS_OUT.search(info.orig_filename) or _LEADS_OUT.search(info.filename):
            raise UnsafeFileError(
                f"{shown(name)} holds a part whose name leads out of it: {shown(info.orig_filename)}."
            )
        if info.flag_bits & 0x1:
            raise EncryptedFileError(f"{shown(name)} is protected by a password.")
        if info.file_size > _SMALL and info.file_size > limits.max_archive_ratio * max(1, info.compress_size):
            raise UnsafeFileError(
                f"{shown(name)} unpacks to far more than its size, as an archive bomb does."
            )
        if info.header_offset < end:
            raise UnsafeFileError(f"{shown(name)} holds parts that overlap, as an archive bomb does.")
        end = info.header_offset + _LOCAL_HEADER_BYTES + info.compress_size


def _too_many(name: str, limits: ParseLimits) -> UnsafeFileError:
    return UnsafeFileError(f"{shown(name)} holds more than {limits.max_archive_entries:,} parts.")


def _too_large(name: str, limits: ParseLimits) -> UnsafeFileError:
    return UnsafeFileError(
        f"{shown(name)} unpacks to more than the {limits.max_archive_megabytes:,} MB allowed."
    )
