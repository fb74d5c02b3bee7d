"""A chat model that is not asked twice for the same reply, and whose every call is recorded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from reader.chat import Cancellation, ChatModel, Completion, Finish, OnToken, Request
from reader.models.kept import Completions, content_address
from reader.wrapping import WrappedModel

__all__ = ["ModelCall", "RememberedModel"]


@dataclass(frozen=True, slots=True)
class ModelCall:
    """A call that ended in a reply.

    Attributes:
        task: What it was for, such as "answer" or "select"; "" if nobody said.
        model: The name of the model.
        prompt_tokens: Of the reply, also where it was cached and no model ran.
        completion_tokens: Likewise.
        seconds: 0 if it was cached.
        cached: Whether no model ran for it.
        run: The question it was made for, None outside of any.
    """

    task: str
    model: str
    prompt_tokens: int
    completion_tokens: int
    seconds: float
    cached: bool
    run: str | None = None


class RememberedModel(WrappedModel):
    """Wraps a `ChatModel` and is one.

    Complete replies are kept: those that ended by themselves or at the token cap. A request with a
    temperature and without a seed asks for chance, so its replies are neither kept nor found. Calls that
    raise leave no record. Views by `for_task` and `for_run` share the model and its cache.

    Args:
        model: Who is asked.
        completions: Where replies are kept, None to keep none.
        record: Gets every call when it is over, from the thread it ran in.
        task: Of the calls made through this view.
        run: Of the calls made through this view.
    """

    def __init__(
        self,
        model: ChatModel,
        completions: Completions | None,
        record: Callable[[ModelCall], None],
        task: str = "",
        run: str | None = None,
    ) -> None:
        super().__init__(model)
        self.completions = completions
        self.record = record
        self.task = task
        self.run = run

    def for_task(self, task: str) -> RememberedModel:
        """The same model, its calls recorded under that task."""
        return RememberedModel(self.model, self.completions, self.record, task, self.run)

    def for_run(self, run: str | None) -> RememberedModel:
        """The same model, its calls recorded under that run."""
        return RememberedModel(self.model, self.completions, self.record, self.task, run)

    def complete(
        self,
        request: Request,
        on_token: OnToken | None = None,
        cancellation: Cancellation | None = None,
    ) -> Completion:
        """Reply to one request; a kept reply comes to `on_token` in one piece."""
        fingerprint = self.model.fingerprint
        address = content_address(fingerprint, request)
        # Whoever has cancelled gets what a cancelled model gives, not the next kept reply.
        if cancellation is None or not cancellation.cancelled:
            found = self._find(address)
            if found is not None:
                self._note(found)
                if on_token is not None and found.text:
                    on_token(found.text)
                return found
        completion = self.model.complete(request, on_token, cancellation)
        self._keep(fingerprint, address, completion)
        return completion

    def complete_many(
        self,
        requests: Sequence[Request],
        on_done: Callable[[int, Completion], None] | None = None,
        cancellation: Cancellation | None = None,
    ) -> list[Completion]:
        """Reply to many requests, in their order; of equal ones that can be kept, only one is asked.

        Each reply is kept and recorded as soon as it is done, before `on_done` hears of it.
        """
        fingerprint = self.model.fingerprint
        addresses = [content_address(fingerprint, request) for request in requests]
        done: dict[int, Completion] = {}

        def settle(position: int, completion: Completion) -> None:
            done[position] = completion
            if on_done is not None:
                on_done(position, completion)

        # 1. What is kept; of the rest, which positions each asked request stands for.
        asked: list[list[int]] = []
        first: dict[bytes, list[int]] = {}
        cancelled = cancellation is not None and cancellation.cancelled
        for position, address in enumerate(addresses):
            if address is not None and address in first:
                first[address].append(position)
                continue
            found = None if cancelled else self._find(address)
            if found is not None:
                self._note(found)
                settle(position, found)
                continue
            asked.append([position])
            if address is not None:
                first[address] = asked[-1]

        # 2. The model, for what is left.
        def finish(index: int, completion: Completion) -> None:
            position, *equal = asked[index]
            self._keep(fingerprint, addresses[position], completion)
            settle(position, completion)
            for other in equal:
                copy = replace(completion, seconds=0.0, cached=True)
                self._note(copy)
                settle(other, copy)

        if asked:
            wanted = [requests[positions[0]] for positions in asked]
            for index, completion in enumerate(self.model.complete_many(wanted, finish, cancellation)):
                if asked[index][0] not in done:
                    # A backend may not call what it cancelled done.
                    finish(index, completion)
        return [done[position] for position in range(len(requests))]

    def _find(self, address: bytes | None) -> Completion | None:
        if self.completions is None or address is None:
            return None
        kept = self.completions.get(address)
        if kept is None:
            return None
        return Completion(
            text=kept.text,
            finish=Finish(kept.finish),
            prompt_tokens=kept.prompt_tokens,
            completion_tokens=kept.completion_tokens,
            seconds=0.0,
            enforced=kept.enforced,
            cached=True,
        )

    def _keep(self, fingerprint: str, address: bytes | None, completion: Completion) -> None:
        """Keep a reply that a model has just given, if it may be, and record it."""
        complete = completion.finish in (Finish.STOP, Finish.LENGTH)
        if self.completions is not None and address is not None and complete:
            self.completions.put(
                address,
                model=fingerprint,
                text=completion.text,
                finish=completion.finish.value,
                prompt_tokens=completion.prompt_tokens,
                completion_tokens=completion.completion_tokens,
                enforced=completion.enforced,
            )
        self._note(completion)

    def _note(self, completion: Completion) -> None:
        self.record(
            ModelCall(
                task=self.task,
                model=self.model.name,
                prompt_tokens=completion.prompt_tokens,
                completion_tokens=completion.completion_tokens,
                seconds=completion.seconds,
                cached=completion.cached,
                run=self.run,
            )
        )
