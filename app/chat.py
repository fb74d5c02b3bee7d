"""`clew chat`: question after question in a thread that is kept."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from typing import Final, TextIO

from rich.text import Text

from app.answers import Answer
from app.asking import clean_question
from app.display import Screen, printable, printable_lines
from app.forgetting import Forgetting
from app.library import Library
from app.memory_reports import fact_lines, forgotten_lines
from memory.incognito import Threads
from reader.errors import StoppedError
from retrieval.errors import ClewError

__all__ = ["Conversation"]

SHOWN: Final = 3
MEMORY: Final = ("/memory", "/remember", "/forget")
FACTS: Final = 10
HELP: Final = (
    "/history shows the conversation, /memory [WORDS] what is remembered; /remember TEXT and /forget FACT "
    "change that; /quit or Ctrl-D ends it, Ctrl-C stops an answer."
)


class Conversation:
    """A thread at the terminal.

    Args:
        library: What is asked.
        screen: Where it is shown.
        thread: Name of the thread, None for a new one.
        documents: Those that are asked, none for all.
        quiet: Show nothing on stdout.
        incognito: Leave nothing behind.
        no_spoilers: Answer only from what the user has read.
    """

    def __init__(
        self,
        library: Library,
        screen: Screen,
        thread: str | None,
        documents: Sequence[str] = (),
        quiet: bool = False,
        incognito: bool = False,
        no_spoilers: bool = False,
    ) -> None:
        self._library, self._screen, self._documents, self._quiet = library, screen, documents, quiet
        self._incognito, self._no_spoilers = incognito, no_spoilers
        self._threads: Threads = library.incognito if incognito else library.threads
        new = f"chat {datetime.now():%Y-%m-%d %H:%M:%S} {secrets.token_hex(2)}"
        self.thread = clean_question(thread) if thread is not None else new
        self.failed = 0

    def run(self, lines: TextIO | None) -> list[Answer]:
        """Answer each line until the input ends; an error is one sentence, and the conversation goes on.

        A question of this thread that was interrupted is answered first, of the documents that it was asked
        of. `failed` counts the questions that ended in an error.
        """
        self._greet(lines is not None and lines.isatty())
        answers: list[Answer] = []
        begun = None
        if not self._incognito:
            begun = self._library.agents.interrupted(self.thread, self._library.settings.user)
        if begun is not None:
            self._say(f"Going on with the question that was interrupted: {begun.question}")
            answers += self._answer(begun.question, begun.documents, begun.route, begun.no_spoilers)
        while lines is not None and (question := self._next(lines)) is not None:
            match question.strip():
                case "":
                    continue
                case "/quit" | "/exit":
                    break
                case "/help":
                    self._say(HELP)
                case "/history":
                    self._history(None)
                case command if command.partition(" ")[0] in MEMORY:
                    self._memory(*command.partition(" ")[::2])
                case asked:
                    answers += self._answer(asked, self._documents)
        return answers

    def _memory(self, command: str, text: str) -> None:
        """What is said about memory itself: seen, added to, forgotten."""
        if self._incognito:
            self._say("This conversation is incognito: nothing of it is remembered, and nothing recalled.")
            return
        memories, text = self._library.memories(), text.strip()
        try:
            match command:
                case "/remember":
                    noted = memories.add(text)
                    self._show([Text(noted.outcome, style="green"), *fact_lines(noted.fact)])
                case "/forget" if text:
                    with self._screen.progress() as progress:
                        report = Forgetting(self._library).forget_fact(memories.user, text, progress)
                    self._show(forgotten_lines(report))
                case "/memory":
                    now = memories.facts("true")
                    found = [each.fact for each in memories.search(text, FACTS)[0]] if text else now
                    self._show([line for fact in found for line in fact_lines(fact)])
                    if not found:
                        self._say("No such facts are kept.")
                case _:
                    self._say("Which one? /memory shows the facts with their ids.")
        except ClewError as error:
            self._screen.error(str(error))

    def _show(self, lines: Sequence[Text]) -> None:
        for line in lines:
            self._screen.err.print(line, soft_wrap=True)

    def _next(self, lines: TextIO) -> str | None:
        """The next line, asked for at a terminal with its editing keys; None at the end."""
        if not lines.isatty():
            return lines.readline() or None
        with suppress(ImportError):  # Windows has none; input() works without
            import readline  # noqa: F401 - what input() edits with
        try:
            return input("> ")
        except EOFError:
            return None
        except KeyboardInterrupt:
            self._screen.err.print()
            return "/quit"

    def _answer(
        self, question: str, documents: Sequence[str], route: str = "auto", no_spoilers: bool = False
    ) -> list[Answer]:
        try:
            with self._screen.asking() as live:
                answer = self._library.ask(
                    question,
                    documents,
                    route,
                    progress=live.progress,
                    step=live.step,
                    thread=self.thread,
                    draft=live.draft,
                    incognito=self._incognito,
                    no_spoilers=self._no_spoilers or no_spoilers,
                )
        except (KeyboardInterrupt, StoppedError):
            if not self._incognito:
                self._library.agents.abandon(self.thread, self._library.settings.user)
            self._say("Stopped.")
            return []
        except ClewError as error:
            self._screen.error(str(error))
            self.failed += 1
            return []
        if not self._quiet:
            self._screen.answer(answer)
        return [answer]

    def _greet(self, terminal: bool) -> None:
        turns = self._threads.turns(self.thread, last=SHOWN)
        known = f", {turns[-1].ordinal} turns so far" if turns else ""
        self._say(f"Thread {self.thread!r}{known}. {HELP if terminal else ''}")
        if turns and terminal:
            self._history(SHOWN)

    def _history(self, last: int | None) -> None:
        for turn in self._threads.turns(self.thread, last=last):
            self._screen.err.print(Text(f"> {printable(turn.question)}", style="bold"), soft_wrap=True)
            self._screen.err.print(Text(printable_lines(turn.answer)), soft_wrap=True)

    def _say(self, text: str) -> None:
        self._screen.err.print(Text(printable(text), style="dim"), soft_wrap=True)
