"""The memory controller: how much of what was activated goes before the reader, and in which form.

SCM (arXiv 2304.13343), section 3.3, with the budgets of the paper. Deviations: the paper activates at most 10
long turns; here short ones fill the same budget, so many more can be given. Its loop over items that are
summaries already never ends in the released code; here every item is looked at once for each pass. What is
above a budget even as a summary is cut to an extract, so that no budget is ever exceeded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal, Protocol

from retrieval.document import Span
from retrieval.sentences import pieces

__all__ = [
    "ActivatedItem",
    "ControllerReader",
    "Form",
    "MemoryBudget",
    "Selected",
    "control",
    "extract",
    "flash_text",
]

Form = Literal["raw", "summary", "extract"]

ASKED: Final = 4
"""Long items, the most relevant ones, of which the reader is asked whether their summaries are enough."""


@dataclass(frozen=True, slots=True)
class MemoryBudget:
    """Tokens.

    Attributes:
        flash: The turn before is given raw up to so many, else as its summary, cut where that has more.
        item: An item of more is replaced by its summary, if that is enough, when ...
        activated: ... all items together have more than these.
        total: What all items may have together.
    """

    flash: int = 500
    item: int = 800
    activated: int = 2_000
    total: int = 2_500

    def __post_init__(self) -> None:
        if not 0 <= self.activated <= self.total or min(self.flash, self.item) < 0:
            raise ValueError(f"budgets {self}: none may be below 0, and activated not above total")

    @property
    def extract(self) -> int:
        """What is left of an item that has more than the total, and no summary that has less."""
        return min(self.item, self.total)


@dataclass(frozen=True, slots=True)
class ActivatedItem:
    """A turn that was activated.

    Attributes:
        key: Of the turn.
        at: When it was said.
        text: All of it, as it would be shown.
        summary: What stands for it, "" if it is as short itself.
        score: Of its activation, higher is better.
        form: In which it is shown.
        tokens: Of what is shown.
    """

    key: int
    at: datetime
    text: str
    summary: str
    score: float
    form: Form = "raw"
    tokens: int = 0

    @property
    def shown(self) -> str:
        """What the reader sees of it."""
        return self.summary if self.form == "summary" else self.text


@dataclass(frozen=True, slots=True)
class Selected:
    """The items that go before the reader, by time; `dropped` had no room or were judged away."""

    items: tuple[ActivatedItem, ...]
    dropped: int = 0

    @property
    def tokens(self) -> int:
        """Of all items."""
        return sum(item.tokens for item in self.items)


class ControllerReader(Protocol):
    """What the controller asks of a reader."""

    def summary_suffices(self, question: str, summary: str, text: str) -> bool:
        """Whether a summary is enough to answer a question from, so that the text itself can go."""

    def judge_memories(
        self, question: str, memories: Sequence[str]
    ) -> Sequence[Literal["drop", "summary", "raw"]]:
        """For each memory whether the question needs it, and in which form."""


def control(
    question: str,
    activated: Sequence[ActivatedItem],
    budget: MemoryBudget,
    count_tokens: Callable[[str], int],
    reader: ControllerReader,
) -> Selected:
    """Fit activated items into the budget.

    Args:
        question: What is to be answered.
        activated: Best first.
        budget: In tokens.
        count_tokens: Of a text.
        reader: Judges what is too much.
    """
    counted = [_counted(each, budget, count_tokens) for each in activated]
    items = [each for each in counted if each.shown]

    def as_summary(item: ActivatedItem) -> ActivatedItem:
        tokens = count_tokens(item.summary) if item.summary else item.tokens
        return replace(item, form="summary", tokens=tokens) if tokens < item.tokens else item

    # Long items, once all together are many: their summaries, where these are enough.
    if _tokens(items) > budget.activated:
        long = [n for n, item in enumerate(items) if item.tokens > budget.item and item.summary]
        for n in long:
            item = items[n]
            # Each may cost a call of a model: of those far down the list it is not asked.
            if n not in long[:ASKED] or reader.summary_suffices(question, item.summary, item.text):
                items[n] = as_summary(item)
    # Over the total: all but the most relevant are judged, ...
    if _tokens(items) > budget.total and len(items) > 1:
        judged = reader.judge_memories(question, [item.shown for item in items[1:]])
        kept = zip(items[1:], judged, strict=True)
        items = [items[0]] + [
            as_summary(item) if form == "summary" else item for item, form in kept if form != "drop"
        ]
    # ... then made summaries of, the least relevant first, ...
    total = _tokens(items)
    for n in reversed(range(1, len(items))):
        if total <= budget.total:
            break
        total -= items[n].tokens
        items[n] = as_summary(items[n])
        total += items[n].tokens
    # ... then dropped. The most relevant one, which has no more than the total, is left.
    while total > budget.total:
        total -= items.pop().tokens
    in_time = sorted(items, key=lambda item: (item.at, item.key))
    return Selected(tuple(in_time), len(activated) - len(in_time))


def flash_text(text: str, summary: str, budget: MemoryBudget, count_tokens: Callable[[str], int]) -> str:
    """The turn before as it is given: raw if it is short enough, else its summary or the beginning of it.

    Args:
        text: All of it.
        summary: What stands for it, "" if nothing does.
        budget: In tokens.
        count_tokens: Of a text.
    """
    if not summary or count_tokens(text) <= budget.flash:
        return extract(text, budget.flash, count_tokens)
    return extract(summary, budget.flash, count_tokens)


def extract(text: str, most: int, count_tokens: Callable[[str], int]) -> str:
    """A text, or its beginning up to the end of a word, of at most so many tokens; "" if nothing fits."""
    if count_tokens(text) <= most:
        return text
    # Halving: what `fits` has been counted, so that it fits even where fewer characters have more tokens.
    fits, too_many = "", len(text)
    least = 0
    while too_many - least > 1:
        middle = (least + too_many) // 2
        beginning = _beginning(text, middle)
        if count_tokens(beginning) <= most:
            least, fits = middle, beginning
        else:
            too_many = middle
    return fits


def _beginning(text: str, length: int) -> str:
    """The first characters of a text up to the end of a word, with an ellipsis."""
    first = pieces(text, Span(0, length + 1), length)[0]
    return f"{text[: first.end].rstrip()}…"


def _counted(item: ActivatedItem, budget: MemoryBudget, count_tokens: Callable[[str], int]) -> ActivatedItem:
    """An item with its tokens: raw, or as what can be given at all of one that has more than the total."""
    tokens = count_tokens(item.text)
    if tokens <= budget.total:
        return replace(item, form="raw", tokens=tokens)
    tokens = count_tokens(item.summary)
    if item.summary and tokens <= budget.total:
        return replace(item, form="summary", tokens=tokens)
    text = extract(item.text, budget.extract, count_tokens)
    return replace(item, form="extract", text=text, tokens=count_tokens(text))


def _tokens(items: Sequence[ActivatedItem]) -> int:
    return sum(item.tokens for item in items)
