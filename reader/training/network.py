"""What is trained: low-rank additions to the linear layers of the encoder's model, and heads on top."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional
from transformers import AttentionInterface, AutoModel

from reader.spans.adapter import SCALE, WIDTH
from reader.spans.decoding import LONGEST
from reader.spans.windows import SHAPES
from retrieval.encoder import DEFAULT_ENCODER, model_folder

__all__ = ["RANK", "SpanNetwork", "loss_of"]

RANK: Final = 64
ATTENTION: Final = "one_behind_the_other"
ROWS: Final = 256
"""What a batch without padding is filled up to a multiple of: for few sizes products are prepared once."""
WEIGHTS: Final = {"span": 0.5, "answerable": 0.5, "relevant": 0.4, "sentence": 0.2}


class _Merged(torch.autograd.Function):
    """x (W + s B A)^T + b, in the number format of W.

    B A is added before the one matrix product, which is faster than two (PEFT's way) from some two hundred
    tokens on; the gradients of A and B do not go through that of W, which is the same and half the work.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, lora_a: Tensor, lora_b: Tensor, bias: Tensor) -> Tensor:
        first, second = lora_a.to(weight.dtype), lora_b.to(weight.dtype)
        merged = torch.addmm(weight, second, first, alpha=SCALE)
        ctx.save_for_backward(x, merged, first, second)
        return functional.linear(x, merged, bias.to(weight.dtype))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, merged, first, second = ctx.saved_tensors
        rows, given = grad.flatten(0, -2), x.flatten(0, -2)
        of_first = SCALE * ((rows @ second).t() @ given)
        of_second = SCALE * (rows.t() @ (given @ first.t()))
        return grad @ merged, None, of_first, of_second, rows.sum(0)


class LowRankLinear(nn.Module):
    """A linear layer whose weight is a fixed one plus a product of two small ones."""

    weight: Tensor

    def __init__(self, base: nn.Linear, rank: int) -> None:
        super().__init__()
        weight = base.weight.detach().to(torch.bfloat16)
        self.register_buffer("weight", weight, persistent=False)
        self.bias = nn.Parameter(base.bias.detach().clone())
        self.lora_A = nn.Parameter(torch.empty(rank, base.in_features))
        self.lora_B = nn.Parameter(torch.zeros(base.out_features, rank))
        nn.init.kaiming_uniform_(self.lora_A, a=5**0.5)

    def forward(self, x: Tensor) -> Tensor:
        """Of rows, shape (..., in)."""
        found: Tensor = _Merged.apply(  # type: ignore[no-untyped-call]
            x.to(self.weight.dtype), self.weight, self.lora_A, self.lora_B, self.bias
        )
        return found


def _attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Tensor | None,
    lengths: Sequence[int],
    **_: Any,
) -> tuple[Tensor, None]:
    """Of texts one behind the other, (1, heads, sum of `lengths`, width), each of which sees itself alone.

    Without padding, masks, and the casts to float32 that autocast makes around a softmax.
    """
    with torch.autocast(query.device.type, enabled=False):
        asked = torch.split(query[0] * query.shape[-1] ** -0.5, list(lengths), 1)
        there, said = torch.split(key[0], list(lengths), 1), torch.split(value[0], list(lengths), 1)
        found = [
            torch.bmm(functional.softmax(torch.bmm(q, k.transpose(1, 2)), dim=-1), v)
            for q, k, v in zip(asked, there, said, strict=True)
        ]
    return torch.cat(found, 1).transpose(0, 1)[None], None


AttentionInterface.register(ATTENTION, _attention)


class SpanNetwork(nn.Module):
    """MiniLM with low-rank additions, and heads for spans, answerability, relevance and the sentence."""

    def __init__(self, rank: int = RANK) -> None:
        super().__init__()
        base = AutoModel.from_pretrained(
            model_folder(DEFAULT_ENCODER),
            add_pooling_layer=False,
            attn_implementation=ATTENTION,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
            local_files_only=True,
        )
        for name, module in list(base.named_modules()):
            if isinstance(module, nn.Linear):
                parent, _, last = name.rpartition(".")
                setattr(base.get_submodule(parent), last, LowRankLinear(module, rank))
        for name, each in base.named_parameters():
            trained = "lora_" in name or name.endswith("bias") or "LayerNorm" in name or "token_type" in name
            each.requires_grad_(trained)
        width = base.config.hidden_size
        base.embeddings.register_forward_hook(lambda _module, _given, found: found.to(torch.bfloat16))
        self.base = base
        self.shape = nn.Embedding(SHAPES, width)
        nn.init.zeros_(self.shape.weight)
        self.span = nn.Linear(width, 2)
        self.first = nn.Linear(width, WIDTH)
        self.last = nn.Linear(width, WIDTH)
        self.none = nn.Linear(width, 1)
        self.answerable = nn.Linear(width, 1)
        self.relevant = nn.Linear(width, 1)
        self.sentence = nn.Linear(width, 1)

    def forward(self, ids: Tensor, kinds: Tensor, mask: Tensor, shapes: Tensor) -> dict[str, Tensor]:
        """The scores of all heads; arguments as in `examples.batch_of`: padding stands behind what is read.

        Returns:
            spans (n, length, length): of spans from the first token to the last; none, answerable, relevant
            (n,); sentence (n, length).
        """
        kept = mask.flatten().nonzero()[:, 0]
        more = -len(kept) % ROWS
        places = torch.arange(ids.shape[1], device=ids.device).expand_as(ids)
        words, kind, shape, place = (
            functional.pad(each.flatten()[kept], (0, more))[None] for each in (ids, kinds, shapes, places)
        )
        rows = self.base(
            inputs_embeds=self.base.embeddings.word_embeddings(words) + self.shape(shape),
            token_type_ids=kind,
            position_ids=place,
            lengths=[*mask.sum(1).tolist(), *([more] if more else [])],
        ).last_hidden_state[0, : len(kept)]
        hidden = rows.new_zeros(ids.numel(), rows.shape[1]).index_copy(0, kept, rows).unflatten(0, ids.shape)
        whole, ends = hidden[:, 0], self.span(hidden).float()
        both = torch.bmm(self.first(hidden), self.last(hidden).transpose(1, 2)).float() / WIDTH**0.5
        return {
            "spans": both + ends[:, :, :1] + ends[:, :, 1].unsqueeze(1),
            "none": self.none(whole)[:, 0].float(),
            "answerable": self.answerable(whole)[:, 0].float(),
            "relevant": self.relevant(whole)[:, 0].float(),
            "sentence": self.sentence(hidden)[:, :, 0].float(),
        }

    def trained(self) -> dict[str, Tensor]:
        """What training changes, by name."""
        return {name: each for name, each in self.named_parameters() if each.requires_grad}


def loss_of(found: dict[str, Tensor], batch: dict[str, Tensor]) -> tuple[Tensor, dict[str, float]]:
    """The sum of the losses of all heads, each with its weight, and each alone."""
    has = batch["gold"].flatten(1).any(1)
    losses = {
        "span": _span_loss(found, batch, has),
        "answerable": functional.binary_cross_entropy_with_logits(found["answerable"], has.float()),
        "relevant": _relevance_loss(found["relevant"], batch["relevant"], batch["group"]),
        "sentence": _where_said(found["sentence"], batch["sentence"]),
    }
    total = torch.stack([WEIGHTS[name] * each for name, each in losses.items()]).sum()
    return total, {name: float(value.detach()) for name, value in losses.items()}


def _span_loss(found: dict[str, Tensor], batch: dict[str, Tensor], has: Tensor) -> Tensor:
    """Of the accepted spans together, or of "no answer", among all spans of the passage."""
    choosable = batch["choosable"]
    pairs = choosable[:, :, None] & choosable[:, None, :]
    band = torch.ones_like(pairs[0]).triu().tril(LONGEST - 1)
    scores = found["spans"].masked_fill(~(pairs & band), -torch.inf).flatten(1)
    everything = torch.logsumexp(torch.cat([scores, found["none"][:, None]], 1), 1)
    accepted = torch.logsumexp(scores.masked_fill(~batch["gold"].flatten(1), -torch.inf)[has], 1)
    right = found["none"].clone()
    right[has] = accepted
    return (everything - right).mean()


def _relevance_loss(scores: Tensor, relevant: Tensor, group: Tensor) -> Tensor:
    """Each passage alone, and the right one among those that were found for the same question."""
    said = relevant >= 0
    if not said.any():
        return scores.new_zeros(())
    scores, relevant, group = scores[said], relevant[said], group[said]
    alone = functional.binary_cross_entropy_with_logits(scores, relevant.float())
    _, number = torch.unique(group, return_inverse=True)
    size = int(number.max()) + 1
    exponents = scores.new_zeros(size).index_add(0, number, scores.clamp(-30, 30).exp())
    members = torch.bincount(number, minlength=size)
    among = (relevant == 1) & (members[number] > 1)
    if not among.any():
        return alone
    return alone + (exponents.log()[number] - scores.clamp(-30, 30))[among].mean()


def _where_said(scores: Tensor, sentence: Tensor) -> Tensor:
    known = sentence >= 0
    if not known.any():
        return scores.new_zeros(())
    return functional.binary_cross_entropy_with_logits(scores[known], sentence[known])
