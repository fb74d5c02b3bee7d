"""The embedded model that reads a question and a text together, at the best speed of this machine."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, Self

import numpy as np

from reader.spans.adapter import ADAPTER, HEADS, WEIGHTS, WIDTH, merged_weights
from reader.spans.decoding import LONGEST, agreed, of_whole_words
from reader.spans.scoring import WindowScores, reading_of
from reader.spans.windows import Window, windows_of
from retrieval.batching import SPECIAL_TOKENS, plan_batches
from retrieval.encoder import DEFAULT_ENCODER, model_folder
from retrieval.hits import Float32
from retrieval.reranking import Reading

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["WEIGHTS", "EmbeddedSpanReader"]

LENGTH: Final = 320
"""Tokens read at once: a question and the longest chunk of a search."""
BATCH: Final = 4096
"""Tokens of a batch, padding included."""


class EmbeddedSpanReader:
    """A `SpanReader` on the installed encoder's model and the trained additions; safe on several threads.

    Use `load`; the constructor only stores.
    """

    def __init__(self, model: Any, heads: dict[str, Tensor], tokenizer: Any, name: str) -> None:
        self.name = name
        self._model, self._heads, self._tokenizer = model, heads, tokenizer

    @classmethod
    def load(
        cls,
        folder: Path,
        device: str = "cpu",
        number_format: Literal["float32", "bfloat16", "float16"] = "bfloat16",
    ) -> Self:
        """Load it.

        Raises:
            SpanReaderError: If the weights are missing or of another model.
            EncoderError: If the model below is not installed.
        """
        import torch
        from tokenizers import Tokenizer
        from transformers import AutoModel
        from transformers.utils import logging as transformers_logging

        transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        verbosity = transformers_logging.get_verbosity()
        transformers_logging.set_verbosity_error()  # type: ignore[no-untyped-call]
        try:
            model = AutoModel.from_pretrained(
                model_folder(DEFAULT_ENCODER),
                add_pooling_layer=False,
                attn_implementation="sdpa",
                local_files_only=True,
            )
        finally:
            transformers_logging.set_verbosity(verbosity)
        weights, heads = merged_weights(folder, model.state_dict())
        model.load_state_dict(weights)
        dtype = getattr(torch, number_format)
        model = model.to(device=device, dtype=dtype).eval()
        kept = {name: each.to(device=device, dtype=dtype) for name, each in heads.items()}
        tokenizer = Tokenizer.from_file(str(model_folder(DEFAULT_ENCODER) / "tokenizer.json"))
        tokenizer.no_truncation()
        tokenizer.no_padding()
        digest = hashlib.blake2b(digest_size=8)
        for file in (ADAPTER, HEADS):
            digest.update((folder / file).read_bytes())
        return cls(model, kept, tokenizer, f"embedded@{digest.hexdigest()}")

    def read(self, question: str, texts: Sequence[str]) -> list[Reading]:
        """What comes of reading each text for the question, in the order of `texts`."""
        windows = windows_of(question, texts, self._tokenizer, LENGTH)
        scores: dict[int, WindowScores] = {}
        for batch in plan_batches([len(window.ids) - SPECIAL_TOKENS for window in windows], BATCH):
            scores |= self._scored(windows, batch)
        of_text: list[list[WindowScores]] = [[] for _ in texts]
        for n, window in enumerate(windows):
            of_text[window.text].append(scores[n])
        return [reading_of(each) for each in of_text]

    def _scored(self, windows: Sequence[Window], batch: Sequence[int]) -> dict[int, WindowScores]:
        import torch
        from torch.nn.functional import linear

        length = max(len(windows[n].ids) for n in batch)
        ids = np.zeros((len(batch), length), np.int64)
        kinds, mask, shapes = np.zeros_like(ids), np.zeros_like(ids), np.zeros_like(ids)
        for row, n in enumerate(batch):
            here = windows[n]
            ids[row, : len(here.ids)], mask[row, : len(here.ids)] = here.ids, 1
            kinds[row, here.begin : len(here.ids)] = 1
            shapes[row, : len(here.ids)] = here.shapes
        heads = self._heads
        device = heads["span.weight"].device
        with torch.inference_mode():
            words = self._model.embeddings.word_embeddings(torch.from_numpy(ids).to(device))
            hidden = self._model(
                inputs_embeds=words + heads["shape.weight"][torch.from_numpy(shapes).to(device)],
                token_type_ids=torch.from_numpy(kinds).to(device),
                attention_mask=torch.from_numpy(mask).to(device),
            ).last_hidden_state

            def scored(rows: Tensor, name: str) -> Tensor:
                return linear(rows, heads[f"{name}.weight"], heads[f"{name}.bias"])

            ends, first, last = (
                scored(hidden, "span").float(),
                scored(hidden, "first"),
                scored(hidden, "last"),
            )
            both = torch.bmm(first, last.transpose(1, 2)).float() / WIDTH**0.5
            spans = (both + ends[:, :, :1] + ends[:, :, 1].unsqueeze(1)).cpu().numpy()
            sentences = scored(hidden, "sentence")[:, :, 0].float().cpu().numpy()
            whole = [scored(hidden[:, 0], name) for name in ("none", "relevant", "answerable")]
            by_text = torch.cat(whole, -1).float().cpu().numpy()
        found: dict[int, WindowScores] = {}
        for row, n in enumerate(batch):
            here, (none, relevance, answerable) = windows[n], map(float, by_text[row])
            own = slice(here.begin, here.begin + len(here.offsets))
            bands = of_whole_words(_bands(spans[row, own, own]), here.inner, here.wordless)
            scores = agreed(bands, sentences[row, own])
            found[n] = WindowScores(here.offsets, scores, none, relevance, answerable)
        return found


def _bands(scores: Float32) -> Float32:
    """From (first, last) to (first, how many more), shape (tokens, LONGEST)."""
    count = len(scores)
    bands = np.full((count, LONGEST), -np.inf, np.float32)
    for more in range(min(LONGEST, count)):
        bands[: count - more, more] = np.diagonal(scores, more)
    return bands
