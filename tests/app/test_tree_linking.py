"""What sentences rest on; embeddings are unit rows at angles given by hand."""

import numpy as np

from app.tree_linking import LinkThresholds, SourceSentence, link_sentences
from memory.trees import SummarySentence
from retrieval.document import Span
from retrieval.hits import Float32

SOURCES = [
    SourceSentence("Corrie painted the old boat red.", (Span(0, 10),)),
    SourceSentence("Then a storm came up,", (Span(11, 20),)),
    SourceSentence("and nobody slept.", (Span(21, 30), Span(40, 50))),
    SourceSentence("Hens were fed — “on corn”.", (Span(51, 60),)),
]
FAR = LinkThresholds(words=0.0, supported=0.5, close=0.85)


def rows(*angles: float) -> Float32:
    radians = np.radians(angles)
    return np.stack([np.cos(radians), np.sin(radians)], axis=1).astype(np.float32)


def link(
    text: str,
    angle: float = 180.0,
    source_angles: tuple[float, ...] = (0, 20, 90, 90),
    thresholds: LinkThresholds = FAR,
) -> SummarySentence:
    (found,) = link_sentences([text], rows(angle), SOURCES, rows(*source_angles), thresholds)
    return found


def test_words_that_stand_there_rest_on_that_alone() -> None:
    for text in ("Corrie painted the old boat red.", "corrie painted the OLD boat", "painted the\nold boat"):
        assert link(text) == SummarySentence(text, (Span(0, 10),), True)
    # Marks do not count, and neither does a sentence's end within it.
    assert link('Hens were fed - "on corn".').sources == (Span(51, 60),)
    assert link("A storm came up and nobody slept.").sources == (Span(11, 20), Span(21, 30), Span(40, 50))


def test_part_of_a_word_is_not_the_word() -> None:
    assert link("he old boat") == SummarySentence("he old boat", (), False)


def test_the_closest_in_meaning_first_and_those_nearly_as_close() -> None:
    # Cosines at 5 degrees: 0.996 to the first, 0.966 to the second, 0.087 to the others.
    assert link("He gave it another colour.", 5).sources == (Span(0, 10), Span(11, 20))
    # At 70 degrees: 0.342, 0.643, 0.940, 0.940: what the two rest on, three places.
    assert link("No one could rest.", 70).sources == (Span(21, 30), Span(40, 50), Span(51, 60))


def test_what_is_far_from_all_is_not_supported() -> None:
    assert link("The king was pleased.", 200) == SummarySentence("The king was pleased.", (), False)


def test_shared_words_count_as_well() -> None:
    # Far in meaning, but three of four content words: 0.75 of 1.5 is more than 1.
    weighted = LinkThresholds(words=1.5, supported=1.0)
    found = link("Corrie gave the old boat away.", 90, (0, 200, 200, 200), weighted)
    assert found.sources == (Span(0, 10),)


def test_what_has_no_source_supports_nothing() -> None:
    sources = [SourceSentence("Corrie painted the boat.", ()), SourceSentence("It sank.", (Span(3, 9),))]
    (found,) = link_sentences(["Corrie painted the boat."], rows(0), sources, rows(0, 10), FAR)
    assert found.sources == (Span(3, 9),)
    (found,) = link_sentences(["Corrie painted the boat."], rows(0), sources[:1], rows(0), FAR)
    assert found == SummarySentence("Corrie painted the boat.", (), False)


def test_no_sentences_no_links() -> None:
    assert link_sentences([], np.empty((0, 2), np.float32), SOURCES, rows(0, 0, 0, 0)) == ()
