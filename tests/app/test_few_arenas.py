import os
import sys

import pytest

from app.config import before_serving
from app.few_arenas import few_arenas


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc is what it is about")
def test_glibc_takes_it() -> None:
    assert few_arenas()


def test_a_number_of_threads_that_is_set_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    before_serving()
    assert os.environ["OMP_NUM_THREADS"] == "1"
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    before_serving()
    assert os.environ["OMP_NUM_THREADS"] == "3"
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
