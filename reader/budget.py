"""What a question may cost, looked at before it is spent (promise 6)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from reader.chat import Cancellation, ChatModel, Completion, Finish, OnToken, Request
from reader.errors import BudgetError, StoppedError
from reader.wrapping import WrappedModel

__all__ = ["Budget", "BudgetedModel"]


class Budget:
    """Calls, tokens and seconds that may still be spent; shared by all calls of one question.

    Args:
        calls: Most model calls, cached ones too.
        tokens: Most tokens of prompts and replies together; cached replies cost none.
        cancellation: Its deadline bounds the seconds.
        spent_calls: Calls of this question before an interruption.
        spent_tokens: Tokens of this question before an interruption.
    """

    def __init__(
        self,
        calls: int,
        tokens: int,
        cancellation: Cancellation | None = None,
        spent_calls: int = 0,
        spent_tokens: int = 0,
    ) -> None:
        self._most_calls, self._most_tokens = calls, tokens
        self.cancellation = cancellation or Cancellation()
        self.calls, self.tokens = spent_calls, spent_tokens
        self._lock = threading.Lock()

    def look(self) -> None:
        """See that there is time left.

        Raises:
            BudgetError: If the time is over.
            StoppedError: If the question was stopped.
        """
        with self._lock:
            self._check_time()

    def reserve(self, tokens: int, calls: int = 1, keep: int = 0) -> None:
        """Count calls before they are made, all or none of them.

        Args:
            tokens: Of their prompts and of the longest replies that they may have.
            calls: How many they are.
            keep: Calls that must be left afterwards.

        Raises:
            BudgetError: If they would be too many, or their tokens too much.
            StoppedError: If the question was stopped.
        """
        with self._lock:
            self._check_time()
            if self.calls + calls + keep > self._most_calls:
                raise BudgetError(f"the limit of {self._most_calls} model calls for one question is reached")
            if self.tokens + tokens > self._most_tokens:
                text = f"the limit of {self._most_tokens:,} tokens for one question is reached"
                raise BudgetError(text)
            self.calls += calls

    def add(self, completion: Completion) -> None:
        """Count what a call has cost."""
        with self._lock:
            if not completion.cached:
                self.tokens += completion.prompt_tokens + completion.completion_tokens

    def check(self, completion: Completion) -> None:
        """See that a reply is whole.

        Raises:
            BudgetError: If it was cut short by the deadline.
            StoppedError: If it was stopped.
        """
        if completion.finish is Finish.CANCELLED:
            self._check_time()
            raise StoppedError("The question was stopped.")

    def _check_time(self) -> None:
        if self.cancellation.by_hand:
            raise StoppedError("The question was stopped.")
        if self.cancellation.cancelled:
            raise BudgetError("the time limit for one question is reached")


class BudgetedModel(WrappedModel):
    """A `ChatModel` whose calls are counted against a budget; a call that was cut short is an error."""

    __slots__ = ("budget", "keep")

    def __init__(self, model: ChatModel, budget: Budget, keep: int = 0) -> None:
        """`keep` calls of the budget are left to others."""
        super().__init__(model)
        self.budget, self.keep = budget, keep

    def complete(
        self, request: Request, on_token: OnToken | None = None, cancellation: Cancellation | None = None
    ) -> Completion:
        """Reply, if the budget has the room; its deadline counts unless another cancellation is given.

        Raises:
            BudgetError: If the budget is spent, or its time ran out within the call.
            StoppedError: If it was stopped by hand.
            ModelError: As the model.
        """
        tokens = self.model.prompt_tokens(request.messages) + request.max_tokens
        self.budget.reserve(tokens, keep=self.keep)
        completion = self.model.complete(request, on_token, cancellation or self.budget.cancellation)
        self.budget.add(completion)
        self.budget.check(completion)
        return completion

    def complete_many(
        self,
        requests: Sequence[Request],
        on_done: Callable[[int, Completion], None] | None = None,
        cancellation: Cancellation | None = None,
    ) -> list[Completion]:
        """Reply to many requests; all of them are counted before the first is made.

        Raises:
            BudgetError: If the budget is spent, or its time ran out within the calls.
            StoppedError: If they were stopped by hand.
            ModelError: As the model.
        """
        tokens = sum(self.model.prompt_tokens(each.messages) + each.max_tokens for each in requests)
        self.budget.reserve(tokens, len(requests), self.keep)

        told = set[int]()

        def counted(place: int, completion: Completion) -> None:
            told.add(place)
            self.budget.add(completion)  # it has cost something, whatever becomes of the others
            if on_done is not None:
                on_done(place, completion)

        done = self.model.complete_many(requests, counted, cancellation or self.budget.cancellation)
        for place, completion in enumerate(done):
            if place not in told:
                self.budget.add(completion)  # of those that were cut short nobody is told
        for completion in done:
            self.budget.check(completion)
        return done
