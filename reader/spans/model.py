"""The embedded model that reads a question and a text together, at the best speed of this machine."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, Self

import numpy as np

from reader.spans.adapter import ADAPTER, HEADS, merged_weights
from reader.spans.scoring import WindowScores, reading_of
from reader.spans.windows import Window, windows_of
from retrieval.encoder import DEFAULT_ENCODER, model_folder
from retrieval.reranking import Reading

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["WEIGHTS", "EmbeddedSpanReader"]

WEIGHTS: Final = Path(__file__).parents[2] / "data" / "reader"
LENGTH: Final = 320
"""Tokens read at once: a question and the longest passage of a search."""
BATCH: Final = 4096
"""Tokens of a batch, padding included."""


class EmbeddedSpanReader:
    """A `SpanReader` on the installed encoder's model and the trained additions; safe on several threads.

    Use `load`; the constructor only stores.
    """

    def __init__(self, model: Any, heads: dict[str, Tensor], tokenizer: Any, name: str) -> None:
        self.name = name
        self._model, self._heads, self._tokenizer = model, heads, tokenizer
        self._lock = threading.Lock()

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
        batch: list[int] = []
        for n in sorted(range(len(windows)), key=lambda n: len(windows[n].ids)):
            if batch and (len(batch) + 1) * len(windows[n].ids) > BATCH:
                scores |= self._scored(windows, batch)
                batch = []
            batch.append(n)
        if batch:
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
        kinds, mask = np.zeros_like(ids), np.zeros_like(ids)
        for row, n in enumerate(batch):
            here = windows[n]
            ids[row, : len(here.ids)], mask[row, : len(here.ids)] = here.ids, 1
            kinds[row, here.begin : len(here.ids)] = 1
        heads = self._heads
        device = heads["span.weight"].device
        with torch.inference_mode():
            hidden = self._model(
                input_ids=torch.from_numpy(ids).to(device),
                token_type_ids=torch.from_numpy(kinds).to(device),
                attention_mask=torch.from_numpy(mask).to(device),
            ).last_hidden_state
            tokens = torch.cat(
                [linear(hidden, heads[f"{h}.weight"], heads[f"{h}.bias"]) for h in ("span", "sentence")], -1
            )
            whole = torch.cat(
                [
                    linear(hidden[:, 0], heads[f"{h}.weight"], heads[f"{h}.bias"])
                    for h in ("relevant", "answerable")
                ],
                -1,
            )
            by_token, by_text = tokens.float().cpu().numpy(), whole.float().cpu().numpy()
        found: dict[int, WindowScores] = {}
        for row, n in enumerate(batch):
            own = by_token[row, windows[n].begin : windows[n].begin + len(windows[n].offsets)]
            none = float(by_token[row, 0, 0]), float(by_token[row, 0, 1])
            relevance, answerable = map(float, by_text[row])
            found[n] = WindowScores(windows[n].offsets, own[:, 0], own[:, 1], none, relevance, answerable)
        return found
