"""The errors of the use cases.

ClewError
└── AppError
    ├── SettingsError       a setting that is unknown, malformed or cannot be used here
    ├── BusyError           other work on the same documents that does not end in time
    ├── CheckpointError     the file with questions that are being answered cannot be used
    ├── EmptyLibraryError   a question, and no document to ask
    ├── OutputError         a file that cannot be written, or that is not ours to write over
    ├── PartError           a part of a document that is not there, or not understood
    ├── PositionError       how far a document has been read, where nothing is known of it
    ├── TreeError           a summary tree that cannot be built any more, its document or a part being gone
    ├── JobHaltedError      a job that is waited for was paused or cancelled
    ├── ForgettingError     something was forgotten in SQL, and a file may still hold it
    ├── EvaluationError     a measurement that cannot be made as it is asked for
    └── QuestionFileError   a file of questions that is not in a known format
"""

from memory.errors import UnknownDocumentError
from retrieval.errors import ClewError

__all__ = [
    "AppError",
    "BusyError",
    "CheckpointError",
    "ClewError",
    "EmptyLibraryError",
    "EvaluationError",
    "ForgettingError",
    "JobHaltedError",
    "OutputError",
    "PartError",
    "PositionError",
    "QuestionFileError",
    "SettingsError",
    "TreeError",
    "UnknownDocumentError",
]


class AppError(ClewError):
    """Root of the errors of this package."""


class SettingsError(AppError):
    """A setting is unknown, malformed, or cannot be used on this machine or in this version."""


class BusyError(AppError):
    """Somebody else adds or removes documents, and it was not waited any longer."""


class CheckpointError(AppError):
    """The file with the checkpoints of questions that are being answered cannot be used."""


class EmptyLibraryError(AppError):
    """A question was asked and there is no document to ask."""


class OutputError(AppError):
    """A file cannot be written, or is somebody else's."""


class PartError(AppError):
    """A part of a document is not there, or the words for it are not understood."""


class PositionError(AppError):
    """It is not known how far a document has been read, or it cannot be so far."""


class ForgettingError(AppError):
    """Something was forgotten in the database, and a file may still hold it."""


class EvaluationError(AppError):
    """A measurement cannot be made as it is asked for."""


class QuestionFileError(AppError):
    """A file of questions is not in a format that `clew eval` knows."""


class TreeError(AppError):
    """A summary tree cannot be built any more: its document, or a summary it needs, has been removed."""


class JobHaltedError(AppError):
    """A job that somebody waits for was paused or cancelled before it was done."""
