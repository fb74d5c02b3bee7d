"""The errors of what is kept.

ClewError
└── MemoryStoreError
    ├── DatabaseError           cannot be opened, read, written or migrated
    ├── UnknownDocumentError    no document goes by that id, title or path
    ├── AmbiguousDocumentError  more than one does
    ├── UnknownThreadError      no thread goes by that name
    ├── UnknownJobError         no job goes by that id
    ├── AmbiguousJobError       more than one begins so
    └── JobStateError           a job is not in a state for what is asked of it
"""

from retrieval.errors import ClewError

__all__ = [
    "AmbiguousDocumentError",
    "AmbiguousJobError",
    "DatabaseError",
    "JobStateError",
    "MemoryStoreError",
    "UnknownDocumentError",
    "UnknownJobError",
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


class UnknownJobError(MemoryStoreError):
    """No job goes by that id."""


class AmbiguousJobError(MemoryStoreError):
    """More than one job has an id that begins so."""


class JobStateError(MemoryStoreError):
    """A job is not in a state for what is asked of it, such as resuming one that was cancelled."""
