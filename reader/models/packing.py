"""Which requests are answered together: alike in length or about the same document, as many as fit."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from reader.models.prefix import common_length

__all__ = ["groups_of", "pack"]

LEAST_SHARED: Final = 256
_MOSTLY: Final = 0.5


def pack(
    prompts: Sequence[Sequence[int]],
    most_rows: int,
    most_tokens: int,
    max_tokens: Sequence[int],
    equal_lengths: bool = False,
    together: int | None = LEAST_SHARED,
) -> list[list[int]]:
    """Batches of positions, the longest prompts first.

    Args:
        prompts: Token ids.
        most_rows: Rows of a batch, at least 1.
        most_tokens: Tokens of a batch, padding and replies included; a batch of one may have more.
        max_tokens: Most tokens of each reply.
        equal_lengths: Put only prompts of one length together: models with a recurrent state read padding.
        together: Keep prompts together that begin with at least so many tokens alike, and half of theirs;
            shorter beginnings are computed sooner than smaller batches. None: by length alone.
    """
    batches: list[list[int]] = []
    for group in _groups(prompts, equal_lengths, together):
        batch: list[int] = []
        longest = 0
        for position in sorted(group, key=lambda each: -len(prompts[each])):
            tokens = max(longest, len(prompts[position]) + max_tokens[position])
            if batch and (len(batch) >= most_rows or tokens * (len(batch) + 1) > most_tokens):
                batches.append(batch)
                batch, tokens = [], len(prompts[position]) + max_tokens[position]
            batch.append(position)
            longest = tokens
        if batch:
            batches.append(batch)
    return sorted(batches, key=lambda batch: -len(prompts[batch[0]]))


def _groups(prompts: Sequence[Sequence[int]], equal_lengths: bool, together: int | None) -> list[list[int]]:
    if equal_lengths:
        by_length: dict[int, list[int]] = defaultdict(list)
        for position, prompt in enumerate(prompts):
            by_length[len(prompt)].append(position)
        return list(by_length.values())
    if together is None:
        return [list(range(len(prompts)))]
    groups = groups_of(prompts, together)
    alone = [group[0] for group in groups if len(group) == 1]
    return [group for group in [*(each for each in groups if len(each) > 1), alone] if group]


def groups_of(prompts: Sequence[Sequence[int]], least: int = LEAST_SHARED) -> list[list[int]]:
    """Positions of prompts that begin with at least `least` tokens alike, and half of theirs; often alone."""
    # In the order of their tokens, prompts with a common beginning are neighbours.
    groups: list[list[int]] = []
    for position in sorted(range(len(prompts)), key=lambda each: list(prompts[each])):
        prompt = prompts[position]
        shared = common_length(prompts[groups[-1][0]], prompt) if groups else 0
        if groups and shared >= max(least, _MOSTLY * len(prompt)):
            groups[-1].append(position)
        else:
            groups.append([position])
    return groups
