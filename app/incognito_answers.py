"""Answers that are written nowhere: asked and watched as those that are jobs, on threads of this process."""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from app.answering import AnswerStage, AnswerState, AskedAnswer, Heard, Told, answered
from app.events import Event
from app.shown_answers import ShownAnswer
from reader.chat import Cancellation
from reader.errors import StoppedError
from retrieval.errors import ClewError

if TYPE_CHECKING:
    from app.library import Library

__all__ = ["IncognitoAnswers", "LiveAnswer"]


class LiveAnswer:
    """An answer that is made in this process; safe to use from several threads."""

    def __init__(self, id: str, asked: AskedAnswer) -> None:
        self.id, self.asked = id, asked
        self.cancellation = Cancellation()
        self.answer: ShownAnswer | None = None
        self.run = ""
        self._lock = threading.Lock()
        self._heard = Heard(waiting="other questions are answered first")
        self._stage: AnswerStage = "waiting"
        self._error = ""
        self._began, self._ended = time.monotonic(), 0.0
        self.over = threading.Event()

    @property
    def ended(self) -> bool:
        """Whether nothing more comes of it."""
        return self._stage in ("answered", "stopped", "failed")

    def begin(self) -> None:
        """It is being answered from now on."""
        with self._lock:
            if not self.ended:
                self._stage, self._heard.waiting = "running", ""

    def hear(self, event: Event) -> None:
        """Take in what it tells."""
        with self._lock:
            self._heard.hear(event)

    def stop(self) -> None:
        """End it without an answer."""
        self.cancellation.cancel()
        self.end("stopped")

    def end(self, stage: AnswerStage, error: str = "") -> None:
        """End it, unless it has ended; one that was stopped too late is answered."""
        with self._lock:
            if not self.ended or stage == "answered":
                self._stage, self._error, self._ended = stage, error, time.monotonic()

    def state(self) -> AnswerState:
        """How it stands now."""
        with self._lock:
            answer = self.answer if self._stage == "answered" else None
            return AnswerState(
                id=self.id,
                thread=self.asked.thread,
                question=self.asked.question,
                documents=self.asked.documents,
                route=self.asked.route,
                no_spoilers=self.asked.no_spoilers,
                replaces=self.asked.replaces,
                incognito=True,
                state=self._stage,
                error=self._error,
                waiting="" if self.ended else self._heard.waiting,
                steps=answer.steps if answer is not None else self._heard.in_order(),
                draft="" if answer is not None else self._heard.draft,
                answer=answer,
                seconds=(self._ended or time.monotonic()) - self._began,
            )


class IncognitoAnswers:
    """The answers of one user that are written nowhere.

    Args:
        library: Of that user.
        at_once: So many are made at once.
    """

    def __init__(self, library: Library, at_once: int) -> None:
        self._library = library
        self._answers: OrderedDict[str, LiveAnswer] = OrderedDict()
        self._lock = threading.Lock()
        self._room = threading.Semaphore(at_once)
        self._making: list[Library] = []

    def belong_to(self, library: Library) -> None:
        """Have what is not begun yet be answered by another library of the same user."""
        with self._lock:
            self._library = library

    def made_by(self, library: Library) -> bool:
        """Whether a library is making one of them, be it stopped or forgotten already."""
        with self._lock:
            return any(each is library for each in self._making)

    def ask(self, asked: AskedAnswer) -> str:
        """Ask a question; its id."""
        with self._lock:
            for each in self._answers.values():
                if each.asked == asked and not each.ended:
                    return each.id
            live = LiveAnswer(f"incognito-{secrets.token_hex(8)}", asked)
            before = [each for each in self._answers.values() if each.asked.thread == asked.thread]
            self._answers[live.id] = live
        threading.Thread(target=self._run, args=(live, before), name=live.id, daemon=True).start()
        return live.id

    def find(self, id: str) -> LiveAnswer | None:
        """An answer, None if it is none of these."""
        return self._answers.get(id)

    def open(self, thread: str) -> str | None:
        """See `Answers.open`."""
        mine = self._of_thread(thread)
        on_the_way = [each.id for each in mine if not each.ended]
        if on_the_way:
            return on_the_way[0]
        return mine[-1].id if mine and mine[-1].answer is None else None

    def kept(self, thread: str) -> dict[str, tuple[AskedAnswer, ShownAnswer]]:
        """What was asked in a thread, and the answers as they were given, by the runs of their turns."""
        mine = self._of_thread(thread)
        return {each.run: (each.asked, each.answer) for each in mine if each.answer is not None}

    def rename_thread(self, old: str, new: str) -> None:
        """Have what was asked in a thread be known by its new name; nothing of it may be on its way."""
        for each in self._of_thread(old):
            each.asked = replace(each.asked, thread=new)

    def forget_thread(self, thread: str) -> int:
        """Stop and forget what was asked in a thread; how many questions."""
        asked = self._of_thread(thread)
        for each in asked:
            each.stop()
            self._drop(each.id)
        return len(asked)

    def _of_thread(self, thread: str) -> list[LiveAnswer]:
        with self._lock:
            answers = list(self._answers.values())
        return [each for each in answers if each.asked.thread == thread]

    def _run(self, live: LiveAnswer, before: Sequence[LiveAnswer]) -> None:
        """Answer a question after those of its thread that were asked `before`, when there is room."""
        for each in before:
            each.over.wait()
        try:
            self._answer(live)
        finally:
            live.over.set()
            self._library.home.incognito_room.ended(lambda: self._drop(live.id))

    def _drop(self, id: str) -> None:
        with self._lock:
            self._answers.pop(id, None)

    def _answer(self, live: LiveAnswer) -> None:
        with self._room:
            live.begin()
            if live.ended:
                return
            with self._lock:
                library = self._library
                self._making.append(library)
            try:
                live.answer, live.run = answered(
                    library, live.asked, Told(live.hear, live.cancellation), incognito=True
                )
                live.end("answered")
            except StoppedError:
                live.end("stopped")
            except ClewError as error:
                live.end("failed", str(error))
            except Exception as error:  # the outermost place of this thread, as a worker is of a task
                live.end("failed", f"An unexpected {type(error).__name__}: {error}")
            finally:
                with self._lock:
                    self._making.remove(library)
