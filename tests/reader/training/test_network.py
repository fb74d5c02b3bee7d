"""What is trained: additions that begin as nothing, and the sum of the losses by hand."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn
from transformers import AutoModel

from reader.spans.adapter import SCALE
from reader.training.network import LowRankLinear, SpanNetwork, loss_of
from retrieval.encoder import DEFAULT_ENCODER, model_folder

RANK = 4
HEADS = ("span", "sentence", "relevant", "answerable")
PARTS = (
    "attention.self.query",
    "attention.self.key",
    "attention.self.value",
    "attention.output.dense",
    "intermediate.dense",
    "output.dense",
)
IDS = torch.tensor([[101, 2040, 102, 1996, 4419, 102], [101, 2040, 102, 4419, 102, 0]])
KINDS = torch.tensor([[0, 0, 0, 1, 1, 1], [0, 0, 0, 1, 1, 0]])
MASK = torch.tensor([[1] * 6, [1] * 5 + [0]])


@pytest.fixture(scope="module")
def network() -> SpanNetwork:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return SpanNetwork(RANK)


def test_a_low_rank_layer_by_hand() -> None:
    base = nn.Linear(3, 2)
    layer = LowRankLinear(base, 1)
    x = torch.tensor([1.0, 2.0, 3.0])
    torch.testing.assert_close(layer(x), base(x))  # nothing is added at first
    with torch.no_grad():
        layer.lora_A.copy_(torch.tensor([[1.0, 0.0, 1.0]]))
        layer.lora_B.copy_(torch.tensor([[1.0], [-2.0]]))
    # A x is 4; B makes of it 4 and -8; twice that.
    torch.testing.assert_close(layer(x) - base(x), SCALE * torch.tensor([4.0, -8.0]))
    assert {name for name, _ in layer.named_parameters()} == {"bias", "lora_A", "lora_B"}


def test_it_begins_as_the_model_of_the_encoder(network: SpanNetwork) -> None:
    installed = AutoModel.from_pretrained(model_folder(DEFAULT_ENCODER), add_pooling_layer=False).eval()
    with torch.inference_mode():
        expected = installed(input_ids=IDS, token_type_ids=KINDS, attention_mask=MASK).last_hidden_state
        found = network.eval()(IDS, KINDS, MASK)
        for head, rows in (("span", expected), ("sentence", expected)):
            made = getattr(network, head)(rows)
            torch.testing.assert_close(
                found[head], made if head == "span" else made[:, :, 0], atol=1e-4, rtol=0
            )
        for head in ("answerable", "relevant"):
            made = getattr(network, head)(expected[:, 0])[:, 0]
            torch.testing.assert_close(found[head], made, atol=1e-4, rtol=0)
    assert {name: tuple(each.shape) for name, each in found.items()} == {
        "span": (2, 6, 2),
        "sentence": (2, 6),
        "answerable": (2,),
        "relevant": (2,),
    }


def test_only_additions_and_small_parameters_are_trained(network: SpanNetwork) -> None:
    trained = network.trained()
    additions = {name for name in trained if "lora_" in name}
    layers = {f"base.encoder.layer.{n}.{part}" for n in range(6) for part in PARTS}
    assert additions == {f"{layer}.lora_{side}" for layer in layers for side in "AB"}
    installed = AutoModel.from_pretrained(model_folder(DEFAULT_ENCODER), add_pooling_layer=False)
    small = {
        f"base.{name}"
        for name, _ in installed.named_parameters()
        if name.endswith("bias") or "LayerNorm" in name or "token_type" in name
    }
    heads = {f"{head}.{part}" for head in HEADS for part in ("weight", "bias")}
    assert {*trained} == additions | small | heads
    assert "base.encoder.layer.0.output.dense.bias" in small
    # Less than a tenth of all, at this rank.
    assert sum(each.numel() for each in trained.values()) < 1_000_000


def test_gradients_reach_what_is_trained_and_nothing_else(network: SpanNetwork) -> None:
    found = network.train()(IDS, KINDS, MASK)
    sum(each.sum() for each in found.values()).backward()
    got = {name for name, each in network.named_parameters() if each.grad is not None}
    network.zero_grad(set_to_none=True)
    assert got == {*network.trained()}


def test_padding_changes_no_score(network: SpanNetwork) -> None:
    with torch.inference_mode():
        padded = network.eval()(IDS, KINDS, MASK)
        alone = network(IDS[1:, :5], KINDS[1:, :5], MASK[1:, :5])
    torch.testing.assert_close(padded["span"][1:, :5], alone["span"], atol=1e-4, rtol=0)
    torch.testing.assert_close(padded["relevant"][1:], alone["relevant"], atol=1e-4, rtol=0)


def found(**others: Tensor) -> dict[str, Tensor]:
    """Of three tokens."""
    return {
        "span": torch.tensor([[[1.0, 0.0], [2.0, 3.0], [9.0, 9.0]]]),
        "answerable": torch.tensor([0.5]),
        "relevant": torch.tensor([-1.0]),
        "sentence": torch.tensor([[5.0, 0.0, 2.0]]),
    } | others


def wanted(**others: Tensor) -> dict[str, Tensor]:
    """The second one is the answer; the third cannot be."""
    return {
        "choosable": torch.tensor([[True, True, False]]),
        "first": torch.tensor([1]),
        "last": torch.tensor([1]),
        "relevant": torch.tensor([1]),
        "sentence": torch.tensor([[-1.0, 1.0, 0.0]]),
    } | others


def lost(logit: float) -> float:
    """Of what is true and was given a logit."""
    return math.log1p(math.exp(-logit))


def test_losses_by_hand() -> None:
    total, each = loss_of(found(), wanted())
    # Of two places the right one is 1 ahead for the start and 3 ahead for the end.
    expected = {
        "span": (lost(1) + lost(3)) / 2,
        "answerable": lost(0.5),
        "relevant": lost(-1),
        "sentence": (lost(0) + lost(-2)) / 2,
    }
    assert each == pytest.approx(expected, abs=1e-5)
    assert float(total) == pytest.approx(
        expected["span"]
        + 0.5 * expected["answerable"]
        + 0.5 * expected["relevant"]
        + 0.2 * expected["sentence"],
        abs=1e-5,
    )


def test_what_is_unsaid_costs_nothing() -> None:
    total, each = loss_of(found(), wanted(relevant=torch.tensor([-1]), sentence=torch.full((1, 3), -1.0)))
    assert (each["relevant"], each["sentence"]) == (0.0, 0.0)
    assert float(total) == pytest.approx((lost(1) + lost(3)) / 2 + 0.5 * lost(0.5), abs=1e-5)


def test_without_an_answer_the_first_token_is_right() -> None:
    nothing = torch.tensor([0])
    _, each = loss_of(found(), wanted(first=nothing, last=nothing, relevant=nothing))
    assert each["span"] == pytest.approx((lost(-1) + lost(-3)) / 2, abs=1e-5)
    assert each["answerable"] == pytest.approx(lost(-0.5), abs=1e-5)
    assert each["relevant"] == pytest.approx(lost(1), abs=1e-5)
