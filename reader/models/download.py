"""Downloads from the Hugging Face hub: shown while they run, and named if they fail."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from reader.errors import ModelLoadError, ModelNotFoundError

__all__ = ["download_error", "downloads_shown"]


@contextmanager
def downloads_shown() -> Iterator[None]:
    """The hub's own progress bars meanwhile, unless HF_HUB_DISABLE_PROGRESS_BARS decides about them."""
    from huggingface_hub import constants
    from huggingface_hub.utils.tqdm import (
        are_progress_bars_disabled,
        disable_progress_bars,
        enable_progress_bars,
    )

    if constants.HF_HUB_DISABLE_PROGRESS_BARS is not None or not are_progress_bars_disabled():
        yield
        return
    enable_progress_bars()
    try:
        yield
    finally:
        disable_progress_bars()


def download_error(name: str, error: BaseException) -> ModelNotFoundError | ModelLoadError | None:
    """Why a model could not be downloaded, in one sentence; None if it did not fail at the download."""
    import httpx2
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        LocalEntryNotFoundError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
    )

    causes = list(_causes(error))

    def has(*kinds: type[BaseException]) -> bool:
        return any(isinstance(each, kinds) for each in causes)

    missing = f"The model {name!r} is neither a folder nor among the downloaded models"
    if any(_no_space(each) for each in causes):
        return ModelLoadError(
            f"There is no space left on the disk to download the model {name!r}: make room, or set HF_HOME "
            "to a folder on another disk."
        )
    if has(GatedRepoError):
        return ModelLoadError(
            f"The model {name!r} is gated: accept its terms on its page of the Hugging Face hub, and set "
            "HF_TOKEN to a token of yours."
        )
    if has(RepositoryNotFoundError):
        return ModelNotFoundError(
            f"{missing}, nor is it on the Hugging Face hub; if it is private, set HF_TOKEN to a token of "
            "yours."
        )
    if has(
        LocalEntryNotFoundError, OfflineModeIsEnabled, httpx2.TransportError, ConnectionError, TimeoutError
    ):
        return ModelNotFoundError(
            f"{missing} as a whole, and there is no connection to the Hugging Face hub to download it."
        )
    refused = next((each for each in causes if isinstance(each, HfHubHTTPError)), None)
    if refused is not None and refused.response is not None:
        return ModelNotFoundError(
            f"{missing}, and the Hugging Face hub refused it with status {refused.response.status_code}."
        )
    return None


def _no_space(error: BaseException) -> bool:
    # Its fast downloads tell it in their text alone.
    return getattr(error, "errno", None) == errno.ENOSPC or "no space left" in str(error).lower()


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error and those it came of."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        yield error
        seen.add(id(error))
        error = error.__cause__ or error.__context__
