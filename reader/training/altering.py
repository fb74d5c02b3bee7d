"""Questions made wrong for their passage: another name or number in them, or a negation."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from typing import Final

import numpy as np

from reader.training.rows import Row

__all__ = ["altered_questions"]

NAME: Final = re.compile(r"(?<=[a-z,'’] )[A-Z][\w'’-]+(?: (?:of |the |de )?[A-Z][\w'’-]+)*")
NUMBER: Final = re.compile(r"(?<![\w.,])\d[\d,.]*\d(?![\w])|(?<![\w.,])\d(?![\w.,])")
VERB: Final = re.compile(r"\b(did|was|is|were|are|does|do|has|had|would|could|have)\b(?!n['’]t| not| n['’]t)")
NEGATED: Final = 0.2


def altered_questions(rows: Sequence[Row], random: np.random.Generator) -> list[str | None]:
    """For each row with an answer its question with something exchanged, so that the passage has no answer.

    What is put in its place stands elsewhere in the same article, as the writers of trick questions do it.
    None where there is nothing to exchange.
    """
    names: dict[tuple[str, str], list[str]] = defaultdict(list)
    numbers: dict[tuple[str, str], list[str]] = defaultdict(list)
    for context, key in dict.fromkeys((row.context, (row.source, row.title)) for row in rows):
        names[key] += NAME.findall(context)
        numbers[key] += NUMBER.findall(context)
    return [
        _altered(row, names[row.source, row.title], numbers[row.source, row.title], random)
        if row.answers
        else None
        for row in rows
    ]


def _altered(
    row: Row, names: Sequence[str], numbers: Sequence[str], random: np.random.Generator
) -> str | None:
    places = [(found, names) for found in NAME.finditer(row.question)]
    places += [(found, numbers) for found in NUMBER.finditer(row.question)]
    verb = VERB.search(row.question)
    if verb and (not places or random.random() < NEGATED):
        return f"{row.question[: verb.end()]}n't{row.question[verb.end() :]}"
    if not places:
        return None
    found, others = places[int(random.integers(len(places)))]
    said = found.group().lower()
    others = [each for each in others if not {*each.lower().split()} & {*said.split()}]
    answers = [text.lower() for text, _ in row.answers]
    others = [
        each for each in others if not any(each.lower() in text or text in each.lower() for text in answers)
    ]
    if not others:
        return None
    other = others[int(random.integers(len(others)))]
    return f"{row.question[: found.start()]}{other}{row.question[found.end() :]}"
