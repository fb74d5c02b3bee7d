"""Any question-answering model of transformers in place of the embedded one."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, Final, Self

import numpy as np

from reader.errors import SpanReaderError
from reader.spans.scoring import WindowScores, reading_of
from retrieval.batching import plan_batches
from retrieval.reranking import Reading

__all__ = ["NamedSpanReader"]

LENGTH: Final = 384
OVERLAP: Final = 64


class NamedSpanReader:
    """A `SpanReader` on a model with a span head alone: how far its best span is above "no answer" stands for
    relevance as well. Trained on SQuAD 2.0, "no answer" is its first token; others know no such thing well.

    Use `load`; the constructor only stores.
    """

    def __init__(self, model: Any, tokenizer: Any, name: str) -> None:
        self.name = name
        self._model, self._tokenizer = model, tokenizer

    @classmethod
    def load(cls, name: str, device: str = "cpu", number_format: str = "float32") -> Self:
        """Load a folder, or a model that was downloaded before.

        Raises:
            SpanReaderError: If it is not there, cannot be loaded, or answers no questions.
        """
        import torch
        from safetensors import SafetensorError
        from transformers import AutoConfig, AutoModelForQuestionAnswering, AutoTokenizer

        logging.getLogger("transformers").setLevel(logging.ERROR)
        try:
            made_for = AutoConfig.from_pretrained(name, local_files_only=True).architectures or []
            if not any(each.endswith("ForQuestionAnswering") for each in made_for):
                raise SpanReaderError(
                    f"{name} is no question-answering model ({', '.join(made_for) or 'it says nothing'}); "
                    "set CLEW_SPAN_READER to one that is, or to embedded or off."
                )
            model = AutoModelForQuestionAnswering.from_pretrained(name, local_files_only=True)
            tokenizer = AutoTokenizer.from_pretrained(name, local_files_only=True, use_fast=True)
        except (OSError, ValueError, RuntimeError, KeyError, ImportError, SafetensorError) as error:
            reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            raise SpanReaderError(
                f"The model {name!r} of CLEW_SPAN_READER cannot be loaded: {reason.rstrip('.')}."
            ) from error
        if not tokenizer.is_fast:
            raise SpanReaderError(f"The tokenizer of {name} tells no offsets, so no quote could be checked.")
        return cls(model.to(device=device, dtype=getattr(torch, number_format)).eval(), tokenizer, name)

    def read(self, question: str, texts: Sequence[str]) -> list[Reading]:
        """What comes of reading each text for the question, in the order of `texts`."""
        if not texts:
            return []
        longest = min(LENGTH, self._tokenizer.model_max_length)
        found = self._tokenizer(
            [question] * len(texts),
            list(texts),
            truncation="only_second",
            max_length=longest,
            stride=min(OVERLAP, longest // 4),
            return_overflowing_tokens=True,
            return_offsets_mapping=True,
        )
        scores: dict[int, WindowScores] = {}
        for batch in plan_batches([len(ids) for ids in found["input_ids"]]):
            scores |= self._scored(found, batch)
        of_text: list[list[WindowScores]] = [[] for _ in texts]
        for n, text in enumerate(found["overflow_to_sample_mapping"]):
            of_text[text].append(scores[n])
        return [reading_of(each) for each in of_text]

    def _scored(self, found: Any, batch: Sequence[int]) -> dict[int, WindowScores]:
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
            offsets = np.array([found["offset_mapping"][n][k] for k in second], np.int32).reshape(-1, 2)
            where = np.array(second, int) + shift
            first = found["input_ids"][n].index(self._first(found["input_ids"][n])) + shift
            none = float(starts[row, first]), float(ends[row, first])
            begin, end = starts[row, where], ends[row, where]
            best = float((begin.max(initial=-50.0) + end.max(initial=-50.0)) - sum(none))
            scores[n] = WindowScores(offsets, begin, end, none, best, best)
        return scores

    def _first(self, ids: Sequence[int]) -> int:
        """The token that stands for "no answer"."""
        named = self._tokenizer.cls_token_id
        return int(named) if named is not None and named in ids else int(ids[0])
