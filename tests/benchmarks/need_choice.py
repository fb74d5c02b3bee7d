"""Fit when a question needs memory: `need_choice.py SHARED_DATA [--write]`.

Questions on LoCoMo's conversations (categories 1 to 4) need them; questions on Jane Eyre, the sample novella
and XQuAD do not, and each is asked of the memory of one of the conversations, in turn. People ask their own
memory about themselves, LoCoMo asks about two people: every second of its questions that names one of these
is put into the first person, and every seventh speaks of what was said. Every third question of either sort
is asked politely ("Can you tell me ..."), so that this tells nothing; and every third has been asked before,
and was answered by Clew, which tells nothing either.

Fitted on the first three conversations and every second of the other questions; reported on the rest, which
nothing was chosen on. The threshold has the best balanced accuracy on what is fitted; a language model is
asked where fewer than 99 % of the decisions would be right.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
import uuid
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

from app.bootstrap import open_library
from app.config import Settings
from app.conversation_files import Conversation, load_conversations
from app.events import silent
from app.locomo_evaluation import keep_conversation
from app.memory_home import MemoryHome
from app.question_files import read_questions
from memory.need import CALIBRATION, NEED_SIGNALS, MemoryNeed, need_signals
from memory.threads import Turn
from memory.turn_keys import turn_keys

REPOSITORY = Path(__file__).parents[2]
POLITE, OWN, SPOKEN, BEFORE = 3, 2, 7, 3
FITTED = 3
RIGHT = 0.99
PENALTY = 1e-3


def in_first_person(question: str, names: list[str]) -> str:
    """The question as the person it names would ask it, unless it names both."""
    named = [name for name in names if re.search(rf"\b{name}\b", question)]
    if len(named) != 1:
        return question
    said = re.sub(rf"\b{named[0]}['’]s\b", "my", question)
    said = re.sub(rf"\b(?:did|does) {named[0]}\b", lambda found: found[0].replace(named[0], "I"), said)
    said = re.sub(rf"\b(?:is|was) {named[0]}\b", "was I", said)
    return re.sub(rf"\b{named[0]}\b", "I", said)


def asked(texts: list[str]) -> list[str]:
    """Some of them politely."""
    return [
        f"Can you tell me {text[0].lower()}{text[1:]}" if n % POLITE == 0 else text
        for n, text in enumerate(texts)
    ]


def of_memory(conversation: Conversation) -> list[str]:
    names = sorted({turn.speaker for _, _, turn in conversation.turns()})
    texts = [each.question for each in conversation.questions if each.category in {1, 2, 3, 4}]
    own = [in_first_person(t, names) if n % OWN else t for n, t in enumerate(texts)]
    return asked([f"We talked about it: {t}" if n % SPOKEN == 0 else t for n, t in enumerate(own)])


def of_documents(shared: Path) -> list[str]:
    files = (shared / "book_qa" / "jane_eyre.json", REPOSITORY / "data" / "novella_qa.json")
    texts = [question.text for file in files for question in read_questions(file).questions]
    return asked(texts + [q.text for q in read_questions(shared / "xquad" / "dev.json").questions])


def ask_before(questions: list[str], memory: MemoryHome, user: str) -> None:
    """As if these had been asked before, and not been answered."""
    stream = memory.stream(user)
    for question in questions:
        turn = Turn(
            run=uuid.uuid4().hex,
            question=question,
            answer=f"Nobody tells: {question}",
            abstained=True,
            asked_at=datetime.now(UTC),
            seconds=0.0,
            details={"model": "extractive"},
        )
        stream.append("before", turn, memory.encode(turn_keys(turn)))


def signals_of(shared: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The signals of all questions, shape (n, len(NEED_SIGNALS)); which need memory, and which are fitted."""
    rows, needs, fitted = [], [], []
    conversations = load_conversations(shared / "locomo" / "dev.json")
    others = of_documents(shared)
    with tempfile.TemporaryDirectory() as home:
        library = open_library(Settings(home=Path(home)))
        for number, conversation in enumerate(conversations):
            memory = library.memory.at(conversation.ended)
            recollector = memory.recollector(conversation.sample_id)
            keep_conversation(conversation, memory, silent)
            mine = [(text, True, number < FITTED) for text in of_memory(conversation)]
            foreign = others[number :: len(conversations)]
            mine += [(text, False, n % 2 == 0) for n, text in enumerate(foreign)]
            ask_before([text for text, _, _ in mine[::BEFORE]], memory, conversation.sample_id)
            for (text, need, fit), row in zip(mine, memory.encode([t for t, _, _ in mine]), strict=True):
                found = need_signals(text, *recollector.telling(recollector.activated(text, row)))
                rows.append([found[name] for name in NEED_SIGNALS])
                needs.append(need)
                fitted.append(fit)
        library.close()
    return np.array(rows), np.array(needs), np.array(fitted)


def fit(rows: np.ndarray, needs: np.ndarray) -> np.ndarray:
    """Intercept and coefficients of the logistic function, both sorts counting alike."""
    weights = np.where(needs, 0.5 / needs.sum(), 0.5 / (~needs).sum())

    def loss(found: np.ndarray) -> float:
        margins = (found[0] + rows @ found[1:]) * np.where(needs, 1, -1)
        return float(weights @ np.logaddexp(0, -margins) + PENALTY * found[1:] @ found[1:])

    best: np.ndarray = minimize(loss, np.zeros(1 + rows.shape[1])).x
    return best


def probabilities(found: np.ndarray, rows: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-(found[0] + rows @ found[1:]))))


def balanced(taken: np.ndarray, needs: np.ndarray) -> float:
    return float((taken[needs].mean() + (~taken[~needs]).mean()) / 2)


def unsure(found: np.ndarray, needs: np.ndarray, threshold: float) -> tuple[float, float]:
    """From the threshold outwards, the narrowest stretch beyond which enough decisions are right."""

    def right(taken: np.ndarray, decided: np.ndarray) -> bool:
        return bool(decided.any()) and float(taken[decided].mean()) >= RIGHT

    grid = np.linspace(0, 1, 101)
    high = min((p for p in grid if p >= threshold and right(needs, found >= p)), default=1.0)
    low = max((p for p in grid if p <= threshold and right(~needs, found <= p)), default=0.0)
    return round(float(low), 2), round(float(high), 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("shared", type=Path)
    parser.add_argument("--write", action="store_true", help="Put the numbers into memory/need.json.")
    arguments = parser.parse_args()
    rows, needs, fitted = signals_of(arguments.shared)
    found = fit(rows[fitted], needs[fitted])
    chances = probabilities(found, rows)
    grid = np.linspace(0.05, 0.95, 91)
    threshold = float(max(grid, key=lambda p: balanced(chances[fitted] >= p, needs[fitted])))
    low, high = unsure(chances[fitted], needs[fitted], threshold)
    for name, part in (("fitted", fitted), ("unseen", ~fitted)):
        taken, wanted = chances[part] >= threshold, needs[part]
        sure = (chances[part] < low) | (chances[part] > high)
        print(
            f"{name}: {part.sum()} questions, {wanted.sum()} need memory; needed and taken so "
            f"{taken[wanted].mean():.3f}, not needed and taken so {(~taken[~wanted]).mean():.3f}, balanced "
            f"{balanced(taken, wanted):.3f}; sure of {sure.mean():.3f}, right there "
            f"{(taken == wanted)[sure].mean():.3f}"
        )
    calibration = MemoryNeed(
        intercept=round(float(found[0]), 4),
        coefficients={n: round(float(c), 4) for n, c in zip(NEED_SIGNALS, found[1:], strict=True)},
        threshold=round(threshold, 2),
        unsure=(low, high),
    )
    print(calibration)
    if arguments.write:
        written = {"source": "tests/benchmarks/need_choice.py", "calibration": calibration.model_dump()}
        CALIBRATION.write_text(json.dumps(written, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
