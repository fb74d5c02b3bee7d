"""Every error Clew raises on purpose, from its root, and those of this package.

    ClewError                       one sentence a person can act on; the CLI prints it and exits with 1
    └── RetrievalError
        ├── LoadError               one file could not become a Document
        │   ├── FileMissingError        no such file, a folder, a device, or no permission
        │   ├── EmptyFileError          no bytes, or nothing to read in them
        │   ├── UnsupportedFileError    not a kind of file we read (says what it looks like)
        │   ├── EncryptedFileError      needs a password or carries DRM
        │   ├── DamagedFileError        truncated or malformed
        │   ├── UnsafeFileError         archive bomb, path traversal, XML entities
        │   └── ParseLimitError         the parser ran out of its time or memory, or crashed
        ├── EncoderError            the encoder cannot be loaded or does not fit what is stored
        ├── DimensionMismatchError  rows are not as wide as the index
        └── DamagedIndexError       an index folder cannot be read; it is rebuilt from SQL

`memory`, `reader` and `app` hang their own trees below `ClewError`.
"""

__all__ = [
    "ClewError",
    "DamagedFileError",
    "DamagedIndexError",
    "DimensionMismatchError",
    "EmptyFileError",
    "EncoderError",
    "EncryptedFileError",
    "FileMissingError",
    "LoadError",
    "ParseLimitError",
    "RetrievalError",
    "UnsafeFileError",
    "UnsupportedFileError",
]


class ClewError(Exception):
    """Root of all errors raised on purpose; its text is one clear sentence."""


class RetrievalError(ClewError):
    """Root of the errors of this package."""


class LoadError(RetrievalError):
    """One file could not become a Document; the other files are not affected."""


class FileMissingError(LoadError):
    """There is no readable regular file at the path."""


class EmptyFileError(LoadError):
    """The file has no bytes, or its bytes hold no text and no pages."""


class UnsupportedFileError(LoadError):
    """The bytes are not of a kind that can be read; the message says what they look like."""


class EncryptedFileError(LoadError):
    """The file needs a password or carries DRM."""


class DamagedFileError(LoadError):
    """The file is truncated or malformed."""


class UnsafeFileError(LoadError):
    """The file is built to do harm: an archive bomb, a path out of the archive, XML entities."""


class ParseLimitError(LoadError):
    """The parser of this file ran out of time or memory, or crashed."""


class EncoderError(RetrievalError):
    """The encoder cannot be loaded, or does not fit the vectors that are stored."""


class DimensionMismatchError(RetrievalError):
    """Rows are not as wide as the index."""


class DamagedIndexError(RetrievalError):
    """An index folder cannot be read; whoever holds the SQL truth rebuilds it."""
