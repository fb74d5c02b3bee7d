"""A model whose calls stop when their job does; a call that was cut short is an error, never a reply."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from reader.chat import Cancellation, ChatModel, Completion, Finish, OnToken, Request
from reader.errors import StoppedError
from reader.wrapping import WrappedModel

__all__ = ["StoppableModel"]


class StoppableModel(WrappedModel):
    """A `ChatModel` bound to a cancellation, without any other limit."""

    __slots__ = ("cancellation",)

    def __init__(self, model: ChatModel, cancellation: Cancellation) -> None:
        super().__init__(model)
        self.cancellation = cancellation

    def complete(
        self, request: Request, on_token: OnToken | None = None, cancellation: Cancellation | None = None
    ) -> Completion:
        """Reply to one request.

        Raises:
            StoppedError: If it was cancelled, before or within the call.
            ModelError: As the model.
        """
        return _whole(self.model.complete(request, on_token, self._checked(cancellation)))

    def complete_many(
        self,
        requests: Sequence[Request],
        on_done: Callable[[int, Completion], None] | None = None,
        cancellation: Cancellation | None = None,
    ) -> list[Completion]:
        """Reply to many requests.

        Raises:
            StoppedError: If they were cancelled.
            ModelError: As the model.
        """
        done = self.model.complete_many(requests, on_done, self._checked(cancellation))
        return [_whole(completion) for completion in done]

    def _checked(self, cancellation: Cancellation | None) -> Cancellation:
        bound = cancellation or self.cancellation
        if bound.cancelled:
            raise StoppedError("The job was stopped.")
        return bound


def _whole(completion: Completion) -> Completion:
    if completion.finish is Finish.CANCELLED:
        raise StoppedError("The job was stopped.")
    return completion
