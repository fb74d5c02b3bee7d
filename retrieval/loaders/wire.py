"""A Document or an error as bytes, between the child that parses and the process that asked.

One line of JSON, then the text as UTF-8. Nothing that comes back can be more than values: an unknown
error name or a span outside the text is refused.
"""

from __future__ import annotations

import json
from typing import Any

from retrieval import errors
from retrieval.document import Document, Page, Section, Span
from retrieval.errors import LoadError

__all__ = ["pack_document", "pack_error", "unpack"]


def pack_document(document: Document) -> bytes:
    """Return `document` as bytes that `unpack` turns back into its equal."""
    header = {
        "title": document.title,
        "media_type": str(document.media_type),
        "sections": [[part.title, part.level, part.span.start, part.span.end] for part in document.sections],
        "pages": [[part.number, part.span.start, part.span.end, part.unread] for part in document.pages],
    }
    return json.dumps(header).encode("ascii") + b"\n" + document.text.encode("utf-8", errors="surrogatepass")


def pack_error(error: LoadError) -> bytes:
    """Return `error` as bytes that `unpack` raises."""
    return json.dumps({"error": type(error).__name__, "message": str(error)}).encode("ascii") + b"\n"


def unpack(data: bytes) -> Document:
    """Return the Document in `data`.

    Raises:
        LoadError: The one that was packed.
        ValueError: If `data` is neither; the child was stopped halfway or is not to be believed.
    """
    line, found, body = data.partition(b"\n")
    if not found:
        raise ValueError(f"{len(data)} bytes without a header")
    try:
        header: dict[str, Any] = json.loads(line)
        if "error" in header:
            error_type = getattr(errors, header["error"], None)
            if not (isinstance(error_type, type) and issubclass(error_type, LoadError)):
                raise ValueError(f"{header['error']!r} is no LoadError")
            raise error_type(str(header["message"]))
        return Document(
            text=body.decode("utf-8", errors="surrogatepass"),
            title=header["title"],
            media_type=header["media_type"],
            sections=tuple(
                Section(title, level, Span(start, end)) for title, level, start, end in header["sections"]
            ),
            pages=tuple(
                Page(number, Span(start, end), unread) for number, start, end, unread in header["pages"]
            ),
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"malformed header: {error!r}") from error
