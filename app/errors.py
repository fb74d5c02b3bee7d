"""The errors of the use cases.

ClewError
└── AppError
    ├── SettingsError       a setting that is unknown, malformed or cannot be used here
    ├── CheckpointError     the file with questions that are being answered cannot be used
    ├── EmptyLibraryError   a question, and no document to ask
    └── QuestionFileError   a file of questions that is not in a known format
"""

from retrieval.errors import ClewError

__all__ = ["AppError", "CheckpointError", "EmptyLibraryError", "QuestionFileError", "SettingsError"]


class AppError(ClewError):
    """Root of the errors of this package."""


class SettingsError(AppError):
    """A setting is unknown, malformed, or cannot be used on this machine or in this version."""


class CheckpointError(AppError):
    """The file with the checkpoints of questions that are being answered cannot be used."""


class EmptyLibraryError(AppError):
    """A question was asked and there is no document to ask."""


class QuestionFileError(AppError):
    """A file of questions is not in a format that `clew eval` knows."""
