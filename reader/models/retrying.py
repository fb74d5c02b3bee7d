"""The one layer that tries again: exponential backoff with jitter, as long as there is time.

What is tried says itself whether its fault may pass, by raising `PassingFault`; every other error ends it.
"""

from __future__ import annotations

import asyncio
import email.utils
import math
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Final, TypeVar

from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception_type,
    stop_after_attempt,
    stop_before_delay,
    wait_random_exponential,
)

from reader.errors import EndpointError

__all__ = ["PassingFault", "retry_after", "with_retries"]

LONGEST_BACKOFF: Final = 20.0
T = TypeVar("T")


class PassingFault(Exception):  # noqa: N818 - the error is what it carries; this one never leaves the layer.
    """A fault that may be gone at the next attempt.

    Attributes:
        error: What the caller gets if no attempt is left.
        wait: Seconds that the server asks to wait, None if it does not say.
        once: Whether it is worth one more attempt only: the next would most likely end in the same way.
    """

    def __init__(self, error: EndpointError, wait: float | None = None, once: bool = False) -> None:
        super().__init__(str(error))
        self.error, self.wait, self.once = error, wait, once


async def with_retries(
    attempt: Callable[[], Awaitable[T]], *, attempts: int, seconds: float, backoff: float
) -> T:
    """What the first attempt that succeeds returns.

    Args:
        attempt: Makes one attempt.
        attempts: Most attempts, at least 1.
        seconds: No attempt begins later than this; a longer wait, also one that the server asks for, is not
            begun, since nothing could come of it.
        backoff: Seconds; before attempt n + 1 there is a random part of `backoff` * 2^(n-1) to wait (full
            jitter: Brooker, "Exponential Backoff And Jitter", 2015), or what the server asks for.

    Raises:
        EndpointError: That of the last attempt.
    """
    seen = 0

    def twice(state: RetryCallState) -> bool:
        """Whether a fault that is worth one more attempt has come again."""
        nonlocal seen
        fault = state.outcome.exception() if state.outcome is not None else None
        seen += isinstance(fault, PassingFault) and fault.once
        return seen > 1

    enough = stop_after_attempt(attempts) | stop_before_delay(seconds)
    exponential = wait_random_exponential(multiplier=backoff, max=LONGEST_BACKOFF)

    def wait(state: RetryCallState) -> float:
        fault = state.outcome.exception() if state.outcome is not None else None
        asked = fault.wait if isinstance(fault, PassingFault) else None
        # All who were turned away together shall not come back together.
        return exponential(state) if asked is None else asked + exponential(state) / 4

    retrying = AsyncRetrying(
        sleep=asyncio.sleep,
        wait=wait,
        stop=lambda state: twice(state) or enough(state),
        retry=retry_if_exception_type(PassingFault),
        reraise=True,
    )
    try:
        return await retrying(attempt)
    except PassingFault as fault:
        raise fault.error from None


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that a response asks to wait: `retry-after-ms`, or `Retry-After` in seconds or as a date.

    Args:
        headers: Of the response, with names in any case if the mapping does not care.
    """
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name, "")) / unit
        except ValueError:
            continue
        if math.isfinite(seconds):
            return max(0.0, seconds)
    try:
        date = email.utils.parsedate_to_datetime(headers.get("retry-after", ""))
        date = date.replace(tzinfo=UTC) if date.tzinfo is None else date
        return max(0.0, (date - datetime.now(UTC)).total_seconds())
    except (ValueError, OverflowError):
        return None
