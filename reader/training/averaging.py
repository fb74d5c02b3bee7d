"""Means of what was trained several times, better than each on articles held back.

Model soups: Wortsman et al. 2022 (arXiv 2203.05482).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import torch
from torch import Tensor

__all__ = ["mean_of", "mean_of_products"]

FIRST: Final = "lora_A"
SECOND: Final = "lora_B"


def mean_of(learned: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """The mean of the weights of courses each of which went on from those before."""
    return {name: torch.stack([each[name].float() for each in learned]).mean(0) for name in learned[0]}


def mean_of_products(learned: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """The mean of the weights of runs that began anew: of low-rank additions that of their products B A.

    Two runs may write the same product in different factors, whose means would mean nothing. The mean of
    products has more ranks; it is cut to as many as one has, those that say most (SVD).
    """
    found = mean_of(learned)
    for name in [each for each in found if FIRST in each]:
        other = name.replace(FIRST, SECOND)
        rank = len(found[name])
        product = torch.stack([each[other].float() @ each[name].float() for each in learned]).mean(0)
        left, sizes, right = torch.linalg.svd(product, full_matrices=False)
        roots = sizes[:rank].sqrt()
        found[name], found[other] = right[:rank] * roots[:, None], left[:, :rank] * roots
    return found
