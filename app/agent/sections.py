"""What a question about the whole is read in: parts that tile each document, a few sentences of each."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from app.agent.context import AgentContext
from app.agent.coverage import innermost_section
from memory.trees import SummarySentence, SummaryTree, TreeNode
from retrieval.document import Span
from retrieval.evidence import Candidate, EvidenceWeights, ScoredCandidate, score_candidates
from retrieval.hits import Float32
from retrieval.question import QuestionWords

__all__ = [
    "LookedInto",
    "look_into",
    "parts_of",
    "parts_shown",
    "stand_for_sections",
    "stands_for",
    "supported_sentences",
]

PART_TOKENS: Final = 8_000
"""A part that is longer is looked into in several pieces, where there is room for them."""
CLOSEST: Final = 5
CENTRAL: Final = 3
FEWEST_WORDS: Final = 4
WEIGHTS: Final = EvidenceWeights(position=0.0)


@dataclass(frozen=True, slots=True, eq=False)
class LookedInto:
    """Sentences of some parts: candidates as `Reader.select` takes them, part n being passage n from 1.

    `sizes` are the numbers of candidates of each part, `tokens` those of each part's candidates.
    """

    candidates: list[ScoredCandidate]
    rows: Float32
    places: list[str]
    sizes: list[int]
    tokens: list[int]


def parts_of(tree: SummaryTree, most: int) -> list[TreeNode]:
    """At most `most` nodes that tile a document: its innermost sections, long ones in pieces.

    Where there are more sections than that, the nodes above them stand for them.
    """
    above_sections = set[int]()
    for node in tree.nodes:
        if node.kind == "section":
            above_sections |= {each.ordinal for each in tree.path(node)[:-1]}

    def key(node: TreeNode) -> tuple[bool, int, int]:
        return node.ordinal not in above_sections, -node.tokens, node.ordinal

    kept: list[TreeNode] = []
    open_nodes = [key(tree.root)]
    while open_nodes:
        node = tree.nodes[heapq.heappop(open_nodes)[2]]
        divides = bool(node.children) and (node.ordinal in above_sections or node.tokens > PART_TOKENS)
        if divides and len(kept) + len(open_nodes) + len(node.children) <= most:
            for child in tree.children(node):
                heapq.heappush(open_nodes, key(child))
        else:
            kept.append(node)
    return sorted(kept, key=lambda node: node.span.start)


def stand_for_sections(tree: SummaryTree, node: TreeNode) -> bool:
    """Whether there are sections below a part, which it stands for because there are too many."""
    return any(each.kind == "section" for each in tree.below(node))


def look_into(
    parts: Sequence[tuple[int, TreeNode]], query: str, words: QuestionWords, context: AgentContext
) -> LookedInto:
    """Of each part, the sentences that are closest to the question and those that its summary rests on.

    Where it holds several sections, the closest of each is among them.

    All sentences of the part are looked at, by their stored embeddings and their words.
    """
    candidates: list[ScoredCandidate] = []
    rows: list[Float32] = [np.empty((0, context.rows.dim), np.float32)]
    places, sizes, tokens = list[str](), list[int](), list[int]()
    for rank, (document, node) in enumerate(parts, start=1):
        stored = context.rows.sentences(document, node.first_sentence, node.end_sentence)
        all_of_it = [
            Candidate(document, number, span, text, rank)
            for number, span, text in zip(stored.numbers, stored.spans, stored.texts, strict=True)
        ]
        scored = score_candidates(all_of_it, stored.rows, context.row(query), words, WEIGHTS)
        whole = [n for n, each in enumerate(all_of_it) if len(each.text.split()) >= FEWEST_WORDS]
        closest = sorted(whole or range(len(scored)), key=lambda n: (-scored[n].score, n))[:CLOSEST]
        sources = {each.sources[0].start for each in supported_sentences(node)}
        central = [n for n, span in enumerate(stored.spans) if span.start in sources]
        sections = [innermost_section(document, span.start, context) for span in stored.spans]
        of_sections: dict[tuple[int, int], int] = {}
        for n in sorted(whole or range(len(scored)), key=lambda n: (-scored[n].score, n)):
            of_sections.setdefault(sections[n], n)
        taken = sorted({*closest, *central[:CENTRAL], *of_sections.values()})
        candidates += [scored[n] for n in taken]
        rows.append(stored.rows[taken])
        sizes.append(len(taken))
        tokens.append(sum(stored.token_counts[n] for n in taken))
        around = context.place(document, node.span.start).sections
        places.append(" / ".join([context.documents[document].title, *around]))
    return LookedInto(candidates, np.concatenate(rows), places, sizes, tokens)


def parts_shown(sizes: Sequence[int], left_out: int) -> int:
    """How many of the parts a reader was shown that left out `left_out` candidates: it drops whole parts from
    the end, and of the first one perhaps a few sentences."""
    shown = len(sizes)
    while shown > 1 and sizes[shown - 1] <= left_out:
        shown -= 1
        left_out -= sizes[shown]
    return shown


def stands_for(node: TreeNode, candidates: Sequence[ScoredCandidate]) -> ScoredCandidate:
    """The sentence of a part, of these at least one, that speaks best to the question.

    Where none has a word of the question, it is the one that the part's summary rests on most.
    """
    best = max(candidates, key=lambda each: each.score)
    if best.coverage > 0:
        return best
    rests = Counter(span.start for each in supported_sentences(node) for span in each.sources)
    return max(candidates, key=lambda each: (rests[each.candidate.span.start], each.score))


def supported_sentences(node: TreeNode) -> list[SummarySentence]:
    """Those of a node's summary that rest on the text; each place that is the closest to several once."""
    found: dict[Span, SummarySentence] = {}
    for sentence in node.summary.sentences if node.summary is not None else ():
        if sentence.supported:
            found.setdefault(sentence.sources[0], sentence)
    return list(found.values())
