"""What is trained: low-rank additions to the linear layers of the encoder's model, and heads on top."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import AutoModel

from reader.spans.adapter import SCALE
from retrieval.encoder import DEFAULT_ENCODER, model_folder

__all__ = ["RANK", "SpanNetwork", "loss_of"]

RANK: Final = 64


class LowRankLinear(nn.Module):
    """A linear layer whose weight is a fixed one plus a product of two small ones.

    The product is added before the one matrix product, which is faster than two (PEFT's way) for few tokens.
    """

    weight: Tensor

    def __init__(self, base: nn.Linear, rank: int) -> None:
        super().__init__()
        self.register_buffer("weight", base.weight.detach().clone(), persistent=False)
        self.bias = nn.Parameter(base.bias.detach().clone())
        self.lora_A = nn.Parameter(torch.empty(rank, base.in_features))
        self.lora_B = nn.Parameter(torch.zeros(base.out_features, rank))
        nn.init.kaiming_uniform_(self.lora_A, a=5**0.5)

    def forward(self, x: Tensor) -> Tensor:
        """Of rows, shape (..., in)."""
        return functional.linear(x, self.weight + SCALE * (self.lora_B @ self.lora_A), self.bias)


class SpanNetwork(nn.Module):
    """MiniLM with low-rank additions, and heads for spans, answerability, relevance and the sentence."""

    def __init__(self, rank: int = RANK) -> None:
        super().__init__()
        base = AutoModel.from_pretrained(
            model_folder(DEFAULT_ENCODER),
            add_pooling_layer=False,
            attn_implementation="eager",
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
        self.base = base
        self.span = nn.Linear(width, 2)
        self.answerable = nn.Linear(width, 1)
        self.relevant = nn.Linear(width, 1)
        self.sentence = nn.Linear(width, 1)

    def forward(self, ids: Tensor, kinds: Tensor, mask: Tensor) -> dict[str, Tensor]:
        """The scores of all heads; arguments as in `examples.batch_of`."""
        hidden = self.base(input_ids=ids, token_type_ids=kinds, attention_mask=mask).last_hidden_state
        first = hidden[:, 0]
        return {
            "span": self.span(hidden),
            "answerable": self.answerable(first)[:, 0],
            "relevant": self.relevant(first)[:, 0],
            "sentence": self.sentence(hidden)[:, :, 0],
        }

    def trained(self) -> dict[str, Tensor]:
        """What training changes, by name."""
        return {name: each for name, each in self.named_parameters() if each.requires_grad}


def loss_of(found: dict[str, Tensor], batch: dict[str, Tensor]) -> tuple[Tensor, dict[str, float]]:
    """The sum of the losses of all heads, each with its weight, and each alone."""
    lowest = torch.finfo(torch.float32).min
    logits = found["span"].float().masked_fill(~batch["choosable"][:, :, None], lowest)
    spans = (
        functional.cross_entropy(logits[:, :, 0], batch["first"])
        + functional.cross_entropy(logits[:, :, 1], batch["last"])
    ) / 2
    has = (batch["first"] > 0).float()
    answerable = functional.binary_cross_entropy_with_logits(found["answerable"].float(), has)
    said = batch["relevant"] >= 0
    relevant = (
        functional.binary_cross_entropy_with_logits(
            found["relevant"].float()[said], batch["relevant"][said].float()
        )
        if said.any()
        else spans.new_zeros(())
    )
    known = batch["sentence"] >= 0
    sentence = (
        functional.binary_cross_entropy_with_logits(
            found["sentence"].float()[known], batch["sentence"][known]
        )
        if known.any()
        else spans.new_zeros(())
    )
    total = spans + 0.5 * answerable + 0.5 * relevant + 0.2 * sentence
    each = {"span": spans, "answerable": answerable, "relevant": relevant, "sentence": sentence}
    return total, {name: float(value.detach()) for name, value in each.items()}
