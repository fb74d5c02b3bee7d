"""Stage 1 of retrieve-then-reason: the numbered sentences that a model is shown to select from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from reader.chat import ChatModel
from reader.errors import WindowError
from reader.packing import FORM_TOKENS, REPAIR_TOKENS, asked_of, best_first_and_last, most_that_fit
from reader.prompts import render
from retrieval.chunking import flat
from retrieval.evidence import ScoredCandidate

__all__ = ["ShownSentences", "shown_sentences"]

NUMBER_TOKENS: Final = 6


@dataclass(frozen=True, slots=True)
class ShownSentences:
    """A prompt with numbered sentences.

    Attributes:
        prompt: What is asked.
        positions: The candidate of each number; number n is at n - 1.
        left_out: Candidates that did not fit.
    """

    prompt: str
    positions: tuple[int, ...]
    left_out: int


def shown_sentences(
    model: ChatModel,
    question: str,
    candidates: Sequence[ScoredCandidate],
    places: Sequence[str],
    count: int,
) -> ShownSentences:
    """Number as many candidates as fit: whole passages, best first and last.

    Of a passage that is too long alone, its best sentences are taken.

    Raises:
        WindowError: If not even one sentence fits.
    """
    passages: dict[int, list[int]] = {}
    for n, candidate in enumerate(candidates):
        passages.setdefault(candidate.candidate.passage, []).append(n)
    ranked = [passages[rank] for rank in sorted(passages)]
    room = model.window - FORM_TOKENS - REPAIR_TOKENS - count * NUMBER_TOKENS

    def prompt_of(groups: Sequence[Sequence[int]]) -> ShownSentences:
        return _numbered(question, candidates, places, groups, count)

    def fits(groups: Sequence[Sequence[int]]) -> bool:
        return model.prompt_tokens(asked_of(prompt_of(groups).prompt)) <= room

    kept = most_that_fit(len(ranked), lambda k: fits(ranked[:k]))
    if kept:
        return prompt_of(ranked[:kept])
    by_score = sorted(ranked[0], key=lambda n: -candidates[n].score)
    few = most_that_fit(len(by_score), lambda k: fits([sorted(by_score[:k])]))
    if not few:
        raise WindowError(
            f"The window of {model.name} has {model.window} tokens, too few to read even one sentence in; "
            "set CLEW_WINDOW if it has more.",
            model.window,
        )
    return prompt_of([sorted(by_score[:few])])


def _numbered(
    question: str,
    candidates: Sequence[ScoredCandidate],
    places: Sequence[str],
    groups: Sequence[Sequence[int]],
    count: int,
) -> ShownSentences:
    positions: list[int] = []
    documents: list[dict[str, Any]] = []
    for group in best_first_and_last(groups):
        sentences = []
        for n in group:
            positions.append(n)
            sentences.append({"id": len(positions), "text": flat(candidates[n].candidate.text)})
        place = places[candidates[group[0]].candidate.passage - 1]
        documents.append({"title": place, "sentences": sentences})
    prompt = render("select", documents=documents, question=question, most=count)
    return ShownSentences(prompt, tuple(positions), len(candidates) - len(positions))
