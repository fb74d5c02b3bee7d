"""The thresholds of long-term memory, on the statements and questions of tests/memory/fact_pairs.json.

    python tests/benchmarks/fact_thresholds.py

Two statements with the same names and numbers count as the same from a cosine on: how many paraphrases does
it find, how many statements of another content does it take for one? A reader is asked how two relate from a
lower one on: how many contradictions does it see? A fact is recalled from a sum of cosine and shared words:
how many questions find their fact, and how many facts does a question find that is about none? The rule that
relates facts without a model: how many contradictions does it find, how many does it invent? All of it was
chosen and is measured on the same few pairs, so that others will do a little worse.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from memory.fact_relations import RELATED, SAME, says_the_same
from memory.long_term import GATE, SHARED
from reader.fact_rules import related_by_rule
from retrieval.encoder import DEFAULT_ENCODER, SentenceTransformerEncoder
from retrieval.words import content_words, words

PAIRS = Path(__file__).parents[1] / "memory" / "fact_pairs.json"


def main() -> None:
    """Print all of it."""
    data = json.loads(PAIRS.read_text(encoding="utf-8"))
    encoder = SentenceTransformerEncoder.load(DEFAULT_ENCODER)
    cosines: dict[str, list[float]] = {}
    alike: dict[str, list[bool]] = {}
    for kind in ("contradicting", "compatible", "same"):
        old, new = ([pair[side] for pair in data[kind]] for side in ("old", "new"))
        cosines[kind] = [float(a @ b) for a, b in zip(encoder.encode(old), encoder.encode(new), strict=True)]
        alike[kind] = [says_the_same(a, b) for a, b in zip(old, new, strict=True)]
        quantiles = ", ".join(f"{q:.2f}" for q in np.quantile(cosines[kind], [0, 0.1, 0.5, 0.9, 1]))
        print(f"{kind:<14} {len(old)} pairs, cosine at 0, 10, 50, 90, 100 %: {quantiles}")
        found = [related_by_rule(b, a) for a, b in zip(old, new, strict=True)]
        print(f"{'':<14} by rule: { ({each: found.count(each) for each in sorted(set(found))}) }")
        if kind == "compatible":
            wrong = [(a, b) for a, b, f in zip(old, new, found, strict=True) if f != "unrelated"]
            print(f"{'':<14} wrongly: {wrong}")
    for threshold in (0.8, 0.84, SAME, 0.92, 0.96):
        shares = {
            kind: sum(c >= threshold and a for c, a in zip(cosines[kind], alike[kind], strict=True))
            for kind in cosines
        }
        print(f"same from {threshold:.2f}: {shares}")
    for threshold in (0.2, 0.3, RELATED, 0.5):
        seen = sum(c >= threshold for c in cosines["contradicting"])
        print(f"related from {threshold:.2f}: {seen} of {len(cosines['contradicting'])} contradictions")
    facts = [pair["fact"] for pair in data["questions"]]
    rows, terms = encoder.encode(facts), [set(words(fact)) for fact in facts]
    for shared in (0.0, SHARED, 0.2, 0.5):
        own = np.array([_scores(p["question"], encoder, rows, terms, shared) for p in data["questions"]])
        others = np.array([_scores(q, encoder, rows, terms, shared) for q in data["other_questions"]])
        first = float(np.mean(own.argmax(axis=1) == np.arange(len(facts))))
        print(f"shared words {shared:.1f}: the fact is first for {first:.2f} of the questions")
        for gate in (0.35, 0.4, GATE, 0.45, 0.5):
            found = float(np.mean(own.diagonal() >= gate))
            more = float(np.mean((own >= gate).sum(axis=1) - (own.diagonal() >= gate)))
            needless = float(np.mean((others >= gate).sum(axis=1)))
            print(f"  gate {gate:.2f}: found {found:.2f}, besides {more:.2f} others; needless {needless:.2f}")


def _scores(question: str, encoder: SentenceTransformerEncoder, rows, terms, shared: float):  # type: ignore[no-untyped-def]
    wanted = set(content_words(question))
    share = np.array([len(wanted & each) / max(len(wanted), 1) for each in terms])
    return rows @ encoder.encode([question])[0] + shared * share


if __name__ == "__main__":
    main()
