"""The errors of readers.

ClewError
└── ReaderError
    └── CalibrationError    the stored thresholds of the extractive reader cannot be read
"""

from retrieval.errors import ClewError

__all__ = ["CalibrationError", "ReaderError"]


class ReaderError(ClewError):
    """Root of the errors of this package."""


class CalibrationError(ReaderError):
    """The stored thresholds of the extractive reader cannot be read."""
