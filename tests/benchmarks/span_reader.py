"""How well the embedded reader reads, and how fast: `python -m tests.benchmarks.span_reader --data FOLDER`.

On articles that training has never seen (`reader.training.rows.held_back`): exact match and F1 with the right
passage given, answerable against unanswerable questions (AUC), the right passage against the best wrong one
that our own retrieval finds (AUC). With `--xquad FOLDER` the same of SQuAD files; with `--speed`, question
and passage pairs of 256 tokens a second in each number format, and in 8 bits where onnxruntime is installed.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import math
import random
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import torch
from sklearn.metrics import roc_auc_score

from app.agent.reranking import ANSWERABLE, RELEVANCE
from app.metrics import exact_match, f1
from reader.spans.adapter import WEIGHTS, merged_weights
from reader.spans.model import BATCH, EmbeddedSpanReader
from reader.training.examples import make_pool
from reader.training.mining import with_wrong_passages
from reader.training.rows import Row, held_back, read_rows
from retrieval.encoder import DEFAULT_ENCODER, SentenceTransformerEncoder, model_folder
from retrieval.reranking import Reading


def auc(positive: Sequence[float], negative: Sequence[float]) -> float:
    """Chance that one of the positive ones is above one of the negative ones, ties counting half."""
    right = [True] * len(positive) + [False] * len(negative)
    return float(roc_auc_score(right, [*positive, *negative]))


def best_text(reading: Reading, context: str) -> str:
    """The likeliest answer."""
    span = reading.spans[0].span if reading.spans else None
    return "" if span is None else context[span.start : span.end]


def quality(reader: EmbeddedSpanReader, rows: Sequence[Row]) -> dict[str, float]:
    """Exact match and F1 over questions with answers, the right passage given."""
    scores: list[tuple[float, float]] = []
    for row in rows:
        if row.answers:
            given = best_text(reader.read(row.question, [row.context])[0], row.context)
            references = [text for text, _ in row.answers]
            scores.append((exact_match(given, references), f1(given, references)))
    return {
        "questions": len(scores),
        "em": statistics.mean(em for em, _ in scores),
        "f1": statistics.mean(overlap for _, overlap in scores),
    }


def no_answer(reader: EmbeddedSpanReader, rows: Sequence[Row]) -> dict[str, float]:
    """Answerable against unanswerable questions about the same passages, by each of the scores."""
    found = [(bool(row.answers), reader.read(row.question, [row.context])[0]) for row in rows]
    scores = {
        "answerable": lambda each: each.answerable,
        "margin": lambda each: each.spans[0].score if each.spans else -50.0,
        "both": lambda each: each.answerable + 0.3 * (each.spans[0].score if each.spans else -50.0),
    }
    return {"questions": len(rows)} | {
        name: auc([score(r) for yes, r in found if yes], [score(r) for yes, r in found if not yes])
        for name, score in scores.items()
    }


def wrong_passage(
    reader: EmbeddedSpanReader, encoder: SentenceTransformerEncoder, rows: Sequence[Row]
) -> list[tuple[Reading, Reading]]:
    """What comes of the right passage and of the best wrong one of the same set, for each question."""
    pool = with_wrong_passages(make_pool(list(rows), encoder.tokenizer), encoder)
    return [
        (found[0], found[1])
        for asked in pool.asked
        if asked.spans and asked.wrong
        for found in [
            reader.read(asked.row.question, [asked.row.context, pool.passages[asked.wrong[0]].text])
        ]
    ]


def told_apart(pairs: Sequence[tuple[Reading, Reading]]) -> dict[str, float]:
    """How well right passages are told from wrong ones, by relevance alone and as the reranker does it."""
    by = {
        "relevance": lambda each: each.relevance,
        "relevance and answerable": lambda each: RELEVANCE * each.relevance + ANSWERABLE * each.answerable,
    }
    return {"questions": len(pairs)} | {
        name: auc([score(right) for right, _ in pairs], [score(wrong) for _, wrong in pairs])
        for name, score in by.items()
    }


def speed(tokens: int = 256, pairs: int = 48) -> dict[str, float]:
    """Pairs of so many tokens a second, by number format; medians of five."""
    text = " ".join(
        random.Random(7).choices(["river", "stone", "letter", "walked", "house", "grey"], k=tokens - 20)
    )
    found: dict[str, float] = {}
    for number in ("float32", "bfloat16"):
        reader = EmbeddedSpanReader.load(WEIGHTS, number_format=number)
        texts = [f"{text} {n}" for n in range(pairs)]
        reader.read("Who walked to the grey house?", texts[:8])
        seconds: list[float] = []
        for _ in range(5):
            began = time.perf_counter()
            reader.read("Who walked to the grey house?", texts)
            seconds.append(time.perf_counter() - began)
        found[number] = pairs / statistics.median(seconds)
    if importlib.util.find_spec("onnxruntime"):
        found["int8, ONNX"] = int8_speed(tokens, pairs)
    return found


def int8_speed(tokens: int, pairs: int) -> float:
    """The same of the model alone, its weights in 8 bits, in onnxruntime (dynamic quantization)."""
    import onnxruntime
    from onnxruntime.quantization import QuantType, quantize_dynamic
    from transformers import AutoModel

    model = AutoModel.from_pretrained(
        model_folder(DEFAULT_ENCODER), add_pooling_layer=False, attn_implementation="eager"
    ).eval()
    model.load_state_dict(merged_weights(WEIGHTS, model.state_dict())[0])

    class Hidden(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, ids: torch.Tensor, kinds: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
            return self.model(input_ids=ids, token_type_ids=kinds, attention_mask=mask).last_hidden_state

    batch = max(1, BATCH // tokens)
    ids = torch.randint(1000, 20000, (batch, tokens))
    given = (ids, torch.zeros_like(ids), torch.ones_like(ids))
    with tempfile.TemporaryDirectory() as folder:
        whole, small = Path(folder) / "whole.onnx", Path(folder) / "small.onnx"
        torch.onnx.export(
            Hidden(), given, str(whole), input_names=["ids", "kinds", "mask"], dynamo=False, opset_version=17
        )
        quantize_dynamic(whole, small, weight_type=QuantType.QInt8)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        session = onnxruntime.InferenceSession(str(small), options)
        arrays = {name: each.numpy() for name, each in zip(("ids", "kinds", "mask"), given, strict=True)}
        session.run(None, arrays)
        seconds: list[float] = []
        for _ in range(5):
            began = time.perf_counter()
            for _ in range(math.ceil(pairs / batch)):
                session.run(None, arrays)
            seconds.append(time.perf_counter() - began)
    return math.ceil(pairs / batch) * batch / statistics.median(seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, help="folder of the training data")
    parser.add_argument("--xquad", type=Path, help="folder with a file in SQuAD's format")
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--most", type=int, default=600, help="questions of each set")
    parser.add_argument("--speed", action="store_true")
    chosen = parser.parse_args()
    torch.manual_seed(7)
    report: dict[str, object] = {}
    if chosen.speed:
        report["pairs_per_second"] = speed()
    reader = EmbeddedSpanReader.load(chosen.weights)
    if chosen.xquad:
        report["xquad, passage given"] = quality(reader, read_rows(chosen.xquad))
    if chosen.data:
        rows = [row for row in read_rows(chosen.data) if held_back(row)]
        random.Random(7).shuffle(rows)
        by_set: dict[str, list[Row]] = {}
        for row in rows:
            by_set.setdefault(row.source, []).append(row)
        encoder = SentenceTransformerEncoder.load(DEFAULT_ENCODER)
        report["held back, passage given"] = {
            name: quality(reader, some[: chosen.most]) for name, some in sorted(by_set.items())
        }
        report["held back, no answer"] = no_answer(reader, by_set["squad"])
        pairs = {
            name: wrong_passage(reader, encoder, by_set[name])
            for name in ("squad", "squadshifts_wiki", "fairytaleqa")
        }
        pairs["all"] = [pair for some in pairs.values() for pair in some]
        report["held back, wrong passage"] = {name: told_apart(some) for name, some in pairs.items()}
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
