"""A language model in this process, by transformers: any causal model by name or folder, on a GPU or a CPU.

What is asked goes one of two ways: `ContinuousBatches` on a GPU, for models of attention layers, and
`PaddedBatches` for everything else, and for replies with a schema or a temperature.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Final, Literal, Self

from reader.chat import Cancellation, Completion, Finish, Message, OnToken, Request
from reader.errors import ModelError, WindowError
from reader.models.chat_format import ChatFormat
from reader.models.continuous import ContinuousBatches, runs_continuously
from reader.models.grammar import Grammars
from reader.models.loading import DEFAULT_WINDOW, LoadedModel, NumberFormat, Quantization, load_model
from reader.models.memory import free_memory
from reader.models.padded import PaddedBatches
from reader.models.prefix import PrefixCache
from reader.models.replies import CallersError, Reply, callers_own
from reader.models.turns import Turns

__all__ = ["Batching", "TransformersModel"]

Batching = Literal["auto", "continuous", "padded"]

_ROWS: Final = {"cpu": 16, "cuda": 64}
_TOKENS: Final = {"cpu": 8_192, "cuda": 262_144}


class TransformersModel:
    """A `ChatModel` on weights in this process.

    Use `load`; the constructor only stores.

    Attributes:
        name: As it was given to `load`.
        fingerprint: Name and content of the weights, number format and quantization.
        window: Tokens of prompt and reply together.
        parameters: Billions of parameters.
        concurrency: Requests it works on at once.
    """

    def __init__(
        self, loaded: LoadedModel, name: str, fingerprint: str, window: int, continuous: bool = False
    ) -> None:
        model = loaded.model
        kind = "cpu" if model.device.type == "cpu" else "cuda"
        self.name, self.fingerprint, self.window = name, fingerprint, window
        self.concurrency = _ROWS[kind]
        self.parameters: float | None = model.num_parameters() / 1e9
        self._format = ChatFormat(loaded.tokenizer, name)
        width = int(model.get_output_embeddings().weight.shape[0])
        self._grammars = Grammars(self._format.backend, width, loaded.ends)
        self._ends = frozenset(loaded.ends)
        self._turns = Turns()
        closing = self._turns.closing
        most_tokens, prefixes = max(_TOKENS[kind], window), PrefixCache(model)
        self._padded = PaddedBatches(
            model, name, loaded.pad, self.concurrency, most_tokens, prefixes, closing
        )
        self._continuous = (
            ContinuousBatches(model, loaded.ends, loaded.pad, window, closing) if continuous else None
        )
        # Also when the program ends: threads that are still within torch then would abort it.
        self._at_exit = weakref.finalize(
            self, self._turns.end, None if self._continuous is None else self._continuous.close
        )

    @classmethod
    def load(
        cls,
        name: str,
        *,
        device: str = "auto",
        window: int | None = None,
        trust_remote_code: bool = False,
        quantization: Quantization = "none",
        batching: Batching = "auto",
        number_format: NumberFormat = "auto",
    ) -> Self:
        """Load a model by name on the Hugging Face hub, which may download it, or from a folder.

        Args:
            name: A folder, or a name on the hub.
            device: "auto" takes a GPU if there is one.
            window: Tokens of prompt and reply together, at least 1; never more than the model's own.
            trust_remote_code: Whether Python files that come with the weights may run.
            quantization: Fewer bits per weight, by bitsandbytes.
            batching: "auto" is continuous on a GPU where the model can, and padded elsewhere.
            number_format: "auto" is bfloat16 on a GPU and on CPUs that are fast at it, else float32.

        Raises:
            ModelNotFoundError: If there is no such model.
            ModelLoadError: If it cannot be loaded.
        """
        if window is not None and window < 1:
            raise ValueError(f"window is {window}, at least 1 is needed")
        from retrieval.encoder import model_fingerprint

        loaded = load_model(name, device, trust_remote_code, quantization, number_format)
        own = loaded.window or max(DEFAULT_WINDOW, window or 0)
        continuous = batching == "continuous" or (batching == "auto" and loaded.model.device.type == "cuda")
        numbers = str(loaded.model.dtype).removeprefix("torch.")
        return cls(
            loaded,
            name,
            f"{model_fingerprint(name)}:{numbers}:{quantization}",
            min(own, window or own),
            continuous and runs_continuously(loaded.model),
        )

    @property
    def batching(self) -> Literal["continuous", "padded"]:
        """How requests without a schema are answered now."""
        return "continuous" if self._continuous is not None and self._continuous.usable else "padded"

    @property
    def prompt_tokens_reused(self) -> int:
        """Prompt tokens that padded batches did not compute again, since it was loaded."""
        return self._padded.prefixes.tokens_reused

    def count_tokens(self, text: str) -> int:
        """Tokens of a text as it stands in a prompt, without the chat template."""
        return self._format.count(text)

    def prompt_tokens(self, messages: Sequence[Message]) -> int:
        """Tokens of the whole prompt, chat template included."""
        return len(self._format.prompt(messages))

    def complete(
        self,
        request: Request,
        on_token: OnToken | None = None,
        cancellation: Cancellation | None = None,
    ) -> Completion:
        """Reply to one request; see `ChatModel`."""
        reply = self._reply(request, on_token, cancellation)
        self._run([reply], lambda _: None, cancellation)
        return reply.completion()

    def complete_many(
        self,
        requests: Sequence[Request],
        on_done: Callable[[int, Completion], None] | None = None,
        cancellation: Cancellation | None = None,
    ) -> list[Completion]:
        """Reply to many requests together; see `ChatModel`."""
        replies = [self._reply(request, None, cancellation) for request in requests]
        positions = {id(reply): position for position, reply in enumerate(replies)}

        def done(reply: Reply) -> None:
            if on_done is not None:
                with callers_own():
                    on_done(positions[id(reply)], reply.completion())

        self._run(replies, done, cancellation)
        return [reply.completion() for reply in replies]

    def close(self) -> None:
        """Free the weights and the memory of the device.

        Calls that run end at their next token, with a ModelError, and are waited for. Called by one of them,
        from its `on_token` or `on_done`, it frees them when that call has ended.
        """
        self._turns.closing.set()
        with self._turns.take():
            if self._turns.depth == 1:
                self._free()

    def _reply(self, request: Request, on_token: OnToken | None, cancellation: Cancellation | None) -> Reply:
        self._check_open()
        matcher = None if request.schema is None else self._grammars.start(request.schema)
        prompt = self._format.prompt(request.messages, reply_at_once=matcher is not None)
        if len(prompt) + request.max_tokens > self.window:
            raise WindowError(
                f"The prompt has {len(prompt)} tokens and the reply may have {request.max_tokens}, together "
                f"more than the {self.window} of the window of {self.name}.",
                self.window,
            )
        return Reply(request, prompt, self._format, self._ends, matcher, on_token, cancellation)

    def _free(self) -> None:
        self._at_exit.detach()
        if self._continuous is not None:
            self._continuous.close()
        self._padded.close()
        free_memory()

    def _run(
        self, replies: list[Reply], on_done: Callable[[Reply], None], cancellation: Cancellation | None
    ) -> None:
        with self._turns.call():
            try:
                return self._run_both_ways(replies, on_done, cancellation)
            except CallersError as wrapped:
                error = wrapped.error
            except ModelError:
                if not self._turns.closing.is_set():
                    raise
                # A new one, as the frames of the old one hold weights.
                error = self._closed()
        raise error

    def _run_both_ways(
        self, replies: list[Reply], on_done: Callable[[Reply], None], cancellation: Cancellation | None
    ) -> None:
        if self._continuous is not None and self._continuous.usable:
            free = [each for each in replies if each.request.temperature == 0 and each.request.schema is None]
            if free and not self._continuous.started:
                with self._alone(cancellation) as mine:
                    # Not from a function of a call that is within the model.
                    if mine and self._turns.depth == 1:
                        self._continuous.start()
            if free:
                self._continuous.run(free, on_done, streaming=cancellation is not None or len(replies) == 1)
        left = [reply for reply in replies if reply.finish is None]
        if not left and (self._continuous is None or not self._continuous.dead):
            return
        with self._alone(cancellation) as mine:
            if mine:
                self._padded.run(left, on_done)
                return
        for reply in left:
            reply.done(Finish.CANCELLED)

    @contextmanager
    def _alone(self, cancellation: Cancellation | None) -> Iterator[bool]:
        """Wait until no other thread uses the model; False if it was cancelled meanwhile.

        Raises:
            ModelError: If it was closed meanwhile.
        """
        with self._turns.take(cancellation) as mine:
            if not mine:
                yield False
                return
            try:
                self._check_open()
                with nullcontext() if self._continuous is None else self._continuous.paused():
                    yield True
            finally:
                if self._turns.depth == 1 and self._turns.closing.is_set():
                    self._free()

    def _check_open(self) -> None:
        if self._turns.closing.is_set():
            raise self._closed()

    def _closed(self) -> ModelError:
        return ModelError(f"The model {self.name} has been closed.")
