"""Readings that are kept: what is read for several steps of an answer, or asked again, is computed once."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

from retrieval.reranking import Reading, SpanReader

__all__ = ["KeptReadings"]

MOST: Final = 2000
"""Of some 200 tokens each: 8 bytes a token, and the text."""


class KeptReadings:
    """A `SpanReader` that remembers what another one has read last; safe on several threads."""

    def __init__(self, reader: SpanReader, most: int = MOST) -> None:
        self._reader, self._most = reader, most
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, str], Reading] = OrderedDict()

    @property
    def name(self) -> str:
        """That of the other one."""
        return self._reader.name

    def read(self, question: str, texts: Sequence[str]) -> list[Reading]:
        """What comes of reading each text for the question, in the order of `texts`."""
        with self._lock:
            known = {text: self._kept[question, text] for text in texts if (question, text) in self._kept}
        new = [text for text in dict.fromkeys(texts) if text not in known]
        known.update(zip(new, self._reader.read(question, new) if new else [], strict=True))
        with self._lock:
            for text in texts:
                self._kept[question, text] = known[text]
                self._kept.move_to_end((question, text))
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return [known[text] for text in texts]
