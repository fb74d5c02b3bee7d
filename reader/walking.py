"""The decisions of a walk down a summary tree (MemWalker, arXiv 2310.05029): triage, leaf, route."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from reader.chat import ChatModel
from reader.contract import LeafReading, RouteChoice, Triage, TriageOption
from reader.decisions import choose
from reader.packing import asked_of
from reader.prompts import render
from reader.rules import closest_option
from retrieval.evidence import ScoredCandidate
from retrieval.question import QuestionWords

if TYPE_CHECKING:
    from reader.extractive import ExtractiveReader

__all__ = ["model_leaf", "model_route", "model_triage", "scored_leaf", "scored_triage"]


def model_triage(
    model: ChatModel, question: str, options: Sequence[TriageOption], notes: str, reason: bool
) -> Triage:
    """Let a model choose a child."""
    shown = [option.summary for option in options]
    prompt = render("triage", question=question, options=shown, notes=notes)
    numbers = [str(n) for n in range(1, len(options) + 1)]
    decided = choose(model, asked_of(prompt), numbers, reason=reason)
    return Triage(int(decided.value) - 1, decided.reason, decided.invalid)


def model_leaf(
    model: ChatModel, question: str, leaf: Sequence[ScoredCandidate], notes: str, reason: bool
) -> LeafReading:
    """Let a model say whether a leaf holds the answer."""
    raise NotImplementedError


def model_route(model: ChatModel, question: str, suggested: RouteChoice, reason: bool) -> RouteChoice:
    """Let a model choose a route."""
    return suggested


def scored_triage(question: str, options: Sequence[TriageOption]) -> Triage:
    """The option with the best retrieval score, then with most of the question's words."""
    return Triage(closest_option(question, [option.summary for option in options]))


def scored_leaf(
    reader: ExtractiveReader, words: QuestionWords, leaf: Sequence[ScoredCandidate]
) -> LeafReading:
    """Whether the best sentences of a leaf would be an answer."""
    return LeafReading(bool(leaf))
