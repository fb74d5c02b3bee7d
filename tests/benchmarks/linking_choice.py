"""Choose when a written sentence rests on another: `python tests/benchmarks/linking_choice.py SHARED_DATA`.

Sentences that people wrote about the stories of squality rest on their story; on a stretch of another story,
as long as a leaf of a tree, they do not. Each is scored by the closest sentence of its own story, and by that
of a stretch of another. Weight and threshold are chosen on every other story, by the mean of the share of own
ones above the threshold and of strange ones below it; the other half is only reported.
"""

from __future__ import annotations

import argparse
import json
import random
from pathlib import Path

import numpy as np

from app.tree_linking import LinkThresholds
from retrieval.chunking import flat
from retrieval.encoder import SentenceTransformerEncoder
from retrieval.hits import Float32
from retrieval.sentences import split_sentences
from retrieval.words import content_words

LEAF = 40
"""Sentences of a stretch; a leaf of 1,000 tokens of a story has about as many."""
FEWEST_WORDS = 6


def sentences_of(text: str) -> list[str]:
    return [flat(text[span.start : span.end]) for span in split_sentences(text)]


def closest(text: str, row: Float32, texts: list[set[str]], rows: Float32, weight: float) -> float:
    """The best score of a sentence among others."""
    words = set(content_words(text))
    shares = np.array([len(words & each) / max(len(words), 1) for each in texts])
    return float(np.max(rows @ row + weight * shares))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shared", type=Path)
    options = parser.parse_args()
    encoder = SentenceTransformerEncoder.load("all-MiniLM-L6-v2")
    rng = random.Random(0)
    lines = (options.shared / "squality" / "dev.jsonl").read_text(encoding="utf-8").splitlines()
    stories = []
    for line in map(json.loads, lines):
        texts = sentences_of(line["document"])
        answers = [each["response_text"] for each in line["questions"][0]["responses"][:2]]
        written = [s for text in answers for s in sentences_of(text) if len(s.split()) >= FEWEST_WORDS]
        held = [set(content_words(each)) for each in texts]
        stories.append((held, encoder.encode(texts), written, encoder.encode(written)))
    weights = (0.0, 0.25, 0.5, 0.75, 1.0)
    own: dict[float, list[list[float]]] = {weight: [[], []] for weight in weights}
    strange: dict[float, list[list[float]]] = {weight: [[], []] for weight in weights}
    for n, (held, rows, written, encoded) in enumerate(stories):
        for text, row in zip(written, encoded, strict=True):
            other = stories[rng.choice([k for k in range(len(stories)) if k != n and k % 2 == n % 2])]
            first = rng.randrange(len(other[0]) - LEAF)
            for weight in weights:
                own[weight][n % 2].append(closest(text, row, held, rows, weight))
                stretch = slice(first, first + LEAF)
                strange[weight][n % 2].append(
                    closest(text, row, other[0][stretch], other[1][stretch], weight)
                )
    print(f"{len(own[0.0][0])} sentences choose, {len(own[0.0][1])} only report")

    def shares(weight: float, threshold: float, half: int) -> tuple[float, float]:
        kept = float(np.mean(np.array(own[weight][half]) >= threshold))
        return kept, float(np.mean(np.array(strange[weight][half]) < threshold))

    print("weight  threshold  choosing: own kept, strange refused   reporting: own kept, strange refused")
    for weight in weights:
        best = max(np.arange(0.2, 1.5, 0.01), key=lambda t: sum(shares(weight, t, 0)))
        figures = "      ".join(
            f"{a:.3f}  {b:.3f}" for a, b in (shares(weight, best, 0), shares(weight, best, 1))
        )
        print(f"{weight:<8}{best:<11.2f}{figures}")
    used = LinkThresholds()
    for half in (0, 1):
        print(f"in use, half {half}:", *(f"{each:.3f}" for each in shares(used.words, used.supported, half)))


if __name__ == "__main__":
    main()
