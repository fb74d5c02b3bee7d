"""The errors of readers.

ClewError
└── ReaderError
    ├── CalibrationError            the stored thresholds of the extractive reader cannot be read
    ├── PromptError                 a prompt template is missing or was not given its variables
    ├── SpanReaderError             the weights of the embedded reader, or of the one named, cannot be used
    ├── TrainingDataError           what the embedded reader is to be trained on cannot be read
    └── ModelError                  a language model cannot be asked
        ├── ModelNotFoundError          no such weights here, or no such model at the endpoint
        ├── ModelLoadError              weights are there and cannot be loaded (format, code, extra, memory)
        ├── ModelMemoryError            out of memory while answering, with the smallest batch
        ├── WindowError                 prompt and reply do not fit into the window
        ├── InvalidReplyError           a typed decision is malformed even after its repair
        ├── BudgetError                 the calls, tokens or seconds that a question may take are spent
        ├── StoppedError                it was stopped by hand
        ├── ScriptError                 a ScriptedModel was asked something its script does not have
        └── EndpointError               an endpoint failed, after the retries
            ├── EndpointClosedError         it was closed on this side while it was asked
            ├── EndpointUnreachableError    refused, no such host, TLS
            ├── EndpointTimeoutError        no answer, or the stream stood still, within the time limit
            ├── EndpointBusyError           too many requests, or server errors, until the retries ran out
            ├── EndpointRefusedError        it understood and refused: key, rights, address, quota
            │   └── RequestRefusedError         it refuses this very request, for its content or its form
            └── EndpointReplyError          what came back is no completion: not JSON, no choices, cut off
"""

from retrieval.errors import ClewError

__all__ = [
    "BudgetError",
    "CalibrationError",
    "EndpointBusyError",
    "EndpointClosedError",
    "EndpointError",
    "EndpointRefusedError",
    "EndpointReplyError",
    "EndpointTimeoutError",
    "EndpointUnreachableError",
    "InvalidReplyError",
    "ModelError",
    "ModelLoadError",
    "ModelMemoryError",
    "ModelNotFoundError",
    "PromptError",
    "ReaderError",
    "RequestRefusedError",
    "ScriptError",
    "SpanReaderError",
    "StoppedError",
    "TrainingDataError",
    "WindowError",
]


class ReaderError(ClewError):
    """Root of the errors of this package."""


class CalibrationError(ReaderError):
    """The stored thresholds of the extractive reader cannot be read."""


class PromptError(ReaderError):
    """A prompt template is missing, or was not given the variables it declares."""


class ModelError(ReaderError):
    """A language model cannot be asked."""


class ModelNotFoundError(ModelError):
    """There are no such weights on this machine, or no such model at the endpoint."""


class ModelLoadError(ModelError):
    """The weights are there and cannot be loaded: format, custom code, a missing extra, memory."""


class ModelMemoryError(ModelError):
    """The device ran out of memory with the smallest batch."""


class WindowError(ModelError):
    """Prompt and reply do not fit into the window.

    Attributes:
        window: Tokens that fit, as the backend knows them now; None if it does not say.
    """

    def __init__(self, message: str, window: int | None = None) -> None:
        super().__init__(message)
        self.window = window


class InvalidReplyError(ModelError):
    """A typed decision is malformed even after its repair."""


class BudgetError(ModelError):
    """The calls, tokens or seconds that a question may take are spent."""


class StoppedError(ModelError):
    """What was asked was stopped by hand."""


class ScriptError(ModelError):
    """A ScriptedModel was asked something that its script does not have."""


class EndpointError(ModelError):
    """An endpoint failed, after the retries."""


class EndpointClosedError(EndpointError):
    """The connection was closed while something was asked."""

    def __init__(self, url: str) -> None:
        super().__init__(f"The connection to {url} was closed before the answer was there.")


class EndpointUnreachableError(EndpointError):
    """The endpoint refuses connections, or there is no such host."""


class EndpointTimeoutError(EndpointError):
    """The endpoint gave no answer, or stood still in the middle of one, within the time limit."""


class EndpointBusyError(EndpointError):
    """The endpoint had too many requests or server errors until the retries ran out."""


class EndpointRefusedError(EndpointError):
    """The endpoint understood and refused: key, rights, address, quota."""


class RequestRefusedError(EndpointRefusedError):
    """The endpoint refuses this very request, for its content or its form; it may well take another."""


class EndpointReplyError(EndpointError):
    """What came back is no completion: not JSON, no choices, or cut off."""


class TrainingDataError(ReaderError):
    """What the embedded reader is to be trained on cannot be read."""


class SpanReaderError(ReaderError):
    """The weights of the embedded reader, or of the one that was named, cannot be used."""
