from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def own_main() -> Iterator[None]:
    """A page that runs in a test puts its script in the place of `__main__`; processes start from that."""
    kept = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = kept
