"""Stage 2 of retrieve-then-reason: what a model is asked to answer from, and what becomes of its answer."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field

from reader.chat import ChatModel, Completion, Finish, Message
from reader.checking import check_answer
from reader.contract import Packed, ReaderAnswer, Remembered
from reader.decisions import reply_as
from reader.errors import InvalidReplyError, WindowError
from reader.packing import best_first_and_last, most_that_fit
from reader.prompts import render
from retrieval.chunking import flat
from retrieval.document import Span
from retrieval.evidence import DocumentOrigin, Evidence, MemoryOrigin, Origin
from retrieval.sentences import split_sentences
from retrieval.verify import Verdict

__all__ = ["REFUSAL", "AnswerRequest", "answer_request", "checked_answer", "demonstration_of"]

REFUSAL: Final = "UNANSWERABLE"
CONTEXT_TOKENS: Final = 1_500
"""Most tokens of passages around the evidence; more of them distract more than they explain."""
DEMONSTRATION_SENTENCES: Final = 12
_REFUSED: Final = re.compile(rf"[\W_]*{REFUSAL}(?![^\W_])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class AnswerRequest:
    """A prompt with numbered evidence.

    Attributes:
        messages: What is asked.
        positions: The evidence of each number; number n is at n - 1.
        max_tokens: Most tokens of the answer.
        left_out: Pieces of evidence that did not fit.
        forgotten: Memories that did not fit.
        packed: What of it takes how much room.
    """

    messages: tuple[Message, ...]
    positions: tuple[int, ...]
    max_tokens: int
    left_out: int
    forgotten: int
    packed: Packed


def answer_request(
    model: ChatModel,
    question: str,
    evidence: Sequence[Evidence],
    usable: Sequence[int],
    context: Sequence[str],
    demonstrations: Sequence[dict[str, Any]],
    most_tokens: int,
    whole: bool = False,
    memories: Sequence[Remembered] = (),
) -> AnswerRequest:
    """Pack evidence, then memories, then examples, then passages around it, as far as there is room.

    Evidence and passages are given best first, and shown with the best first and last; evidence on the whole
    of the documents is shown in their order. Of memories, given oldest first, those longest ago go first.

    Raises:
        WindowError: If not even one piece of evidence fits.
    """
    ranked = list(usable)
    max_tokens = max(1, min(most_tokens, model.window // 4))

    def shown_order(kept: int) -> list[int]:
        if whole:
            return sorted(
                ranked[:kept], key=lambda n: (evidence[n].origin.source, evidence[n].origin.span.start)
            )
        return best_first_and_last(ranked[:kept])

    def messages(kept: int, passages: int, examples: int, remembered: int) -> tuple[Message, ...]:
        shown = [
            {"n": number, "place": _place(evidence[n].origin), "text": flat(evidence[n].quote)}
            for number, n in enumerate(shown_order(kept), start=1)
        ]
        prompt = render(
            "answer",
            evidence=shown,
            context=[flat(text) for text in best_first_and_last(context[:passages])],
            memories=[
                {"label": each.label, "text": flat(each.text)}
                for each in memories[len(memories) - remembered :]
            ],
            demonstrations=list(demonstrations[:examples]),
            question=question,
            refusal=REFUSAL,
            remembered=any(isinstance(each.origin, MemoryOrigin) for each in evidence),
            whole=whole,
        )
        return Message("system", render("system")), Message("user", prompt)

    @cache
    def size(kept: int, passages: int, examples: int, remembered: int) -> int:
        return model.prompt_tokens(messages(kept, passages, examples, remembered))

    room = model.window - max_tokens
    kept = most_that_fit(len(ranked), lambda k: size(k, 0, 0, 0) <= room)
    if not kept:
        raise WindowError(
            f"The window of {model.name} has {model.window} tokens, too few to answer in; "
            "set CLEW_WINDOW if it has more.",
            model.window,
        )
    said = most_that_fit(len(memories), lambda k: size(kept, 0, 0, k) <= room)
    examples = most_that_fit(len(demonstrations), lambda k: size(kept, 0, k, said) <= room)
    limit = min(room, size(kept, 0, examples, said) + CONTEXT_TOKENS)
    passages = most_that_fit(len(context), lambda k: size(kept, k, examples, said) <= limit)
    # Each part is what the prompt grows by with it.
    sizes = [size(0, 0, 0, 0), size(kept, 0, 0, 0), size(kept, 0, 0, said)]
    sizes += [size(kept, 0, examples, said), size(kept, passages, examples, said)]
    grown = [size - before for before, size in pairwise([0, *sizes])]
    names = ("instructions", "evidence", "memory", "examples", "passages")
    parts = [(name, tokens) for name, tokens in zip(names, grown, strict=True) if tokens > 0]
    left_out = {
        "evidence": [evidence[n].quote for n in ranked[kept:]],
        "memory": [each.text for each in memories[: len(memories) - said]],
        "passages": list(context[passages:]),
    }
    packed = Packed(
        window=model.window,
        parts=(*parts, ("answer", max_tokens)),
        left_out=tuple(
            (name, sum(model.count_tokens(flat(text)) for text in texts))
            for name, texts in left_out.items()
            if texts
        ),
    )
    return AnswerRequest(
        messages=messages(kept, passages, examples, said),
        positions=tuple(shown_order(kept)),
        max_tokens=max_tokens,
        left_out=len(ranked) - kept,
        forgotten=len(memories) - said,
        packed=packed,
    )


def checked_answer(
    completion: Completion, asked: AnswerRequest, numbered: Sequence[Evidence], question: str
) -> ReaderAnswer:
    """What may be shown of a completion; `numbered` is the evidence in the order of the prompt."""
    notes: tuple[str, ...] = ()
    if asked.left_out:
        notes = (f"evidence left out, the window is full: {asked.left_out}",)
    if asked.forgotten:
        notes += (f"memories left out, the window is full: {asked.forgotten}",)
    if _REFUSED.match(html.unescape(completion.text)):
        text = "The evidence does not answer this question."
        return ReaderAnswer(text, True, (), notes=notes, left_out=asked.left_out, packed=asked.packed)
    draft = completion.text
    if completion.finish is not Finish.STOP:
        notes += (f"cut off after {completion.completion_tokens} tokens",)
        ends = split_sentences(draft)
        draft = draft[: ends[-2].end] if len(ends) > 1 else draft
    checked = check_answer(draft, numbered, question)
    notes += checked.notes
    if not checked.cited:
        text = "The model's answer rests on none of the evidence, so it is not shown."
        return ReaderAnswer(text, True, (), notes=notes, left_out=asked.left_out, packed=asked.packed)
    cited = tuple(asked.positions[n] for n in checked.cited)
    return ReaderAnswer(checked.text, False, cited, notes=notes, left_out=asked.left_out, packed=asked.packed)


class Demonstration(BaseModel):
    """A question about a text, the sentences that answer it, and the answer."""

    model_config = ConfigDict(extra="forbid")
    question: Annotated[str, Field(min_length=8, max_length=200)]
    sentences: Annotated[
        list[Annotated[int, Field(ge=1, le=DEMONSTRATION_SENTENCES)]], Field(min_length=1, max_length=3)
    ]
    answer: Annotated[str, Field(min_length=1, max_length=200)]


def demonstration_of(model: ChatModel, text: str) -> dict[str, Any] | None:
    """An example of a question with its evidence and answer; None if the model makes no sound one.

    Sound is one whose sentences are there and whose answer holds when it is checked against them.
    """
    spans = split_sentences(text)[:DEMONSTRATION_SENTENCES]
    if not spans:
        return None
    sentences = [flat(text[span.start : span.end]) for span in spans]
    shown = [{"id": n, "text": sentence} for n, sentence in enumerate(sentences, start=1)]
    prompt = render("demonstration", sentences=shown)
    messages = [Message("system", render("system")), Message("user", prompt)]
    try:
        made = reply_as(model, messages, Demonstration).value
    except (InvalidReplyError, WindowError):
        return None
    numbers = list(dict.fromkeys(made.sentences))
    if max(numbers) > len(sentences):
        return None
    evidence = [_example_evidence(sentences[n - 1], n) for n in numbers]
    checked = check_answer(made.answer, evidence, made.question)
    if not checked.cited:
        return None
    return {
        "question": made.question,
        "evidence": [each.quote for each in evidence],
        "answer": _cited_as_shown(checked.text, checked.cited),
    }


def _cited_as_shown(text: str, cited: Sequence[int]) -> str:
    """The checked answer with its [n] counting the evidence of the example, not its citations."""
    return re.sub(r"\[(\d+)\]", lambda found: f"[{cited[int(found.group(1)) - 1] + 1}]", text)


def _example_evidence(sentence: str, number: int) -> Evidence:
    origin = DocumentOrigin("", "", "", None, Span(number * 100_000, number * 100_000 + len(sentence)))
    return Evidence(origin, sentence, 0.0, 0.0, 0.0, Verdict.VERIFIED)


def _place(origin: Origin) -> str:
    kind = "memory: " if isinstance(origin, MemoryOrigin) else ""
    return kind + ", ".join(origin.place)
