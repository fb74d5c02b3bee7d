"""The errors of what is kept.

ClewError
└── MemoryStoreError
    ├── DatabaseError           cannot be opened, read, written or migrated
    ├── UnknownDocumentError    no document goes by that id, title or path
    ├── AmbiguousDocumentError  more than one does
    ├── UnknownCollectionError  the user has no collection of that name
    ├── CollectionNameError     a collection cannot be called so
    ├── UnknownThreadError      no thread goes by that name
    ├── ThreadNameError         a thread cannot be called so
    ├── UnknownTurnError        a thread has no turn of that number
    ├── UnknownUserError        nothing of a user of that name is stored
    ├── HandOverError           what one user has cannot be another's
    ├── UnknownFactError        the user has no fact of that id
    ├── FactStateError          a fact is not in a state for what is asked of it
    ├── ForgottenMeanwhileError an answer may hold what was forgotten since its question began
    ├── NotAwaitedError         an answer was stopped, or its thread deleted, before it was kept
    ├── MemoryFileError         an exported memory cannot be read
    ├── UnknownJobError         no job goes by that id
    ├── AmbiguousJobError       more than one begins so
    └── JobStateError           a job is not in a state for what is asked of it
"""

from retrieval.errors import ClewError

__all__ = [
    "AmbiguousDocumentError",
    "AmbiguousJobError",
    "CollectionNameError",
    "DatabaseError",
    "FactStateError",
    "ForgottenMeanwhileError",
    "HandOverError",
    "JobStateError",
    "MemoryFileError",
    "MemoryStoreError",
    "NotAwaitedError",
    "ThreadNameError",
    "UnknownCollectionError",
    "UnknownDocumentError",
    "UnknownFactError",
    "UnknownJobError",
    "UnknownThreadError",
    "UnknownTurnError",
    "UnknownUserError",
]


class MemoryStoreError(ClewError):
    """Root of the errors of this package."""


class DatabaseError(MemoryStoreError):
    """The database cannot be opened, read, written or migrated."""


class UnknownDocumentError(MemoryStoreError):
    """No document goes by that id, title or path."""


class AmbiguousDocumentError(MemoryStoreError):
    """More than one document goes by that id, title or path."""


class UnknownCollectionError(MemoryStoreError):
    """The user has no collection of that name."""


class CollectionNameError(MemoryStoreError):
    """A collection cannot be called so: another one is, or it is no name."""


class UnknownThreadError(MemoryStoreError):
    """No thread goes by that name."""


class ThreadNameError(MemoryStoreError):
    """A thread cannot be called so: another one is, or it is no name."""


class UnknownTurnError(MemoryStoreError):
    """A thread has no turn of that number."""


class UnknownUserError(MemoryStoreError):
    """Nothing of a user of that name is stored."""


class HandOverError(MemoryStoreError):
    """What one user has cannot be handed over to another."""


class UnknownFactError(MemoryStoreError):
    """The user has no fact of that id."""


class FactStateError(MemoryStoreError):
    """A fact is not in a state for what is asked of it, such as confirming one that is kept already."""


class ForgottenMeanwhileError(MemoryStoreError):
    """An answer is not kept: it may hold what was forgotten since its question began."""


class NotAwaitedError(MemoryStoreError):
    """An answer is not kept: it was stopped, or what it belongs to was deleted, while it was made."""


class MemoryFileError(MemoryStoreError):
    """A file of exported memory cannot be read, or contradicts what is kept already."""


class UnknownJobError(MemoryStoreError):
    """No job goes by that id."""


class AmbiguousJobError(MemoryStoreError):
    """More than one job has an id that begins so."""


class JobStateError(MemoryStoreError):
    """A job is not in a state for what is asked of it, such as resuming one that was cancelled."""
