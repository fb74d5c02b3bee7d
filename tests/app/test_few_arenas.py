import sys

import pytest

from app.few_arenas import few_arenas


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc is what it is about")
def test_glibc_takes_it() -> None:
    assert few_arenas()
