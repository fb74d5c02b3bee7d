"""Means of weights, of those of runs that began anew by their products."""

from __future__ import annotations

import torch

from reader.training.averaging import mean_of, mean_of_products

A, B = "base.dense.lora_A", "base.dense.lora_B"


def run(seed: int) -> dict[str, torch.Tensor]:
    """Additions of rank 3 to a layer from 7 to 5, and a bias."""
    made = torch.Generator().manual_seed(seed)
    shapes = {A: (3, 7), B: (5, 3), "base.dense.bias": (5,)}
    return {name: torch.randn(shape, generator=made) for name, shape in shapes.items()}


def test_mean_of_courses() -> None:
    one, two = {"a": torch.tensor([1.0, 4.0])}, {"a": torch.tensor([3.0, 0.0])}
    assert mean_of([one, two])["a"].tolist() == [2.0, 2.0]


def test_of_one_run_the_product_stays() -> None:
    one = run(1)
    found = mean_of_products([one])
    torch.testing.assert_close(found[B] @ found[A], one[B] @ one[A])
    assert {name: each.shape for name, each in found.items()} == {n: each.shape for n, each in one.items()}
    # Even factors lose as much in float16 each.
    assert abs(float(found[A].norm() / found[B].norm()) - 1) < 1e-4


def test_the_same_in_other_factors_is_the_same() -> None:
    one = run(1)
    turn = torch.linalg.qr(torch.randn(3, 3, generator=torch.Generator().manual_seed(2)))[0]
    other = one | {A: turn @ one[A] * 4, B: one[B] @ turn.T / 4}
    found = mean_of_products([one, other])
    torch.testing.assert_close(found[B] @ found[A], one[B] @ one[A])
    # The mean of the factors would be something else.
    factors = mean_of([one, other])
    assert (factors[B] @ factors[A] - one[B] @ one[A]).abs().max() > 0.1


def test_of_two_runs_the_nearest_of_their_rank_is_taken() -> None:
    one, two = run(1), run(2)
    found = mean_of_products([one, two])
    mean = (one[B] @ one[A] + two[B] @ two[A]) / 2
    assert found[A].shape == (3, 7)
    # Eckart and Young: what is lost is what the smaller singular values hold.
    lost = torch.linalg.svdvals(mean)[3:].square().sum().sqrt()
    torch.testing.assert_close((found[B] @ found[A] - mean).norm(), lost)
    torch.testing.assert_close(
        found["base.dense.bias"], (one["base.dense.bias"] + two["base.dense.bias"]) / 2
    )
