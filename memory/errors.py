"""The errors of what is kept.

ClewError
└── MemoryStoreError
    ├── DatabaseError           cannot be opened, read, written or migrated
    ├── UnknownDocumentError    no document goes by that id, title or path
    ├── AmbiguousDocumentError  more than one does
    └── UnknownThreadError      no thread goes by that name
"""

from retrieval.errors import ClewError

__all__ = [
    "AmbiguousDocumentError",
    "DatabaseError",
    "MemoryStoreError",
    "UnknownDocumentError",
    "UnknownThreadError",
]


class MemoryStoreError(ClewError):
    """Root of the errors of this package."""


class DatabaseError(MemoryStoreError):
    """The database cannot be opened, read, written or migrated."""


class UnknownDocumentError(MemoryStoreError):
    """No document goes by that id, title or path."""


class AmbiguousDocumentError(MemoryStoreError):
    """More than one document goes by that id, title or path."""


class UnknownThreadError(MemoryStoreError):
    """No thread goes by that name."""
