"""The body of an upload: a form with one file in it, written to disk as it comes."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Self

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.exceptions import HTTPException

__all__ = ["UploadBody", "small_body"]

LONGEST_HEADER: Final = 8_192
DISPOSITION: Final = b"content-disposition"


class UploadBody:
    """Takes a form piece by piece and writes the file in it to `path`, which goes again if it is not whole.

    Args:
        content_type: Of the request.
        path: Of the file to write.
        most: Bytes that the file may have.

    Raises:
        HTTPException: Here and in `write` and `finish`: 400 if it is not such a form, 413 if it is too large.
    """

    def __init__(self, content_type: str, path: Path, most: int) -> None:
        kind, options = parse_options_header(content_type)
        if kind != b"multipart/form-data" or b"boundary" not in options:
            raise HTTPException(400, "This is no form with a file")
        self._path, self._most = path, most
        self._file: BinaryIO | None = None
        self._name, self._value = b"", b""
        self._in_file = self._whole = False
        self._size = 0
        self.disposition: bytes | None = None
        self._parser = MultipartParser(
            options[b"boundary"],
            {
                "on_part_begin": self._begin_part,
                "on_header_field": self._add_name,
                "on_header_value": self._add_value,
                "on_header_end": self._end_header,
                "on_part_data": self._add_data,
                "on_end": self._end,
            },
        )

    def __enter__(self) -> Self:
        self._file = self._path.open("wb")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()
        if error is not None:
            self._path.unlink(missing_ok=True)

    def write(self, piece: bytes) -> None:
        """Take the next piece; it may end anywhere."""
        try:
            self._parser.write(piece)
        except MultipartParseError as error:
            raise HTTPException(400, "This is no form with a file") from error

    def finish(self) -> bytes:
        """Check that all of it came; the header that names the file, as it was sent."""
        if not self._whole or self.disposition is None:
            raise HTTPException(400, "The form ends before its end, or holds no file")
        return self.disposition

    def _begin_part(self) -> None:
        self._in_file = False

    def _add_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]
        self._check_header()

    def _add_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]
        self._check_header()

    def _check_header(self) -> None:
        if len(self._name) + len(self._value) > LONGEST_HEADER:
            raise HTTPException(400, "A header of the form is too long")

    def _end_header(self) -> None:
        if self._name.lower() == DISPOSITION and b"filename" in parse_options_header(self._value)[1]:
            if self.disposition is not None:
                raise HTTPException(400, "The form holds more than one file")
            self.disposition, self._in_file = self._value, True
        self._name, self._value = b"", b""

    def _add_data(self, data: bytes, start: int, end: int) -> None:
        if not self._in_file or self._file is None:
            return
        self._size += end - start
        if self._size > self._most:
            raise HTTPException(413, "The file is too large")
        self._file.write(memoryview(data)[start:end])

    def _end(self) -> None:
        self._whole = True


def small_body(disposition: bytes, content: bytes, boundary: bytes) -> bytes:
    """A form with one file of that header and content."""
    return b"".join(
        (
            b"--" + boundary + b"\r\n",
            b"Content-Disposition: " + disposition + b"\r\n",
            b"Content-Type: application/octet-stream\r\n\r\n",
            content + b"\r\n--" + boundary + b"--\r\n",
        )
    )
