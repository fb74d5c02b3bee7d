from __future__ import annotations

from app.jobs.bell import Bell


def test_who_watches_a_job_hears_of_that_one_alone() -> None:
    bell = Bell()
    with bell.watching("a") as first, bell.watching("a") as second, bell.watching("b") as other:
        bell.ring(["a", "c"])
        assert (first.is_set(), second.is_set(), other.is_set()) == (True, True, False)
        first.clear()
        bell.ring(["b"])
        assert (first.is_set(), other.is_set()) == (False, True)


def test_who_has_left_is_not_told_and_not_kept() -> None:
    bell = Bell()
    with bell.watching("a") as rung:
        pass
    bell.ring(["a"])
    assert not rung.is_set()
    assert bell._watchers == {}
