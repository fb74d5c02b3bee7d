"""What a GPU does for Clew, without any download: random weights in the shape of Qwen3-8B, in bfloat16.

    python tests/benchmarks/gpu.py [--json] [--only model|faiss]     --json: an object a line
    python tests/benchmarks/gpu.py --tiny          the same code on a CPU, in under a minute

Tokens per second of prefill and of decode at batch 1, 8 and 32, through our backend (continuous and padded)
and through plain `generate` on a batch of the same size, with the peak of the GPU's memory and what of it are
the blocks of the continuous loop. No prompt is read twice: what caches keep of one round would make the next
look faster. FAISS on the GPU against the CPU at 1 and 10 million rows of 384 numbers, exact search, with
equal results.
"""

from __future__ import annotations

import argparse
import gc
import itertools
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from reader.chat import Message, Request
from reader.models.loading import LoadedModel
from reader.models.local import TransformersModel
from tests.tiny_models import DATA, tiny_tokenizer

QWEN3_8B = {
    "hidden_size": 4096,
    "intermediate_size": 12288,
    "num_hidden_layers": 36,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "vocab_size": 151936,
    "max_position_embeddings": 40960,
    "tie_word_embeddings": False,
}
TINY = QWEN3_8B | {
    "hidden_size": 64,
    "intermediate_size": 192,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "vocab_size": 1200,
    "max_position_embeddings": 4096,
}
DIM = 384
K = 10


@dataclass(frozen=True, slots=True)
class Size:
    """What is measured."""

    device: str
    config: dict[str, Any]
    prompt: int
    reply: int
    batches: tuple[int, ...]
    rows: tuple[int, ...]
    queries: int


FULL = Size("cuda", QWEN3_8B, 1024, 128, (1, 8, 32), (1_000_000, 10_000_000), 100)
SMALL = Size("cpu", TINY, 64, 16, (1, 8, 32), (20_000,), 50)


def build(size: Size, folder: Path) -> LoadedModel:
    """A model made on the device, with a tokenizer trained on the novella."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig, Qwen3Config

    make: Any = AutoModelForCausalLM.from_config
    dtype = torch.bfloat16 if size.device == "cuda" else torch.float32
    torch.manual_seed(0)
    with torch.device(size.device):
        model = make(Qwen3Config(**size.config), dtype=dtype).eval()
    plain: Any = GenerationConfig
    model.generation_config = plain(pad_token_id=0, do_sample=False)
    # No token ends a reply: all have the same length.
    return LoadedModel(model, AutoTokenizer.from_pretrained(tiny_tokenizer(folder)), (), 0, None)


class Prompts:
    """Prompts of one length that share nothing but the template, each given out once."""

    def __init__(self, model: TransformersModel, size: Size) -> None:
        self._model, self._most = model, size.prompt
        self._text = (DATA / "novella.txt").read_text(encoding="utf-8")
        self._numbers = itertools.count(100_000)

    def take(self, count: int) -> list[tuple[Message, ...]]:
        """So many that nobody has seen yet."""
        return [self._made(next(self._numbers)) for _ in range(count)]

    def _made(self, number: int) -> tuple[Message, ...]:
        start = 700 * number % (len(self._text) // 2)
        low, high = 1, self._most * 6
        while low < high:
            middle = (low + high + 1) // 2
            fits = self._model.prompt_tokens(self._message(number, start, middle)) <= self._most
            low, high = (middle, high) if fits else (low, middle - 1)
        return self._message(number, start, low)

    def _message(self, number: int, start: int, length: int) -> tuple[Message, ...]:
        # The number first: what follows it is shared with nothing that was read before.
        return (Message("user", f"{number} {self._text[start : start + length]}"),)


def seconds(rounds: Callable[[], Callable[[], object]], device: str) -> tuple[float, int]:
    """Best of two after one to warm up, each made anew, and the peak of memory in bytes."""
    import torch

    rounds()()
    gc.collect()
    if device == "cuda":
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
    best = float("inf")
    for _ in range(2):
        run = rounds()
        began = time.perf_counter()
        run()
        if device == "cuda":
            torch.cuda.synchronize()
        best = min(best, time.perf_counter() - began)
    return best, torch.cuda.max_memory_allocated() if device == "cuda" else 0


def clew(
    loaded: LoadedModel, ours: TransformersModel, batch: list[tuple[Message, ...]], reply: int
) -> Callable[[], object]:
    """Ours: a call for replies of so many tokens."""
    asked = [Request(each, reply) for each in batch]
    return lambda: ours.complete_many(asked)


def plain_generate(
    loaded: LoadedModel, ours: TransformersModel, batch: list[tuple[Message, ...]], reply: int
) -> Callable[[], object]:
    """What transformers does with such a batch."""
    import torch

    prompts = [ours._format.prompt(each) for each in batch]
    longest = max(map(len, prompts))
    device = loaded.model.device
    ids = torch.tensor([[0] * (longest - len(each)) + each for each in prompts], device=device)
    mask = torch.tensor([[0] * (longest - len(each)) + [1] * len(each) for each in prompts], device=device)
    return lambda: loaded.model.generate(ids, attention_mask=mask, max_new_tokens=reply)


def free(device: str) -> None:
    """Nothing of one part is left in the next."""
    import torch

    gc.collect()
    if device == "cuda":
        torch.cuda.empty_cache()


def blocks_of(ours: TransformersModel) -> int:
    """Bytes of the blocks of the continuous loop, 0 if it does not run."""
    loop = None if ours._continuous is None else ours._continuous._loop
    if loop is None:
        return 0
    cache = loop._runner.batch_processor.cache
    found = {id(each): each for value in vars(cache).values() for each in tensors_in(value)}
    return sum(each.numel() * each.element_size() for each in found.values())


def tensors_in(value: Any) -> Iterator[Any]:
    """The tensors of a value: one, or a list of them."""
    import torch

    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, list | tuple):
        yield from (each for each in value if isinstance(each, torch.Tensor))


def measure_model(size: Size, folder: Path) -> Iterator[dict[str, Any]]:
    loaded = build(size, folder)
    # One sequence of prompts for all ways.
    prompts = Prompts(TransformersModel(loaded, "random", "random", 4096), size)
    for way in ("plain generate", "padded", "continuous"):
        ours = TransformersModel(loaded, "random", "random", 4096, continuous=way == "continuous")
        make = plain_generate if way == "plain generate" else clew
        for count in size.batches:
            free(size.device)

            def rounds(
                reply: int, count: int = count, ours: TransformersModel = ours, make: Any = make
            ) -> Callable[[], object]:
                run: Callable[[], object] = make(loaded, ours, prompts.take(count), reply)
                return run

            read = sum(map(ours.prompt_tokens, prompts.take(count)))
            first, _ = seconds(lambda: rounds(1), size.device)
            whole, peak = seconds(lambda: rounds(1 + size.reply), size.device)
            blocks = blocks_of(ours)
            yield {
                "way": way if way == "plain generate" else f"clew {ours.batching}",
                "batch": count,
                "prefill_tokens_s": round(read / first),
                "decode_tokens_s": round(count * size.reply / max(whole - first, 1e-9)),
                "peak_gb": round(peak / 1e9, 2),
                "of_it_blocks_gb": round(blocks / 1e9, 2),
            }
        ours.close()
        free(size.device)


def measure_faiss(size: Size) -> Iterator[dict[str, Any]]:
    import faiss

    on_gpu = hasattr(faiss, "StandardGpuResources") and faiss.get_num_gpus() > 0
    random = np.random.default_rng(0)
    queries = random.standard_normal((size.queries, DIM), np.float32)
    queries /= np.linalg.norm(queries, axis=1, keepdims=True)
    for count in size.rows:
        index = faiss.IndexFlatIP(DIM)
        for start in range(0, count, 500_000):
            piece = random.standard_normal((min(500_000, count - start), DIM), np.float32)
            index.add(piece / np.linalg.norm(piece, axis=1, keepdims=True))
        row: dict[str, Any] = {"rows": count}
        took, _ = seconds(lambda index=index: lambda: index.search(queries, K), "cpu")  # type: ignore[misc]
        row["cpu_ms_per_query"] = round(took / len(queries) * 1000, 3)
        if on_gpu:
            row |= against_gpu(faiss, index, queries)
        else:
            row["gpu"] = "this FAISS has no GPU support, or there is no GPU"
        yield row
        del index
        gc.collect()


def against_gpu(faiss: Any, index: Any, queries: Any) -> dict[str, Any]:
    """Milliseconds per query there, and how equal the results are."""
    moved = faiss.index_cpu_to_gpu(faiss.StandardGpuResources(), 0, index)
    took, _ = seconds(lambda: lambda: moved.search(queries, K), "cpu")
    (scores, ids), (same_scores, same_ids) = index.search(queries, K), moved.search(queries, K)
    return {
        "gpu_ms_per_query": round(took / len(queries) * 1000, 3),
        "equal_ids": float((ids == same_ids).mean()),
        "largest_difference_of_scores": float(np.abs(scores - same_scores).max()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tiny", action="store_true", help="a tiny model and few rows, on the CPU")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--only", choices=["model", "faiss"])
    arguments = parser.parse_args()
    import torch
    from transformers.utils import logging

    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    size = SMALL if arguments.tiny else FULL
    if size.device == "cuda" and not torch.cuda.is_available():
        sys.exit("There is no GPU here; --tiny runs the same code on the CPU.")
    report: dict[str, Any] = {
        "device": torch.cuda.get_device_name() if size.device == "cuda" else "CPU",
        "torch": torch.__version__,
        "prompt_tokens": size.prompt,
        "reply_tokens": size.reply,
    }
    # Each part is printed as it is done: what fails later takes nothing of it away.
    show(report, arguments.json)
    if arguments.only != "faiss":
        with tempfile.TemporaryDirectory() as folder:
            for row in measure_model(size, Path(folder)):
                show({"part": "model"} | row, arguments.json)
        free(size.device)
    if arguments.only != "model":
        for row in measure_faiss(size):
            show({"part": "faiss"} | row, arguments.json)


def show(row: dict[str, Any], as_json: bool) -> None:
    """A line of the report."""
    line = json.dumps(row) if as_json else "  ".join(f"{key} {each}" for key, each in row.items())
    print(line, flush=True)


if __name__ == "__main__":
    main()
