"""Replies of models in tests: what a prompt asks for, one that answers soberly, and one that lies."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Mapping
from typing import Any

from reader.chat import Request

TASKS = {
    "select": "Which of the numbered sentences",
    "enough": "Does the evidence hold all",
    "answer": "Answer the question from the evidence alone",
    "needs_history": "Does this question refer to something",
    "standalone": "Write the question so that it can be understood",
    "parts": "Does this question ask for several things",
    "demonstration": "Write one question that this text answers",
    "summarise": "Summarise the text in at most",
    "triage": "Which one of the parts summarised above",
    "leaf": "Does this text hold what answers the question",
    "route": "How is this question best looked up",
    "distil": "Which lasting facts about the user",
    "relate": "What the user says now",
    "needs_memory": "To answer this, must one know what was said",
    "suffices": "Is this summary alone enough",
    "judge_memories": "Which of these earlier turns does the question need",
    "one_sentence": "Write in one sentence what this text says",
}
MARKS = (
    *("“{}”", '"{}"', "«{}»", "‘{}’", "„{}“", "> {}\n", "“{}", "`{}`", "❝{}❞", "❛{}❜", "《{}》", "〈{}〉"),
    *("＇{}＇", "‟{}”", "‛{}’", "❮{}❯", "´´{}´´", "″{}″", "״{}״", "''{}''", '""{}""', '"”{}"'),
    *("<q>{}</q>", "<blockquote>{}</blockquote>", "&amp;quot;{}&amp;quot;", "and said '{}"),
)
"""The quotation marks that a liar may use."""
Reply = Callable[[Request], str | Exception]


def prompt_of(request: Request | Mapping[str, Any]) -> str:
    """All that a model is shown, from a request or from the body of one."""
    if isinstance(request, Request):
        return "\n".join(message.content for message in request.messages)
    return "\n".join(message["content"] for message in request["messages"])


def task_of(prompt: str) -> str:
    """What a prompt asks for."""
    found = [task for task, words in TASKS.items() if words in prompt]
    assert len(found) == 1, (found, prompt[-400:])
    return found[0]


def evidence_of(prompt: str) -> list[str]:
    """The pieces of evidence in a prompt for an answer, in their order."""
    return re.findall(r'<evidence n="\d+" from="[^"]*">(.*?)</evidence>', prompt, re.DOTALL)


def question_of(prompt: str) -> str:
    return re.findall(r"<question>([^<]*)</question>", prompt)[-1]


def sober(request: Request | Mapping[str, Any]) -> str:
    """Selects the first sentences, finds them enough, and answers with the first piece of evidence."""
    prompt = prompt_of(request)
    question = question_of(prompt) if "</question>" in prompt else ""
    match task_of(prompt):
        case "select":
            numbers = [int(n) for n in re.findall(r"^\[(\d+)\]", prompt, re.MULTILINE)]
            return json.dumps({"ids": numbers[:3]})
        case "enough":
            return json.dumps({"enough": True, "missing": ""})
        case "answer":
            return f"{evidence_of(prompt)[0]} [1]"
        case "needs_history":
            return json.dumps({"needs_history": False})
        case "standalone":
            return json.dumps({"question": question})
        case "parts":
            return json.dumps({"questions": [question]})
        case "triage":
            return json.dumps({"choice": "1"})
        case "leaf":
            return json.dumps({"choice": "commit"})
        case "route":
            return json.dumps({"choice": re.findall(r"it seems to be: (\w+)", prompt)[-1]})
        case "needs_memory":
            return json.dumps({"choice": "yes"})
        case "suffices":
            return json.dumps({"choice": "no"})
        case "judge_memories":
            return json.dumps({"whole": [1], "brief": [2]})
        case "one_sentence":
            return json.dumps({"sentence": re.findall(r"<text>\n(.*?)[.!?\n]", prompt, re.DOTALL)[0]})
        case "distil":
            return json.dumps({"facts": []})
        case task:
            raise AssertionError(f"nobody asks for {task} here")


class Liar:
    """A model that says whatever harms: each reply is drawn from a seed.

    Invented quotes, numbers out of range, half JSON, endless text, instructions of the document repeated,
    citations of nothing, reasoning that is never closed, empty replies, control characters.
    """

    def __init__(self, seed: int, planted: str) -> None:
        self.random, self.planted, self.calls = random.Random(seed), planted, 0

    def __call__(self, request: Request) -> str:
        self.calls += 1
        prompt = prompt_of(request)
        if task_of(prompt) == "answer":
            return self.answer(evidence_of(prompt))
        return self.decision(task_of(prompt))

    def decision(self, task: str) -> str:
        draw = self.random
        numbers = [draw.choice([-1, 0, 1, 2, 3, 5, 40, 999, 10**9]) for _ in range(draw.randint(0, 9))]
        queries = [draw.choice(["", self.planted, "Who?", "Where?"]) for _ in range(draw.randint(0, 9))]
        missing = draw.choice(["", "Who?", self.planted, "x" * 900])
        whole: dict[str, Any] = {
            "select": {"ids": numbers},
            "enough": {"enough": draw.random() < 0.3, "missing": missing},
            "needs_history": {"needs_history": draw.choice([True, "maybe", None])},
            "standalone": {"question": draw.choice(["", self.planted, "Who is Dorcas?", "y" * 5000])},
            "parts": {"questions": queries},
            "triage": {"choice": draw.choice(["1", "2", "3", "0", "9", "-1", 1, "", self.planted, None])},
            "leaf": {"choice": draw.choice(["commit", "revert", "revert", "-1", "answer", self.planted, 7])},
            "route": {"choice": draw.choice(["search", "walk", "whole", "delete", self.planted])},
            "needs_memory": {"choice": draw.choice(["yes", "no", "", 7, self.planted])},
            "suffices": {"choice": draw.choice(["yes", "no", None, self.planted])},
            "judge_memories": {"whole": numbers, "brief": numbers[:2]},
            "one_sentence": {"sentence": draw.choice(["", self.planted, "z" * 5000])},
            "distil": {
                "facts": [{"statement": self.planted, "quote": self.planted, "confidence": 1, "since": 0}]
            },
            "relate": {"relations": [draw.choice(["same", "contradicts", "unrelated", self.planted])]},
        }[task]
        text = json.dumps(whole)
        return draw.choice(
            [
                text,
                text,
                text,
                text[: len(text) // 2],
                f"Sure! ```json\n{text}\n```",
                f"<think>{text}",
                f"<think>well</think>{text}",
                json.dumps([whole]),
                json.dumps(whole | {"action": "delete"}),
                self.planted,
                "",
                "{" * 3000,
                "\x00\x1b[31m" + text,
            ]
        )

    def answer(self, evidence: list[str]) -> str:
        draw, count = self.random, len(evidence)
        marks = draw.choice(MARKS)
        invented = marks.format(
            draw.choice(["the sea was made of glass", "Dorcas never lived", self.planted])
        )
        twisted = marks.format(draw.choice(evidence).replace(" the ", " no ") + " never")
        honest = marks.format(draw.choice(evidence))
        first, *others = draw.choice(evidence).split(" ")
        filled = draw.choice(['"{} [Smith, who poisoned her] {}"', "“{} [he killed her] [and fled] {}”"])
        filled = filled.format(first, " ".join(others))
        number = draw.choice([0, 1, count, count + 1, 77, 10**6])
        parts = [
            f"She said {invented} [{draw.randint(1, count)}].",
            f"It is written: {twisted} [{number}].",
            f"It stands there: {honest} [{draw.randint(1, count)}].",
            f"The answer is nine [{number}].",
            f"She wrote {filled} [{draw.randint(1, count)}].",
            f"\nThe poisoner was Smith. Smith fled to Paris. {draw.choice(evidence)} [{number}].\n",
            f"\n# The poisoner was Smith\n\n{draw.choice(evidence)} [{draw.randint(1, count)}].\n",
            "\nSmith poisoned the keeper.\n",
            self.planted,
            "UNANSWERABLE",
            "word " * 4000,
            "“" * 500,
            "[1] " * 200,
            "<script>alert(1)</script> [1]",
            "\x1b]0;owned\x07 [1]",
            "",
        ]
        chosen = draw.sample(parts, draw.randint(1, 4))
        return draw.choice(["", "<think>a “lie” [1]</think>", "</think>"]) + " ".join(chosen)
