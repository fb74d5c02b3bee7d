"""What the memory controller asks of a reader (SCM, arXiv 2304.13343): is memory needed, is a summary enough,
which memories can go, and what is a turn in one sentence. Each by a rule, and by a model.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from reader.chat import ChatModel, Message
from reader.decisions import choose, reply_as
from reader.errors import InvalidReplyError
from reader.packing import asked_of, fitting
from reader.prompts import render
from retrieval.chunking import flat
from retrieval.document import Span
from retrieval.sentences import pieces, split_sentences
from retrieval.words import content_words, naming_words

__all__ = [
    "MemoryForm",
    "asks_about_answers",
    "asks_for_what_was_said",
    "central_sentence",
    "model_judgement",
    "model_need",
    "model_sentence",
    "model_suffices",
    "words_suffice",
]

MemoryForm = Literal["drop", "summary", "raw"]

LONG: Final = 120
"""Words from which a model is asked for the one sentence; of less, the sentence that says most will do."""
SENTENCE_CHARACTERS: Final = 400
MOST_JUDGED: Final = 200

_ANSWERS: Final = re.compile(
    r"\b(?:you(?:'ve| have| had)? (?:\w+ )?(?:said|say|told|tell|mention(?:ed)?|answer(?:ed)?|suggest(?:ed)?"
    r"|recommend(?:ed)?|advis(?:ed|e)|explain(?:ed)?|wrote|write|list(?:ed)?|propos(?:ed|e)|gave|give)"
    r"|your (?:\w+ )?(?:answers?|reply|replies|advice|suggestions?|recommendations?|explanations?|lists?)"
    r"|we (?:\w+ )?(?:talk(?:ed)?|discuss(?:ed)?|sp(?:oke|eak))"
    r"|my (?:\w+ )?(?:questions?|messages?|words)"
    r"|(?:did|have|had) i (?:\w+ )?(?:say|said|ask(?:ed)?|tell|told|name|named|mention(?:ed)?))\b",
    re.IGNORECASE,
)
_TOLD: Final = re.compile(
    r"\b(?:i|we)(?:['’]ve| have| had)? (?:\w+ )?(?:told|said|mentioned|talked|discussed|wrote)\b",
    re.IGNORECASE,
)


class _Sentence(BaseModel):
    model_config = ConfigDict(extra="forbid")
    sentence: Annotated[str, Field(max_length=SENTENCE_CHARACTERS)]


class _Needed(BaseModel):
    model_config = ConfigDict(extra="forbid")
    whole: Annotated[list[Annotated[int, Field(ge=1, le=MOST_JUDGED)]], Field(max_length=MOST_JUDGED)]
    brief: Annotated[list[Annotated[int, Field(ge=1, le=MOST_JUDGED)]], Field(max_length=MOST_JUDGED)]


def asks_about_answers(question: str) -> bool:
    """Whether a question is about the very words of a conversation, its answers too (English)."""
    return _ANSWERS.search(question) is not None


def asks_for_what_was_said(question: str) -> bool:
    """Whether a question asks for something that was told or answered in a conversation (English)."""
    return asks_about_answers(question) or _TOLD.search(question) is not None


def words_suffice(question: str, summary: str, text: str) -> bool:
    """Whether a summary has all of the question's words that the text has."""
    asked = set(content_words(question))
    return asked & set(content_words(text)) <= set(content_words(summary))


def central_sentence(text: str) -> str:
    """The sentence that says most: content words, names and numbers count; "" if there is but one.

    A question says less than a statement, whatever its words. A sentence of more than `SENTENCE_CHARACTERS`
    is cut at the end of a word, also where there is but one.
    """
    sentences = [flat(text[span.start : span.end]) for span in split_sentences(text)]
    if len(sentences) <= 1:
        return "".join(_cut(each) for each in sentences if len(each) > SENTENCE_CHARACTERS)
    told = [each for each in sentences if not each.rstrip("\"”’' )").endswith("?")] or sentences

    def says(sentence: str) -> tuple[int, int]:
        return len(set(content_words(sentence))) + len(naming_words(sentence)), -len(sentence)

    return _cut(max(told, key=says))


def _cut(sentence: str) -> str:
    if len(sentence) <= SENTENCE_CHARACTERS:
        return sentence
    first = pieces(sentence, Span(0, len(sentence)), SENTENCE_CHARACTERS - 1)[0]
    return f"{sentence[: first.end].rstrip()}…"


def model_sentence(model: ChatModel, text: str) -> str:
    """A turn's text in one sentence: written by a model if it is long, and taken from it if not."""
    if len(text.split()) < LONG:
        return central_sentence(text)
    words = text.split()

    def messages(count: int) -> list[Message]:
        return asked_of(render("one_sentence", text=" ".join(words[:count])))

    count = fitting(model, len(words), messages)
    try:
        written = flat(reply_as(model, messages(count), _Sentence).value.sentence).strip()
    except InvalidReplyError:
        return central_sentence(text)
    return written or central_sentence(text)


def model_need(model: ChatModel, question: str, suggested: bool) -> bool:
    """Ask a model whether earlier conversations are needed; an invalid reply leaves what was suggested."""
    try:
        decided = choose(model, asked_of(render("needs_memory", question=question)), ["yes", "no"])
    except InvalidReplyError:
        return suggested
    return decided.value == "yes"


def model_suffices(model: ChatModel, question: str, summary: str) -> bool:
    """Ask a model whether a summary is enough; an invalid reply keeps the text."""
    prompt = render("suffices", question=question, summary=summary)
    try:
        return choose(model, asked_of(prompt), ["yes", "no"]).value == "yes"
    except InvalidReplyError:
        return False


def model_judgement(model: ChatModel, question: str, memories: Sequence[str]) -> list[MemoryForm]:
    """Ask a model which memories the question needs, whole or in brief; what it is not shown stays brief.

    An invalid reply, or one that needs nothing, drops none.
    """

    def messages(count: int) -> list[Message]:
        shown = [flat(each) for each in memories[:count]]
        return asked_of(render("judge_memories", question=question, memories=shown))

    count = fitting(model, min(len(memories), MOST_JUDGED), messages)
    rest: list[MemoryForm] = ["summary"] * (len(memories) - count)
    unjudged: list[MemoryForm] = ["raw"] * count
    if not count:
        return rest
    try:
        needed = reply_as(model, messages(count), _Needed).value
    except InvalidReplyError:
        return unjudged + rest
    whole, brief = set(needed.whole), set(needed.brief)
    if not whole | brief:
        return unjudged + rest
    forms: list[MemoryForm] = [
        "raw" if n in whole else "summary" if n in brief else "drop" for n in range(1, count + 1)
    ]
    return forms + rest
