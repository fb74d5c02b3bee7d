"""Any question-answering model of transformers in place of the embedded one."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from typing import Any, Final, Self

import numpy as np

from reader.errors import SpanReaderError
from reader.spans.decoding import best_spans, in_bands
from reader.spans.scoring import WindowScores, reading_of
from reader.spans.windows import MOST_QUESTION, readable, with_marks
from retrieval.batching import plan_batches
from retrieval.encoder import model_folder
from retrieval.errors import EncoderError
from retrieval.reranking import Reading

__all__ = ["NamedSpanReader"]

LENGTH: Final = 384
OVERLAP: Final = 64
NOTHING: Final = -100.0
"""Log-odds of a text without tokens."""


class NamedSpanReader:
    """A `SpanReader` on a model with a span head alone: how far its best span is above "no answer" stands for
    relevance as well. Trained on SQuAD 2.0, "no answer" is its first token; others know no such thing well.
    Safe on several threads.

    Use `load`; the constructor only stores.
    """

    def __init__(self, model: Any, tokenizer: Any, name: str) -> None:
        self.name = name
        self._model, self._tokenizer = model, tokenizer
        # Where a tokenizer of transformers cuts is set in it before each use.
        self._lock = threading.Lock()

    @classmethod
    def load(cls, name: str, device: str = "cpu", number_format: str = "float32") -> Self:
        """Load a folder, or a model that was downloaded before.

        Raises:
            SpanReaderError: If it is not there, cannot be loaded, or answers no questions.
        """
        import torch
        from safetensors import SafetensorError
        from transformers import AutoConfig, AutoModelForQuestionAnswering, AutoTokenizer
        from transformers.utils import logging as transformers_logging

        transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        logging.getLogger("transformers").setLevel(logging.ERROR)
        try:
            folder = model_folder(name)
        except EncoderError as error:
            raise SpanReaderError(
                f"The model {name!r} is neither a folder nor among the downloaded models; "
                "set CLEW_SPAN_READER to one that is, or to embedded or off."
            ) from error
        try:
            made_for = AutoConfig.from_pretrained(folder, local_files_only=True).architectures or []
            if not any(each.endswith("ForQuestionAnswering") for each in made_for):
                raise SpanReaderError(
                    f"{name} is no question-answering model ({', '.join(made_for) or 'it says nothing'}); "
                    "set CLEW_SPAN_READER to one that is, or to embedded or off."
                )
            model, loaded = AutoModelForQuestionAnswering.from_pretrained(
                folder, local_files_only=True, output_loading_info=True
            )
            model = model.to(device=device, dtype=getattr(torch, number_format)).eval()
            tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, use_fast=True)
        except (
            OSError,
            ValueError,
            RuntimeError,
            TypeError,
            KeyError,
            ImportError,
            SafetensorError,
        ) as error:
            reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            raise SpanReaderError(
                f"The model {name!r} of CLEW_SPAN_READER cannot be loaded: {reason.rstrip('.')}."
            ) from error
        if missing := sorted(loaded["missing_keys"]):
            raise SpanReaderError(
                f"The weights of {name} lack {missing[0]}, so its answers would be by chance."
            )
        if len(tokenizer) <= len(tokenizer.all_special_ids):
            raise SpanReaderError(f"There is no tokenizer in {name} that knows a word.")
        if not tokenizer.is_fast:
            raise SpanReaderError(f"The tokenizer of {name} tells no offsets, so no quote could be checked.")
        return cls(model, tokenizer, name)

    def read(self, question: str, texts: Sequence[str]) -> list[Reading]:
        """What comes of reading each text for the question, in the order of `texts`."""
        if not texts:
            return []
        question, texts = readable(question), [readable(text) for text in texts]
        longest = min(LENGTH, self._tokenizer.model_max_length)
        with self._lock:
            found = self._tokenizer(
                [self._cut(question, min(MOST_QUESTION, longest // 4))] * len(texts),
                texts,
                truncation="only_second",
                max_length=longest,
                stride=min(OVERLAP, longest // 4),
                return_overflowing_tokens=True,
                return_offsets_mapping=True,
            )
        scores: dict[int, WindowScores] = {}
        for batch in plan_batches([len(ids) for ids in found["input_ids"]]):
            scores |= self._scored(found, batch, texts)
        of_text: list[list[WindowScores]] = [[] for _ in texts]
        for n, text in enumerate(found["overflow_to_sample_mapping"]):
            of_text[text].append(scores[n])
        return [reading_of(each) for each in of_text]

    def _cut(self, question: str, most: int) -> str:
        """The first tokens of a question."""
        found = self._tokenizer(question, add_special_tokens=False, return_offsets_mapping=True)
        places = found["offset_mapping"]
        return question if len(places) <= most else question[: places[most - 1][1]]

    def _scored(self, found: Any, batch: Sequence[int], texts: Sequence[str]) -> dict[int, WindowScores]:
        import torch

        names = [name for name in ("input_ids", "token_type_ids", "attention_mask") if name in found]
        padded = self._tokenizer.pad(
            [{name: found[name][n] for name in names} for n in batch], padding=True, return_tensors="pt"
        )
        with torch.inference_mode():
            reply = self._model(**{name: padded[name].to(self._model.device) for name in names})
        starts, ends = reply.start_logits.float().cpu().numpy(), reply.end_logits.float().cpu().numpy()
        scores: dict[int, WindowScores] = {}
        for row, n in enumerate(batch):
            shift = 0
            if self._tokenizer.padding_side == "left":
                shift = starts.shape[1] - len(found["input_ids"][n])
            second = [k for k, part in enumerate(found.sequence_ids(n)) if part == 1]
            text = texts[found["overflow_to_sample_mapping"][n]]
            places = with_marks(text, [found["offset_mapping"][n][k] for k in second])
            offsets = np.array([_trimmed(text, *place) for place in places], np.int32).reshape(-1, 2)
            where = np.array(second, int) + shift
            first = found["input_ids"][n].index(self._first(found["input_ids"][n])) + shift
            none = float(starts[row, first] + ends[row, first])
            bands = in_bands(starts[row, where], ends[row, where])
            spans = best_spans(bands, offsets, none)
            best = spans[0].score if spans else NOTHING
            scores[n] = WindowScores(offsets, bands, none, best, best)
        return scores

    def _first(self, ids: Sequence[int]) -> int:
        """The token that stands for "no answer"."""
        named = self._tokenizer.cls_token_id
        return int(named) if named is not None and named in ids else int(ids[0])


def _trimmed(text: str, begin: int, end: int) -> tuple[int, int]:
    """A token's place without white space; of one that is nothing else, what is behind it and before it."""
    while begin < len(text) and text[begin].isspace():
        begin += 1
    while end > 0 and text[end - 1].isspace():
        end -= 1
    return begin, end
