"""How a summary tree is cut, and how long its summaries are."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["SummaryLength", "TreeSettings"]


@dataclass(frozen=True, slots=True)
class SummaryLength:
    """Words of a summary: at least so many where its text has them, and at most."""

    at_least: int
    words: int

    def __post_init__(self) -> None:
        if not 0 <= self.at_least <= self.words or self.words < 1:
            raise ValueError(f"from {self.at_least} to {self.words} words is no length")


@dataclass(frozen=True, slots=True)
class TreeSettings:
    """Sizes in the encoder's tokens; MemWalker (arXiv 2310.05029) takes 1,000 and 8.

    Attributes:
        leaf_tokens: A leaf has about as many.
        least: A boundary of the tree before is given up where a leaf would fall below this share of them ...
        most: ... and a leaf is cut anew above this one.
        single: A section with at most this share of them is one leaf, whatever it holds.
        small: Neighbouring sections below this share of them are cut as one text.
        tiny: What is below this share of them goes with the section after it.
        children: Most children of a node.
        deepest: Most sections inside of one another that have a node of their own.
        leaf: Length of a leaf's summary.
        inner: Of a section's or a group's.
        root: Of the document's.
    """

    leaf_tokens: int = 1000
    least: float = 0.3
    most: float = 1.7
    single: float = 1.3
    small: float = 0.3
    tiny: float = 0.06
    children: int = 8
    deepest: int = 8
    leaf: SummaryLength = field(default=SummaryLength(100, 150))
    inner: SummaryLength = field(default=SummaryLength(120, 200))
    root: SummaryLength = field(default=SummaryLength(160, 250))

    def __post_init__(self) -> None:
        if self.leaf_tokens < 1 or self.children < 2 or self.deepest < 0:
            raise ValueError(f"no tree can be made with {self}")

    @property
    def single_tokens(self) -> float:
        """Most tokens of a section that is one leaf."""
        return self.single * self.leaf_tokens

    @property
    def small_tokens(self) -> float:
        """Tokens below which a section is small."""
        return self.small * self.leaf_tokens

    @property
    def tiny_tokens(self) -> float:
        """Tokens below which a section is hardly more than a heading."""
        return self.tiny * self.leaf_tokens

    def length(self, kind: str) -> SummaryLength:
        """The length of the summary of a node of that kind; "leaf" for all that have no children."""
        return {"leaf": self.leaf, "root": self.root}.get(kind, self.inner)
