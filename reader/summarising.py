"""How a language model is asked for a summary."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from reader.chat import ChatModel, Request
from reader.contract import SummaryPart, WrittenSummary
from reader.packing import asked_of
from reader.prompts import render
from retrieval.sentences import split_sentences

__all__ = ["written_summary"]

TOKENS_PER_WORD: Final = 2


def written_summary(
    model: ChatModel, parts: Sequence[SummaryPart], words: int, background: str = "", at_least: int = 0
) -> WrittenSummary:
    """Let a model write a summary."""
    texts = [" ".join(part.sentences) for part in parts]
    prompt = render("summarise", texts=texts, background=background, words=words)
    request = Request(tuple(asked_of(prompt)), max_tokens=max(words, 8) * TOKENS_PER_WORD)
    text = model.complete(request).text.strip()
    return WrittenSummary(tuple(text[s.start : s.end] for s in split_sentences(text)), None)
