"""What a language model is asked about facts: which ones a user's words hold, and how two relate.

Nothing of it is believed here: whoever keeps facts looks every quote and every word up again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model

from reader.chat import ChatModel
from reader.contract import DraftedFact, Relation
from reader.decisions import reply_as
from reader.errors import InvalidReplyError
from reader.fact_rules import related_by_rule
from reader.packing import asked_of, fitting
from reader.prompts import render

__all__ = ["model_facts", "model_relations", "relations_by_rule"]

MOST_FACTS: Final = 8
STATEMENT_CHARACTERS: Final = 200
LAST_YEAR: Final = 9999


class _Draft(BaseModel):
    model_config = ConfigDict(extra="forbid")
    statement: Annotated[str, Field(max_length=STATEMENT_CHARACTERS)]
    quote: Annotated[str, Field(max_length=STATEMENT_CHARACTERS)]
    confidence: Annotated[float, Field(ge=0, le=1)]
    since: Annotated[int, Field(ge=0, le=LAST_YEAR)]


class _Drafts(BaseModel):
    """Facts, at most a few of them."""

    model_config = ConfigDict(extra="forbid")
    facts: Annotated[list[_Draft], Field(max_length=MOST_FACTS)]


def model_facts(model: ChatModel, text: str) -> tuple[DraftedFact, ...]:
    """The facts that a model finds in a user's words; none after an invalid reply, or without the room."""
    messages = asked_of(render("distil", text=text, most=MOST_FACTS))
    if not fitting(model, 1, lambda count: messages if count else []):
        return ()
    try:
        found = reply_as(model, messages, _Drafts).value.facts
    except InvalidReplyError:
        return ()
    return tuple(
        DraftedFact(each.statement, each.quote, each.confidence, each.since or None) for each in found
    )


def model_relations(model: ChatModel, statement: str, known: Sequence[str]) -> tuple[Relation, ...]:
    """How a statement relates to each that is known; by rule where a reply is invalid or the window full."""
    if not known:
        return ()
    shown = fitting(
        model, len(known), lambda count: asked_of(render("relate", statement=statement, known=known[:count]))
    )
    relation: Any = list[Literal["same", "contradicts", "unrelated"]]
    field: Any = (Annotated[relation, Field(min_length=shown, max_length=shown)], ...)
    form = create_model("Relations", __config__=ConfigDict(extra="forbid"), relations=field)
    prompt = render("relate", statement=statement, known=known[:shown])
    try:
        decided = reply_as(model, asked_of(prompt), form).value.model_dump()["relations"]
    except InvalidReplyError:
        return relations_by_rule(statement, known)
    return (*decided, *relations_by_rule(statement, known[shown:]))


def relations_by_rule(statement: str, known: Sequence[str]) -> tuple[Relation, ...]:
    """The same without a model (`reader.fact_rules`)."""
    return tuple(related_by_rule(statement, each) for each in known)
