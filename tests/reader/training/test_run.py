"""The loop: the plan, losses that go down, and going on where it was broken off."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from reader.errors import TrainingDataError
from reader.training import run
from reader.training.examples import Example, Pool, batch_of
from reader.training.network import SpanNetwork, loss_of
from reader.training.run import CHECKPOINT, SHARES, UNANSWERED, Course, planned, train

COURSE = Course(times=2, tokens=512, tricks={"toy": 0.5})


class PowerError(Exception):
    """Stands for the power that goes."""


class Clock:
    """Five minutes pass from look to look, so that each step is kept; after some of them the power goes."""

    def __init__(self, looks: int = 10**9) -> None:
        self.looks, self.now = looks, 0.0

    def monotonic(self) -> float:
        if self.looks == 0:
            raise PowerError
        self.looks -= 1
        self.now += 300
        return self.now


def silent(line: str) -> None:
    pass


@pytest.fixture(scope="module")
def trained(pool: Pool, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Tensor], Path]:
    """In one go, with the folder of its checkpoint."""
    folder = tmp_path_factory.mktemp("trained") / "work"
    return train(pool, COURSE, folder, said=silent), folder


def alone(pool: Pool, n: int, source: str) -> Pool:
    """A question of a set, often."""
    asked = replace(pool.asked[n], row=replace(pool.asked[n].row, source=source))
    return Pool(pool.passages, [asked] * 1000)


def test_the_plan_is_the_same_for_the_same_course(pool: Pool) -> None:
    plan = planned(pool, COURSE)
    assert 4 < len(plan) < 9
    assert planned(pool, COURSE) == plan
    assert planned(pool, replace(COURSE, seed=8)) != plan


def test_each_batch_is_within_its_tokens(pool: Pool) -> None:
    plan = planned(pool, COURSE)
    sizes = [len(batch) * max(each.length for each in batch) for batch in plan]
    assert max(sizes) <= 512
    # Nothing is smaller than it has to be: into all but one no more than three others would go.
    longest = max(each.length for batch in plan for each in batch)
    assert sum(size > 512 - 4 * longest for size in sizes) >= len(sizes) - 1
    for batch in plan:
        rows, length = batch_of(pool, batch)["ids"].shape
        assert rows * (length - 15) <= 512


def test_questions_longer_than_a_batch_have_one_of_their_own(pool: Pool) -> None:
    plan = planned(pool, replace(COURSE, tokens=20, times=1, wrong=1.0))
    assert all(len({each.asked for each in batch}) == 1 for batch in plan)
    assert {len(batch) for batch in plan} == {3, 4}


Group = list[Example]


def groups_of(pool: Pool, batch: list[Example]) -> list[Group]:
    """Each begins with a question before its own passage."""
    found: list[Group] = []
    for each in batch:
        if each.passage == pool.asked[each.asked].passage and not each.altered:
            found.append([])
        found[-1].append(each)
    return found


@pytest.mark.parametrize("tokens", [20, 300, 512, 3072])
def test_what_is_made_of_a_question_stays_together(pool: Pool, tokens: int) -> None:
    course = Course(times=2, tokens=tokens, wrong=1.0, tricks={"toy": 1.0})
    groups = [group for batch in planned(pool, course) for group in groups_of(pool, batch)]
    taken = Counter(group[0].asked for group in groups)
    assert taken == {n: 2 if asked.spans else 3 for n, asked in enumerate(pool.asked)}
    for group in groups:
        (n,) = {each.asked for each in group}
        asked = pool.asked[n]
        assert {each.passage for each in group[1:3]} == {*asked.wrong}
        assert [each.altered for each in group] == [False] * 3 + [True] * (asked.altered is not None)
        assert [each.relevant for each in group] == [1 if asked.spans else -1, 0, 0, -1][: len(group)]


def test_batches_of_one_length_are_not_in_the_order_of_lengths(pool: Pool) -> None:
    plan = planned(pool, replace(COURSE, times=40, wrong=0.0, tricks={}))
    lengths = [max(each.length for each in batch) for batch in plan]
    assert len(plan) > 30
    assert lengths != sorted(lengths)
    # What is padded is little, as those of one length are put together.
    used = sum(each.length for batch in plan for each in batch)
    assert used > 0.95 * sum(len(batch) * max(each.length for each in batch) for batch in plan)


def test_each_question_is_taken_as_often_as_was_said(pool: Pool) -> None:
    course = Course(times=2, wrong=0.0, tricks={})
    taken = Counter(each.asked for batch in planned(pool, course) for each in batch)
    # A question without an answer half as often again.
    assert taken == {n: 2 if asked.spans else 3 for n, asked in enumerate(pool.asked)}
    assert UNANSWERED == 1.5


@pytest.mark.parametrize("source", ["toy", *SHARES])
def test_sets_have_their_shares(pool: Pool, source: str) -> None:
    course = Course(times=0.4, wrong=0.0, tricks={})
    taken = sum(map(len, planned(alone(pool, 0, source), course)))
    # 1000 times that, within four times the deviation of what is drawn.
    assert taken == pytest.approx(400 * SHARES.get(source, 1.0), abs=64)


def test_wrong_passages_and_tricks_have_theirs(pool: Pool) -> None:
    course = Course(times=1, wrong=0.3, tricks={"toy": 0.1})
    examples = [each for batch in planned(alone(pool, 0, "toy"), course) for each in batch]
    own = pool.asked[0].passage
    assert sum(each.passage == own and not each.altered for each in examples) == 1000
    # Two of them each time.
    assert sum(each.passage != own for each in examples) == pytest.approx(600, abs=120)
    assert sum(each.altered for each in examples) == pytest.approx(100, abs=40)
    assert pool.asked[0].altered is not None


def test_some_sets_have_wrong_passages_more_often(pool: Pool) -> None:
    course = Course(times=1, wrong=0.0, often_wrong={"toy": 0.6, "squad": 1.0}, tricks={})
    for source, expected in (("toy", 1200), ("squad", 6000), ("qed", 0)):
        examples = [each for batch in planned(alone(pool, 0, source), course) for each in batch]
        # Two of them each time; squad is taken three times.
        wrong = sum(each.passage != pool.asked[0].passage for each in examples)
        assert wrong == pytest.approx(expected, abs=130 if source == "toy" else 0)


def test_losses_go_down(pool: Pool, trained: tuple[dict[str, Tensor], Path]) -> None:
    weights, _ = trained
    batch = {
        name: torch.from_numpy(each)
        for name, each in batch_of(
            pool, [each for part in planned(pool, COURSE)[:2] for each in part]
        ).items()
    }
    torch.manual_seed(COURSE.seed)
    network = SpanNetwork().eval()

    def loss() -> dict[str, float]:
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
            found = network(batch["ids"], batch["kinds"], batch["mask"], batch["shapes"])
            total, each = loss_of(found, batch)
        return each | {"all": float(total)}

    before = loss()
    missing, unexpected = network.load_state_dict(weights, strict=False)
    assert unexpected == []
    assert not {*missing} & {*network.trained()}
    after = loss()
    assert after["all"] < before["all"] - 0.2
    assert after["span"] < before["span"]


def test_what_is_not_trained_stays(trained: tuple[dict[str, Tensor], Path]) -> None:
    weights, _ = trained
    torch.manual_seed(COURSE.seed)
    network = SpanNetwork()
    assert {*weights} == {*network.trained()}
    start = network.trained()
    # Everything else moved, but little in so few steps.
    moved = [name for name, each in weights.items() if not torch.equal(each, start[name])]
    assert len(moved) > 0.95 * len(weights)
    assert all(torch.isfinite(each).all() for each in weights.values())


@pytest.fixture(scope="module")
def few(pool: Pool) -> Pool:
    """Of one step."""
    made = Pool(pool.passages, pool.asked[:3])
    assert len(planned(made, Course())) == 1
    return made


def test_a_second_course_begins_with_the_weights_of_the_first(
    few: Pool, trained: tuple[dict[str, Tensor], Path], tmp_path: Path
) -> None:
    weights, _ = trained
    # At no rate nothing moves.
    assert_same(train(few, Course(rate=0.0), tmp_path, said=silent, start=weights), weights)


def test_the_rate_is_how_far_a_step_goes(
    few: Pool, trained: tuple[dict[str, Tensor], Path], tmp_path: Path
) -> None:
    weights, _ = trained
    whole, half = (
        train(few, Course(rate=rate), tmp_path / f"{rate}", said=silent, start=weights) for rate in (1.0, 0.5)
    )
    moved = 0
    for name, each in weights.items():
        far, near = whole[name] - each, half[name] - each
        moved += bool(far.abs().max() > 1e-5)
        torch.testing.assert_close(near, far / 2, atol=1e-6, rtol=0.01)
    assert moved > 0.9 * len(weights)


def test_what_is_done_is_not_done_again(
    pool: Pool, trained: tuple[dict[str, Tensor], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    weights, folder = trained
    lines: list[str] = []
    again = train(pool, COURSE, folder, said=lines.append)
    assert lines == []
    assert_same(again, weights)


def break_off(pool: Pool, course: Course, folder: Path, monkeypatch: pytest.MonkeyPatch, steps: int) -> None:
    # One look before the first step, one after each, and the power goes in the step behind them.
    monkeypatch.setattr(run, "time", Clock(1 + steps))
    with pytest.raises(PowerError):
        train(pool, course, folder, said=silent)
    # One that was being written leaves the one before.
    (folder / CHECKPOINT).with_suffix(".part").write_bytes(b"half of")


@pytest.mark.parametrize("breaks", [[3], [1, 1, 2]])
def test_broken_off_and_begun_again_it_ends_the_same(
    pool: Pool,
    trained: tuple[dict[str, Tensor], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    breaks: list[int],
) -> None:
    weights, _ = trained
    for steps in breaks:
        break_off(pool, COURSE, tmp_path, monkeypatch, steps)
    lines: list[str] = []
    monkeypatch.setattr(run, "time", Clock())
    assert_same(train(pool, COURSE, tmp_path, said=lines.append), weights)
    steps = len(planned(pool, COURSE))
    assert len(lines) == 1
    assert lines[0].startswith(f"step {steps} of {steps}: span ")


def test_questions_without_answers_can_be_trained_on_alone(pool: Pool, tmp_path: Path) -> None:
    unanswered = Pool(pool.passages, [asked for asked in pool.asked if not asked.spans])
    found = train(unanswered, Course(times=1, wrong=0.0), tmp_path, said=silent)
    assert all(torch.isfinite(each).all() for each in found.values())


def test_it_ends_the_same_also_behind_a_batch_of_questions_without_answers(
    pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    course = replace(COURSE, times=2.5)
    (silent_one,) = (
        n for n, batch in enumerate(planned(pool, course)) if not any(each.spans for each in batch)
    )
    weights = train(pool, course, tmp_path / "whole", said=silent)
    break_off(pool, course, tmp_path / "broken", monkeypatch, silent_one + 1)
    monkeypatch.setattr(run, "time", Clock())
    assert_same(train(pool, course, tmp_path / "broken", said=silent), weights)


@pytest.mark.parametrize(
    "other",
    [
        replace(COURSE, seed=8),
        replace(COURSE, wrong=0.36),
        replace(COURSE, often_wrong={"toy": 0.31}),
        replace(COURSE, rate=0.9),
        replace(COURSE, tricks={"toy": 0.51}),
        replace(COURSE, times=6),
    ],
    ids=["seed", "wrong", "often wrong", "rate", "tricks", "times"],
)
def test_a_checkpoint_of_another_course_is_refused(
    pool: Pool, trained: tuple[dict[str, Tensor], Path], other: Course
) -> None:
    _, folder = trained
    before = (folder / CHECKPOINT).read_bytes()
    with pytest.raises(TrainingDataError, match="of another course or other data; remove it"):
        train(pool, other, folder, said=silent)
    assert (folder / CHECKPOINT).read_bytes() == before


def test_a_checkpoint_of_other_data_is_refused(pool: Pool, trained: tuple[dict[str, Tensor], Path]) -> None:
    _, folder = trained
    with pytest.raises(TrainingDataError, match="of another course or other data"):
        train(Pool(pool.passages, pool.asked[:5]), COURSE, folder, said=silent)
    # As many steps, and one word of one question is another.
    first = pool.asked[0]
    other = replace(first, row=replace(first.row, question=first.row.question + "?"))
    with pytest.raises(TrainingDataError, match="of another course or other data"):
        train(Pool(pool.passages, [other, *pool.asked[1:]]), COURSE, folder, said=silent)


def emptied(file: Path) -> None:
    file.write_bytes(b"")


def halved(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


def unlabelled(file: Path) -> None:
    save_file(load_file(file), file)


def of_another_shape(file: Path) -> None:
    change(file, lambda kept: kept | {"now.span.bias": torch.zeros(3)})


def without_an_average(file: Path) -> None:
    change(file, lambda kept: {name: each for name, each in kept.items() if name != "mean.span.bias"})


def change(file: Path, changed: Callable[[dict[str, Tensor]], dict[str, Tensor]]) -> None:
    from safetensors import safe_open

    with safe_open(file, "pt") as kept:
        about = kept.metadata()
    save_file(changed(load_file(file)), file, about)


@pytest.mark.parametrize("damage", [emptied, halved, unlabelled, of_another_shape, without_an_average])
def test_a_damaged_checkpoint_is_one_sentence(
    pool: Pool, trained: tuple[dict[str, Tensor], Path], tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    file = tmp_path / CHECKPOINT
    file.write_bytes((trained[1] / CHECKPOINT).read_bytes())
    damage(file)
    with pytest.raises(TrainingDataError) as caught:
        train(pool, COURSE, tmp_path, said=silent)
    message = str(caught.value)
    assert str(file) in message
    assert message.endswith(".")
    assert "\n" not in message


@pytest.mark.parametrize(("count", "times"), [(0, 1.0), (1, 1e-9)])
def test_nothing_to_train_on_is_one_sentence(pool: Pool, tmp_path: Path, count: int, times: float) -> None:
    with pytest.raises(TrainingDataError, match=r"^\d questions, .* are none to train on\.$"):
        train(Pool(pool.passages, pool.asked[:count]), Course(times=times), tmp_path, said=silent)
    assert not (tmp_path / CHECKPOINT).exists()


def assert_same(found: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    assert {*found} == {*expected}
    assert [name for name, each in found.items() if not torch.equal(each, expected[name])] == []
