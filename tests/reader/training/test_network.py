"""What is trained: additions that begin as nothing, attention as transformers computes it, losses by hand."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from transformers import AutoModel

from reader.spans.adapter import SCALE
from reader.spans.decoding import LONGEST
from reader.training.network import ATTENTION, LowRankLinear, SpanNetwork, loss_of
from retrieval.encoder import DEFAULT_ENCODER, model_folder

RANK = 4
HEADS = ("span", "first", "last", "none", "sentence", "relevant", "answerable")
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
SHAPES = torch.tensor([[0, 1, 0, 1, 2, 0], [0, 1, 0, 3, 0, 0]])
HALF = 0.06
"""What eight bits of precision lose of scores whose spread is about one."""


@pytest.fixture(scope="module")
def network() -> SpanNetwork:
    """With heads that say something of each shape and no answer."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        made = SpanNetwork(RANK)
        with torch.no_grad():
            made.shape.weight.normal_(std=0.02)
        return made


def installed(**options: Any) -> Any:
    return AutoModel.from_pretrained(
        model_folder(DEFAULT_ENCODER), add_pooling_layer=False, local_files_only=True, **options
    ).eval()


@pytest.fixture(scope="module")
def eager() -> Any:
    return installed(attn_implementation="eager")


def read(network: SpanNetwork, *given: Tensor) -> dict[str, Tensor]:
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        return network.eval()(*given)


def test_a_low_rank_layer_by_hand() -> None:
    base = nn.Linear(3, 2)
    with torch.no_grad():
        # Few bits each, so that bfloat16 holds them and their products.
        base.weight.copy_(torch.tensor([[1.0, -2.0, 0.5], [0.0, 3.0, 1.5]]))
        base.bias.copy_(torch.tensor([0.25, -1.0]))
    layer = LowRankLinear(base, 1)
    x = torch.tensor([[1.0, 2.0, 3.0], [-1.0, 0.0, 2.0]])
    # Nothing is added at first: 1 - 4 + 1.5 + 0.25 and 6 + 4.5 - 1; -1 + 1 + 0.25 and 3 - 1.
    assert layer(x).float().tolist() == [[-1.25, 9.5], [0.25, 2.0]]
    with torch.no_grad():
        layer.lora_A.copy_(torch.tensor([[1.0, 0.0, 1.0]]))
        layer.lora_B.copy_(torch.tensor([[1.0], [-2.0]]))
    # A x is 4 and 1; B makes of it 4 and -8, 1 and -2; twice that.
    assert SCALE == 2.0
    assert layer(x).float().tolist() == [[-1.25 + 8, 9.5 - 16], [0.25 + 2, 2.0 - 4]]
    assert {name for name, _ in layer.named_parameters()} == {"bias", "lora_A", "lora_B"}
    # What is fixed is neither trained nor kept.
    assert {*layer.state_dict()} == {"bias", "lora_A", "lora_B"}


def test_what_is_added_is_trained_in_all_its_bits() -> None:
    layer = LowRankLinear(nn.Linear(3, 2), 1)
    assert {each.dtype for each in layer.parameters()} == {torch.float32}
    layer(torch.ones(4, 3)).sum().backward()
    # B begins as nothing, so A has no say yet.
    assert layer.lora_A.grad is not None
    assert not layer.lora_A.grad.any()
    assert layer.lora_B.grad is not None
    assert layer.lora_B.grad.abs().sum() > 0
    assert layer.bias.grad is not None
    assert layer.bias.grad.tolist() == [4, 4]


@pytest.mark.parametrize("shape", [(5, 3), (2, 4, 3)])
def test_gradients_of_what_is_added_are_those_of_its_formula(shape: tuple[int, ...]) -> None:
    made = torch.Generator().manual_seed(3)
    layer = LowRankLinear(nn.Linear(3, 4), 2).double()
    with torch.no_grad():
        layer.lora_B.normal_(generator=made)
    x = torch.randn(shape, dtype=torch.float64, generator=made, requires_grad=True)
    among = torch.randn(*shape[:-1], 4, dtype=torch.float64, generator=made)
    wanted = [x, *layer.parameters()]
    found = torch.autograd.grad((layer(x) * among).sum(), wanted)
    plain = x @ (layer.weight + SCALE * layer.lora_B @ layer.lora_A).T + layer.bias
    for own, expected in zip(found, torch.autograd.grad((plain * among).sum(), wanted), strict=True):
        torch.testing.assert_close(own, expected)


def batch(lengths: list[int]) -> tuple[Tensor, Tensor]:
    """Tokens by chance, and which of them are padding."""
    made = torch.Generator().manual_seed(5)
    ids = torch.randint(1000, 20_000, (len(lengths), max(lengths)), generator=made)
    mask = torch.tensor([[int(at < length) for at in range(max(lengths))] for length in lengths])
    return ids * mask, mask


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_attention_of_texts_one_behind_the_other_is_that_of_each(eager: Any, dtype: torch.dtype) -> None:
    ids, mask = batch([40, 3, 17, 40, 1])
    own = installed(attn_implementation=ATTENTION)
    kept = mask.bool()
    places = torch.arange(40).expand_as(ids)[kept][None]
    lengths = mask.sum(1).tolist()
    with torch.inference_mode():
        expected = eager(input_ids=ids, attention_mask=mask).last_hidden_state[kept]
        own = own.to(dtype)
        found = own(input_ids=ids[kept][None], position_ids=places, lengths=lengths).last_hidden_state[0]
        as_one = own(input_ids=ids[kept][None], position_ids=places, lengths=[sum(lengths)])
    difference = (found.float() - expected).abs()
    assert difference.mean() < (1e-5 if dtype == torch.float32 else 0.005)
    assert difference.max() < (1e-3 if dtype == torch.float32 else 0.15)
    # The other texts, looked at, would change much more.
    assert (as_one.last_hidden_state[0].float() - expected).abs().mean() > 5 * difference.mean()


def test_attention_of_one_head_by_hand() -> None:
    from transformers import AttentionInterface

    attention = AttentionInterface()[ATTENTION]
    # Three tokens of which the last is a text by itself: keys 0 and log 9 are shares of 1 and 9 of 10.
    query = torch.full((1, 1, 3, 4), 2.0)
    key = torch.zeros(1, 1, 3, 4)
    key[0, 0, 1] = math.log(9) / 4
    value = torch.tensor([[[[1.0, 0.0], [0.0, 10.0], [7.0, 8.0]]]])
    found, _ = attention(nn.Module(), query, key, value, None, lengths=[2, 1])
    # Divided by the root of 4, times 4 numbers of 2 each.
    assert found.shape == (1, 3, 1, 2)
    assert found.flatten().tolist() == pytest.approx([0.1, 9.0, 0.1, 9.0, 7, 8], abs=1e-5)


def test_it_begins_as_the_model_of_the_encoder_with_shapes(network: SpanNetwork, eager: Any) -> None:
    found = read(network, IDS, KINDS, MASK, SHAPES)
    with torch.inference_mode():
        words = eager.embeddings.word_embeddings(IDS) + network.shape.weight[SHAPES]
        hidden = eager(inputs_embeds=words, token_type_ids=KINDS, attention_mask=MASK).last_hidden_state
        made = {head: getattr(network, head)(hidden) for head in HEADS}
    for n, length in enumerate((6, 5)):
        for a in range(length):
            assert found["sentence"][n, a] == pytest.approx(float(made["sentence"][n, a, 0]), abs=HALF)
            for b in range(length):
                # Of the products of 64 numbers the eighth part.
                expected = made["span"][n, a, 0] + made["span"][n, b, 1]
                expected += made["first"][n, a] @ made["last"][n, b] / 8
                assert found["spans"][n, a, b] == pytest.approx(float(expected), abs=2 * HALF)
        for head in ("none", "answerable", "relevant"):
            assert found[head][n] == pytest.approx(float(made[head][n, 0, 0]), abs=HALF)
    assert {name: tuple(each.shape) for name, each in found.items()} == {
        "spans": (2, 6, 6),
        "none": (2,),
        "sentence": (2, 6),
        "answerable": (2,),
        "relevant": (2,),
    }
    # Losses are made of them in all bits.
    assert {each.dtype for each in found.values()} == {torch.float32}


def test_which_end_belongs_to_which_beginning_is_asked(network: SpanNetwork) -> None:
    spans = read(network, IDS, KINDS, MASK, SHAPES)["spans"][0]
    # By ends alone, what two beginnings differ in would be the same for each end.
    both = spans[0, 0] - spans[1, 0] - spans[0, 1] + spans[1, 1]
    assert abs(float(both)) > 0.01


def test_shapes_begin_as_nothing_and_change_scores_then(network: SpanNetwork) -> None:
    with torch.random.fork_rng():
        assert not SpanNetwork(1).shape.weight.any()
    plain = read(network, IDS, KINDS, MASK, torch.zeros_like(IDS))
    found = read(network, IDS, KINDS, MASK, SHAPES)
    assert (plain["spans"] - found["spans"]).abs().max() > 0.02


def test_kinds_of_tokens_tell_the_question_from_the_passage(network: SpanNetwork) -> None:
    same = read(network, IDS, torch.zeros_like(KINDS), MASK, SHAPES)
    assert (same["spans"] - read(network, IDS, KINDS, MASK, SHAPES)["spans"]).abs().max() > 0.02


def test_only_additions_and_small_parameters_are_trained(network: SpanNetwork, eager: Any) -> None:
    trained = network.trained()
    additions = {name for name in trained if "lora_" in name}
    layers = {f"base.encoder.layer.{n}.{part}" for n in range(6) for part in PARTS}
    assert additions == {f"{layer}.lora_{side}" for layer in layers for side in "AB"}
    small = {
        f"base.{name}"
        for name, _ in eager.named_parameters()
        if name.endswith("bias") or "LayerNorm" in name or "token_type" in name
    }
    heads = {f"{head}.{part}" for head in HEADS for part in ("weight", "bias")} | {"shape.weight"}
    assert {*trained} == additions | small | heads
    assert "base.encoder.layer.0.output.dense.bias" in small
    assert {each.dtype for each in trained.values()} == {torch.float32}
    # Less than a tenth of all, at this rank.
    assert sum(each.numel() for each in trained.values()) < 1_000_000


def test_gradients_reach_what_is_trained_and_nothing_else(network: SpanNetwork) -> None:
    with torch.autocast("cpu", torch.bfloat16):
        found = network.train()(IDS, KINDS, MASK, SHAPES)
    sum(each.sum() for each in found.values()).backward()
    got = {name for name, each in network.named_parameters() if each.grad is not None}
    finite = all(each.grad.isfinite().all() for each in network.parameters() if each.grad is not None)
    network.zero_grad(set_to_none=True)
    assert got == {*network.trained()}
    assert finite


def test_padding_changes_no_score(network: SpanNetwork) -> None:
    padded = read(network, IDS, KINDS, MASK, SHAPES)
    alone = read(network, IDS[1:, :5], KINDS[1:, :5], MASK[1:, :5], SHAPES[1:, :5])
    torch.testing.assert_close(padded["spans"][1:, :5, :5], alone["spans"], atol=HALF, rtol=0)
    torch.testing.assert_close(padded["relevant"][1:], alone["relevant"], atol=HALF, rtol=0)
    seen = read(network, IDS, KINDS, torch.ones_like(MASK), SHAPES)
    assert (seen["spans"][1, :5, :5] - alone["spans"][0]).abs().max() > 2 * HALF


def test_what_fills_up_a_batch_changes_no_score_and_no_gradient(
    network: SpanNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    def learned() -> tuple[Tensor, dict[str, Tensor]]:
        with torch.autocast("cpu", torch.bfloat16):
            spans = network.train()(IDS, KINDS, MASK, SHAPES)["spans"]
        seen = MASK.bool()
        (spans[seen[:, :, None] & seen[:, None]] ** 2).mean().backward()
        grads = {n: p.grad.clone() for n, p in network.named_parameters() if p.grad is not None}
        network.zero_grad(set_to_none=True)
        return spans.detach(), grads

    filled = learned()
    monkeypatch.setattr("reader.training.network.ROWS", 1)
    bare = learned()
    torch.testing.assert_close(filled[0], bare[0], atol=HALF, rtol=0)
    assert filled[1].keys() == bare[1].keys()
    for name, own in bare[1].items():
        if name.endswith("lora_B"):
            assert own.norm() > 0
        if not name.endswith("key.bias"):  # of which attention is independent: noise
            assert (filled[1][name] - own).norm() <= 0.02 * own.norm(), name


def found(**others: Tensor) -> dict[str, Tensor]:
    """Of three tokens."""
    return {
        "spans": torch.tensor([[[1.0, 2.0, 9.0], [9.0, 3.0, 9.0], [9.0, 9.0, 9.0]]]),
        "none": torch.tensor([0.0]),
        "answerable": torch.tensor([0.5]),
        "relevant": torch.tensor([-1.0]),
        "sentence": torch.tensor([[5.0, 0.0, 2.0]]),
    } | others


def gold(*spans: tuple[int, int], length: int = 3) -> Tensor:
    made = torch.zeros(1, length, length, dtype=torch.bool)
    for first, last in spans:
        made[0, first, last] = True
    return made


def wanted(**others: Tensor) -> dict[str, Tensor]:
    """The second one is the answer; the third cannot be."""
    return {
        "choosable": torch.tensor([[True, True, False]]),
        "gold": gold((1, 1)),
        "relevant": torch.tensor([1]),
        "group": torch.tensor([4]),
        "sentence": torch.tensor([[-1.0, 1.0, 0.0]]),
    } | others


def lost(logit: float) -> float:
    """Of what is true and was given a logit."""
    return math.log1p(math.exp(-logit))


def share(*right: float, among: tuple[float, ...]) -> float:
    """The logarithm of it, less than nothing."""
    return -math.log(sum(map(math.exp, right)) / sum(map(math.exp, among)))


def test_losses_by_hand() -> None:
    total, each = loss_of(found(), wanted())
    # Of 0..0, 0..1, 1..1 and "no answer" the third is right; none ends before it begins.
    expected = {
        "span": share(3, among=(1, 2, 3, 0)),
        "answerable": lost(0.5),
        "relevant": lost(-1),
        "sentence": (lost(0) + lost(-2)) / 2,
    }
    assert each == pytest.approx(expected, abs=1e-5)
    assert float(total) == pytest.approx(
        0.5 * expected["span"]
        + 0.5 * expected["answerable"]
        + 0.4 * expected["relevant"]
        + 0.2 * expected["sentence"],
        abs=1e-5,
    )


def test_what_is_unsaid_costs_nothing() -> None:
    total, each = loss_of(found(), wanted(relevant=torch.tensor([-1]), sentence=torch.full((1, 3), -1.0)))
    assert (each["relevant"], each["sentence"]) == (0.0, 0.0)
    assert float(total) == pytest.approx(0.5 * share(3, among=(1, 2, 3, 0)) + 0.5 * lost(0.5), abs=1e-5)


def test_without_an_answer_no_answer_is_right() -> None:
    _, each = loss_of(found(), wanted(gold=gold(), relevant=torch.tensor([0])))
    assert each["span"] == pytest.approx(share(0, among=(1, 2, 3, 0)), abs=1e-5)
    assert each["answerable"] == pytest.approx(lost(-0.5), abs=1e-5)
    assert each["relevant"] == pytest.approx(lost(1), abs=1e-5)


def test_of_several_accepted_answers_any_is_right() -> None:
    _, each = loss_of(found(), wanted(gold=gold((1, 1), (0, 1))))
    assert each["span"] == pytest.approx(share(3, 2, among=(1, 2, 3, 0)), abs=1e-5)


def test_an_empty_passage_has_only_no_answer() -> None:
    nothing = torch.zeros(1, 3, dtype=torch.bool)
    total, each = loss_of(found(), wanted(gold=gold(), choosable=nothing))
    assert each["span"] == pytest.approx(0, abs=1e-6)
    assert math.isfinite(float(total))


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 999), st.integers(LONGEST + 3, LONGEST + 12))
def test_the_loss_of_spans_is_that_of_all_there_are(seed: int, length: int) -> None:
    random = np.random.default_rng(seed)
    scores = random.normal(size=(3, length, length)).astype(np.float32) * 4
    none = random.normal(size=3).astype(np.float32) * 4
    # A passage of more than LONGEST tokens, a short one, and one whose question has no answer.
    passages = [range(1, length - 1), range(4, 9), range(2, length - 1)]
    choosable = torch.zeros(3, length, dtype=torch.bool)
    accepted = torch.zeros(3, length, length, dtype=torch.bool)
    expected = 0.0
    for n, passage in enumerate(passages):
        choosable[n, passage.start : passage.stop] = True
        spans = [(a, b) for a in passage for b in passage if a <= b < a + LONGEST]
        right = [spans[k] for k in random.choice(len(spans), 2, replace=False)] if n < 2 else []
        for a, b in right:
            accepted[n, a, b] = True
        everything = [*(float(scores[n, a, b]) for a, b in spans), float(none[n])]
        best = [float(scores[n, a, b]) for a, b in right] or [float(none[n])]
        expected += share(*best, among=tuple(everything)) / 3
    whole = found(
        spans=torch.tensor(scores),
        none=torch.tensor(none),
        answerable=torch.zeros(3),
        relevant=torch.zeros(3),
        sentence=torch.zeros(3, length),
    )
    asked = wanted(
        choosable=choosable,
        gold=accepted,
        relevant=torch.full((3,), -1),
        group=torch.arange(3),
        sentence=torch.full((3, length), -1.0),
    )
    assert loss_of(whole, asked)[1]["span"] == pytest.approx(expected, abs=1e-4)


def test_the_loss_of_spans_draws_to_the_accepted_and_from_all_others() -> None:
    scores = torch.zeros(1, 3, 3, requires_grad=True)
    none = torch.zeros(1, requires_grad=True)
    total, _ = loss_of(found(spans=scores, none=none), wanted(gold=gold((0, 1))))
    total.backward()
    assert scores.grad is not None
    assert none.grad is not None
    # Four things have a quarter each; half of the loss counts; what cannot be chosen is not drawn at all.
    assert scores.grad[0].tolist() == pytest.approx(
        np.array([[0.125, -0.375, 0], [0, 0.125, 0], [0, 0, 0]]), abs=1e-6
    )
    assert none.grad.tolist() == pytest.approx([0.125], abs=1e-6)


def relevance(scores: list[float], relevant: list[int], group: list[int]) -> float:
    count = len(scores)
    _, each = loss_of(
        found(
            spans=torch.zeros(count, 3, 3),
            none=torch.zeros(count),
            answerable=torch.zeros(count),
            relevant=torch.tensor(scores),
            sentence=torch.zeros(count, 3),
        ),
        wanted(
            choosable=torch.ones(count, 3, dtype=torch.bool),
            gold=torch.zeros(count, 3, 3, dtype=torch.bool),
            relevant=torch.tensor(relevant),
            group=torch.tensor(group),
            sentence=torch.full((count, 3), -1.0),
        ),
    )
    return each["relevant"]


def test_the_right_passage_is_weighed_against_those_of_the_same_question() -> None:
    # Two questions with two and three passages, and one that has but its own.
    scores = [2.0, 1.0, 0.5, 3.0, -1.0, 4.0]
    alone = (lost(2) + lost(-1) + lost(0.5) + lost(-3) + lost(1) + lost(4)) / 6
    among = (share(2, among=(2, 1)) + share(0.5, among=(0.5, 3, -1))) / 2
    found = relevance(scores, [1, 0, 1, 0, 0, 1], [7, 7, 3, 3, 3, 9])
    assert found == pytest.approx(alone + among, abs=1e-5)
    # In any order.
    mixed = relevance([3.0, 2.0, 4.0, 0.5, 1.0, -1.0], [0, 1, 1, 1, 0, 0], [3, 7, 9, 3, 7, 3])
    assert mixed == pytest.approx(found, abs=1e-5)


def test_passages_of_which_nothing_is_said_are_weighed_against_none() -> None:
    # The altered question has the number of its own one, and an unsaid passage.
    assert relevance([2.0, 9.0], [1, -1], [7, 7]) == pytest.approx(lost(2), abs=1e-5)
    # Wrong ones without the right one are wrong each by itself.
    assert relevance([2.0, 1.0], [0, 0], [7, 7]) == pytest.approx((lost(-2) + lost(-1)) / 2, abs=1e-5)
    assert relevance([2.0, 1.0], [-1, -1], [7, 7]) == 0.0
