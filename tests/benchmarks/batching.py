"""What batching and shared beginnings save on this machine, on a small model with random weights.

    python tests/benchmarks/batching.py [--json]     --json: an object a line

16 questions about one document (or 16 without one), one call each against one call for all, with shared
beginnings on and off, padded and continuous. Replies must be the same in all. Each round begins with a number
of its own, or the second would be answered from what the first has left in the caches.
"""

from __future__ import annotations

import argparse
import gc
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from reader.chat import Completion, Message, Request
from reader.models.local import TransformersModel
from tests.tiny_models import DATA, save_model

REPLY = 32
COUNT = 16
SUBJECTS = (
    "the keeper",
    "the surveyor",
    "the boat",
    "the light",
    "the well",
    "the letter",
    "the road",
    "the dog",
)
DOCUMENT_CHARACTERS = 2000


def small_model(folder: Path, hidden: int, layers: int, dtype: str) -> Path:
    import torch
    from transformers import LlamaConfig

    config = LlamaConfig(
        hidden_size=hidden,
        intermediate_size=hidden * 3,
        num_hidden_layers=layers,
        num_attention_heads=8,
        num_key_value_heads=4,
        max_position_embeddings=4096,
        vocab_size=1200,
        bos_token_id=3,
        eos_token_id=2,
        pad_token_id=0,
        initializer_range=0.08,
        dtype=getattr(torch, dtype),
    )
    return save_model(config, folder)


def requests(document: str, number: int) -> list[Request]:
    """The questions of a round; they share what the round begins with."""
    questions = [
        f"{number} {document}\n\nQuestion {n}: what became of {SUBJECTS[n % 8]}?" for n in range(COUNT)
    ]
    return [
        Request((Message("system", "Answer from the text."), Message("user", each)), REPLY)
        for each in questions
    ]


def timed(
    run: Callable[[list[Request]], list[Completion]], document: str, numbers: range
) -> tuple[float, list[str]]:
    """Seconds of the best round, and the replies of all."""
    best, texts = float("inf"), list[str]()
    for number in numbers:
        gc.collect()
        asked = requests(document, number)
        began = time.perf_counter()
        found = run(asked)
        best = min(best, time.perf_counter() - began)
        texts += [each.text for each in found]
    return best, texts


def measure(folder: Path, document: str, rounds: int) -> Iterator[dict[str, Any]]:
    """A row for each way, as it is done."""
    expected: list[str] = []
    warm_up, numbers = requests(document, 100)[0], range(200, 200 + rounds)
    for batching, shared in (("padded", False), ("padded", True), ("continuous", True)):
        times, texts = [], []
        for together in (False, True):
            # A model each, so that neither finds in its caches what the other has read.
            model = TransformersModel.load(str(folder), device="cpu", batching=batching)  # type: ignore[arg-type]
            model._padded.prefixes._enabled = shared
            model.complete(warm_up)

            def run(
                asked: list[Request], model: TransformersModel = model, together: bool = together
            ) -> list[Completion]:
                return model.complete_many(asked) if together else [model.complete(each) for each in asked]

            best, found = timed(run, document, numbers)
            times.append(best)
            texts.append(found)
            tokens, used = model.prompt_tokens(warm_up.messages), model.batching
            model.close()
        expected = expected or texts[0]
        yield {
            "prompt_tokens": tokens,
            "batching": used,
            "shared_beginnings": shared,
            "singles_s": round(times[0], 3),
            "together_s": round(times[1], 3),
            "ratio": round(times[1] / times[0], 3),
            "same_replies": sum(a == b == c for a, b, c in zip(expected, *texts, strict=True)),
        }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--hidden", type=int, default=512)
    parser.add_argument("--layers", type=int, default=8)
    parser.add_argument("--dtype", default="float32", choices=["float32", "bfloat16"])
    arguments = parser.parse_args()
    document = (DATA / "novella.txt").read_text(encoding="utf-8")[1000 : 1000 + DOCUMENT_CHARACTERS]
    with tempfile.TemporaryDirectory() as folder:
        path = small_model(Path(folder), arguments.hidden, arguments.layers, arguments.dtype)
        settings = {
            "requests": COUNT,
            "reply_tokens": REPLY,
            "rounds": arguments.rounds,
            "hidden": arguments.hidden,
            "layers": arguments.layers,
            "dtype": arguments.dtype,
        }
        show(settings, arguments.json)
        for text in ("", document):
            for row in measure(path, text, arguments.rounds):
                show(row, arguments.json)


def show(row: dict[str, Any], as_json: bool) -> None:
    """A line of the report."""
    line = json.dumps(row) if as_json else "  ".join(f"{key} {each}" for key, each in row.items())
    print(line, flush=True)


if __name__ == "__main__":
    main()
