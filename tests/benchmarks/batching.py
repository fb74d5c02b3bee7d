"""What batching and shared beginnings save on this machine, on a small model with random weights.

    python tests/benchmarks/batching.py [--json]

16 questions about one document (or 16 without one), one call each against one call for all, with shared
beginnings on and off, padded and continuous. Replies must be the same in all.
"""

from __future__ import annotations

import argparse
import gc
import json
import tempfile
import time
from collections.abc import Callable
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


def requests(document: str) -> list[Request]:
    questions = [f"{document}\n\nQuestion {n}: what became of {SUBJECTS[n % 8]}?" for n in range(COUNT)]
    return [
        Request((Message("system", "Answer from the text."), Message("user", each)), REPLY)
        for each in questions
    ]


def timed(run: Callable[[], list[Completion]], rounds: int) -> tuple[float, list[str]]:
    """Seconds of the best round, and the replies."""
    best, texts = float("inf"), []
    for _ in range(rounds):
        gc.collect()
        began = time.perf_counter()
        texts = [each.text for each in run()]
        best = min(best, time.perf_counter() - began)
    return best, texts


def measure(folder: Path, document: str, rounds: int) -> list[dict[str, Any]]:
    asked = requests(document)
    rows, expected = [], None
    for batching in ("padded", "continuous"):
        model = TransformersModel.load(str(folder), device="cpu", batching=batching)  # type: ignore[arg-type]
        prefixes = model._padded.prefixes
        for shared in (False, True) if batching == "padded" else (True,):
            prefixes._enabled = shared
            model.complete(asked[0])

            def one_by_one(model: TransformersModel = model) -> list[Completion]:
                model._padded.prefixes.clear()
                return [model.complete(request) for request in asked]

            def together(model: TransformersModel = model) -> list[Completion]:
                model._padded.prefixes.clear()
                return model.complete_many(asked)

            single, texts = timed(one_by_one, rounds)
            many, same = timed(together, rounds)
            expected = expected or texts
            rows.append(
                {
                    "prompt_tokens": model.prompt_tokens(asked[0].messages),
                    "batching": model.batching,
                    "shared_beginnings": shared,
                    "singles_s": round(single, 3),
                    "together_s": round(many, 3),
                    "ratio": round(many / single, 3),
                    "same_replies": sum(a == b == c for a, b, c in zip(expected, texts, same, strict=True)),
                }
            )
        model.close()
    return rows


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
        rows = [row for text in ("", document) for row in measure(path, text, arguments.rounds)]
    report = {
        "requests": COUNT,
        "reply_tokens": REPLY,
        "hidden": arguments.hidden,
        "layers": arguments.layers,
    }
    if arguments.json:
        print(json.dumps(report | {"dtype": arguments.dtype, "rows": rows}, indent=2))
        return
    print("  ".join(rows[0]))
    for row in rows:
        print("  ".join(str(value).rjust(len(key)) for key, value in row.items()))


if __name__ == "__main__":
    main()
