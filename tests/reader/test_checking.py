"""An answer is checked: what a model invented goes, what it wrote honestly stays as it is."""

from __future__ import annotations

import re
import time
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reader.checking import CITATION, QuoteBook, check_answer, quoted
from retrieval.document import Span
from tests.evidence_samples import adjacent, apart

QUESTION = "What became of the boat?"
EVIDENCE = apart(
    "Corrie painted the boat red in 1804.",
    "“I shall never sell it,” said Corrie, “not while the dogs' kennel stands.”",
    "The boat sank off Skerry Point in the winter of 1840, and O'Neill & Sons raised it.",
)

HONEST = {
    "short, no citation, by its words": ("Red.", "Red. [1]", (0,)),
    "a year alone": ("1840", "1840 [1]", (2,)),
    "one sentence": ("Corrie painted the boat red [1].", "Corrie painted the boat red. [1]", (0,)),
    "behind the full stop": ("Corrie painted it red. [1]", "Corrie painted it red. [1]", (0,)),
    "close behind the full stop": ("It was red.[1] It sank.[3]", "It was red. [1] It sank. [2]", (0, 2)),
    "at the end of a paragraph": ("It was red. It sank. [1][3]", "It was red. It sank. [1] [2]", (0, 2)),
    "two in one bracket": ("It was red and sank [1, 3].", "It was red and sank. [1] [2]", (0, 2)),
    "another order": ("It sank [3]. It was red [1].", "It sank. [1] It was red. [2]", (2, 0)),
    "lenticular": ("It was red【1】.", "It was red. [1]", (0,)),
    "with a source mark": ("It was red【1†source】.", "It was red. [1]", (0,)),
    "labelled": ("It was red [Evidence 1].", "It was red. [1]", (0,)),
    "labelled in round brackets": ("It was red (Evidence 1).", "It was red. [1]", (0,)),
    "footnote style": ("It was red [^1].", "It was red. [1]", (0,)),
    "a range": ("All of this is told [1-3].", "All of this is told. [1] [2] [3]", (0, 1, 2)),
    "according to": ("According to [1], it was red.", "According to [1], it was red.", (0,)),
    "evidence says": (
        "Evidence [3] says that it sank, while [1] says it was red.",
        "Evidence [1] says that it sank, while [2] says it was red.",
        (2, 0),
    ),
    "the number as subject": ("[3] states that it sank.", "[1] states that it sank.", (2,)),
    "two numbers as subject": ("Both [1] and [3] tell of it.", "Both [1] and [2] tell of it.", (0, 2)),
    "citation first": ("[1] It was red. [3] It sank.", "It was red. [1] It sank. [2]", (0, 2)),
    "bullets": ("- It was red [1]\n- It sank [3]", "- It was red [1]\n- It sank [2]", (0, 2)),
    "bullets with an opening": (
        "Two things are told:\n\n* it was red [1]\n* it sank [3]",
        "Two things are told:\n\n* it was red [1]\n* it sank [2]",
        (0, 2),
    ),
    "numbered": ("1. It was red [1].\n2. It sank [3].", "1. It was red. [1]\n2. It sank. [2]", (0, 2)),
    "heading": ("## Answer\n\nIt was red [1].", "## Answer\n\nIt was red. [1]", (0,)),
    "bold": ("**Red.** [1] It sank **in 1840** [3].", "**Red.** [1] It sank **in 1840**. [2]", (0, 2)),
    "bold label": ("**Colour:** red [1]", "**Colour:** red [1]", (0,)),
    "table": (
        "| What | When |\n|------|:----:|\n| red [1] | 1804 |\n| sank | 1840 [3] |",
        "| What | When |\n|------|:----:|\n| red | 1804 [1] |\n| sank | 1840 [2] |",
        (0, 2),
    ),
    "two paragraphs": ("It was red [1].\n\nIt sank [3].", "It was red. [1]\n\nIt sank. [2]", (0, 2)),
    "hard-wrapped": ("It was painted\nred by Corrie [1].", "It was painted red by Corrie. [1]", (0,)),
    "dialogue": (
        "He said, “I shall never sell it” [2].",
        "He said, “I shall never sell it”. [1]",
        (1,),
    ),
    "stop within the quote": (
        'He said, "I shall never sell it." [2]',
        'He said, "I shall never sell it." [1]',
        (1,),
    ),
    "nested, the other way round": (
        "The text reads: \"'I shall never sell it,' said Corrie.\" [2]",
        "The text reads: \"'I shall never sell it,' said Corrie.\" [1]",
        (1,),
    ),
    "quote that leaves out": (
        '"I shall never sell it ... not while the dogs\' kennel stands" [2].',
        '"I shall never sell it ... not while the dogs\' kennel stands". [1]',
        (1,),
    ),
    "quote with a bracket": (
        '"[He] painted the boat red" [1].',
        '"[He] painted the boat red". [1]',
        (0,),
    ),
    "quote in capitals": ('"CORRIE PAINTED" it [1].', '"CORRIE PAINTED" it. [1]', (0,)),
    "block quote": (
        "Corrie says:\n\n> “I shall never sell it,” said Corrie [2]",
        "Corrie says:\n\n> “I shall never sell it,” said Corrie [1]",
        (1,),
    ),
    "escaped as in the prompt": ("O'Neill &amp; Sons raised it [3].", "O'Neill & Sons raised it. [1]", (2,)),
    "title in quotes": ('In "The Salt House" it was red [1].', 'In "The Salt House" it was red. [1]', (0,)),
    "asked word in quotes": ('The "boat" was red [1].', 'The "boat" was red. [1]', (0,)),
    "apostrophes": (
        "Corrie's boat didn't last; 'twas O'Neill's in the 1840s' end [3].",
        "Corrie's boat didn't last; 'twas O'Neill's in the 1840s' end. [1]",
        (2,),
    ),
    "plural possessive": (
        "The dogs' kennel, the boys' boat [2].",
        "The dogs' kennel, the boys' boat. [1]",
        (1,),
    ),
    "year in brackets": ("Corrie (1804) painted it [1].", "Corrie (1804) painted it. [1]", (0,)),
    "rock 'n' roll": ("No rock 'n' roll there [1].", "No rock 'n' roll there. [1]", (0,)),
    "primes": (
        "The mast was 5′10″ tall and 6″ thick at 56°12′N [1].",
        "The mast was 5′10″ tall and 6″ thick at 56°12′N. [1]",
        (0,),
    ),
    "inches as apostrophes": ("The mast was 5'10'' tall [1].", "The mast was 5'10'' tall. [1]", (0,)),
    "acute for apostrophe": ("Corrie´s boat didn´t last [1].", "Corrie´s boat didn´t last. [1]", (0,)),
    "less and more": ("It is 1 << 2 and <b>red</b> < 5 [1].", "It is 1 << 2 and <b>red</b> < 5. [1]", (0,)),
    "marks of another set": (
        "He said ❝I shall never sell it❞ [2].",
        "He said ❝I shall never sell it❞. [1]",
        (1,),
    ),
    "HTML": ("He said <q>I shall never sell it</q> [2].", "He said <q>I shall never sell it</q>. [1]", (1,)),
    "doubled": ("He said ''I shall never sell it'' [2].", "He said ''I shall never sell it''. [1]", (1,)),
    "inches": ('The mast was 6" thick, 5\'10" tall [1].', 'The mast was 6" thick, 5\'10" tall. [1]', (0,)),
    "escaped brackets": ("It was red \\[1\\].", "It was red. [1]", (0,)),
    "in round brackets too": ("It was red ([1]).", "It was red. [1]", (0,)),
    "see": ("It was red (see [1]).", "It was red (see [1]).", (0,)),
    "hard spaces": ("It was red\u00a0[1]\u00a0[3].", "It was red. [1] [2]", (0, 2)),
    "list of sources": (
        'Red [1]\n\nSources:\n[1] "Corrie painted ... red"\n[3] The boat sank.',
        'Red [1]\n\nSources:\n"Corrie painted ... red" [1]\nThe boat sank. [2]',
        (0, 2),
    ),
    "French": ("Il dit : « I shall never sell it » [2].", "Il dit : « I shall never sell it ». [1]", (1,)),
    "German": ("Er sagte: „I shall never sell it“ [2].", "Er sagte: „I shall never sell it“. [1]", (1,)),
    "Swedish": ("Han sa: ”I shall never sell it” [2].", "Han sa: ”I shall never sell it”. [1]", (1,)),
}


@pytest.mark.parametrize("name", HONEST)
def test_honest_answers_stay_as_they_are(name: str) -> None:
    draft, text, cited = HONEST[name]
    checked = check_answer(draft, EVIDENCE, QUESTION)
    assert (checked.text, checked.cited) == (text, cited)
    assert not [note for note in checked.notes if "removed" in note]


@pytest.mark.parametrize(
    ("source", "honest", "invented"),
    [
        ("船是红色的，一八四〇年沉没。", "书中说「船是红色的」[1]。", "书中说「船是蓝色的」[1]。"),
        ("船是红色的，一八四〇年沉没。", "他说‘船是红色的’[1]。", "他说‘船是蓝色的’[1]。"),
        (
            "彼は船を赤く塗った。",
            "本には『船を赤く塗った』とある [1]。",
            "本には『船を青く塗った』とある [1]。",
        ),
        ("كان القارب أحمر اللون.", "قال: «القارب أحمر» [1].", "قال: «القارب أزرق» [1]."),
        ("Лодка была красной.", "Сказано: «лодка была красной» [1].", "Сказано: «лодка была синей» [1]."),
    ],
)
def test_quotes_of_other_scripts(source: str, honest: str, invented: str) -> None:
    evidence = apart(source)
    kept = check_answer(honest, evidence, "?")
    assert kept.cited == (0,)
    assert kept.text.replace(" ", "") in {honest.replace(" ", ""), _stop_first(honest)}
    gone = check_answer(invented, evidence, "?")
    assert (gone.text, gone.cited) == ("", ())


def _stop_first(text: str) -> str:
    return re.sub(r"\s*\[1\]([。.])", r"\1[1]", text).replace(" ", "")


LIE = "zorgle blimfang quaxley"
QUOTED_LIES = [
    f'"{LIE}"',
    f"“{LIE}”",
    f"«{LIE}»",
    f"« {LIE} »",
    f"»{LIE}«",
    f"„{LIE}“",
    f"„{LIE}”",
    f"”{LIE}”",
    f"‘{LIE}’",
    f"‘{LIE}'",
    f"'{LIE}'",
    f"' {LIE} '",
    f"‚{LIE}‘",
    f"‹{LIE}›",
    f"「{LIE}」",
    f"『{LIE}』",
    f"＂{LIE}＂",
    f"〝{LIE}〞",
    f"`{LIE}`",
    f"``{LIE}''",
    f"`{LIE}'",
    f"```\n{LIE}\n```",
    f"```text\n{LIE}\n```",
    f"\n> {LIE}\n",
    f"\n   > Corrie: {LIE}\n",
    f"\n- > {LIE}\n",
    f"&quot;{LIE}&quot;",
    f"&ldquo;{LIE}&#8221;",
    f"\n&gt; {LIE}\n",
    f'"{LIE}',
    f"“{LIE}",
    f"«{LIE}",
    f"‘{LIE}",
    f"said: '{LIE}",
    f"`{LIE}",
    f'"Corrie painted "{LIE}" the boat"',
    f"“Corrie painted “{LIE}” the boat”",
    f"“Corrie painted the boat “red” {LIE}”",
    f'"Corrie painted ‘{LIE}’ the boat"',
    f'"Corrie painted ... {LIE}"',
    f'"Corrie painted [...] {LIE}"',
    f'"[{LIE} and more of the same here]"',
    f'"[{LIE}]"',
    f'"Corrie painted [{LIE}, {LIE} and {LIE}] the boat"',
    f'"Corrie painted the boat.\n\nHe sold it, {LIE}."',
    f'"Corrie painted the boat. {LIE}. He went home."',
    f'"{LIE}[1]"',
    '"zorgle [1] blimfang [2] quaxley"',
    f'*"{LIE}"*',
    f"_'{LIE}'_",
    f"**“{LIE}”**",
    f'said"{LIE}"and',
    f"[9]”{LIE}”",
    f"'Tis {LIE}.'",
    *(
        f"{pair[0]}{LIE}{pair[1]}"
        for pair in re.findall("..", "❝❞❛❜《》〈〉＇＇‟”‛’❮❯❰❱⟨⟩⟪⟫≪≫″″‶″״״﹁﹂﹃﹄⸂⸃⸌⸍⸠⸡⹂”🙶🙷❠❞´´｀｀ʻʼ")
    ),
    f"´´{LIE}´´",
    f"''{LIE}''",
    f"'''{LIE}'''",
    f"‘‘{LIE}’’",
    f"``{LIE}´´",
    f'""{LIE}""',
    f'"""{LIE}"""',
    f'"” {LIE}"',
    f'"”{LIE}"',
    f"<<{LIE}>>",
    f"<q>{LIE}</q>",
    f"<Q cite='x'>{LIE}</Q>",
    f"<blockquote>{LIE}</blockquote>",
    f"<blockquote>\n{LIE}\n</blockquote>",
    f"&lt;q&gt;{LIE}&lt;/q&gt;",
    f"&amp;quot;{LIE}&amp;quot;",
    f"&amp;amp;ldquo;{LIE}&#38;rdquo;",
    f"wrote, he said '{LIE}",
]

OUT_OF_STEP = f'"the boat red ... Corrie painted", {LIE}"'


@pytest.mark.parametrize("lie", [*QUOTED_LIES, OUT_OF_STEP])
@pytest.mark.parametrize(
    "frame",
    ["He said {} [1].", "{} [1]", "It was red [1]. He wrote {} there [2]. It sank [3].", "- It: {} [3]"],
)
def test_a_quote_that_stands_nowhere_never_stays(lie: str, frame: str) -> None:
    text = check_answer(frame.format(lie), EVIDENCE, QUESTION).text
    assert not any(word in text for word in LIE.split())


@pytest.mark.parametrize(
    ("quote", "why"),
    [
        ("the boat red ... Corrie painted", "the other way round"),
        ("painted the boat red in 180", "half a number"),
        ("ainted the boat", "half a word"),
        ("Corrie painted the boat blue", "another word"),
        ("red in 1804. The boat sank", "two places as one"),
    ],
)
def test_a_quote_that_is_nearly_right_goes(quote: str, why: str) -> None:
    assert check_answer(f'"{quote}" [1].', EVIDENCE, QUESTION).text == "", why


INN = apart(
    "The inn [an old one] was kept by a widow, Dorcas, who had a lamp. She didn't sell it.",
    "He did not steal the lamp. He did nothing. He had come to steal away.",
)


@pytest.mark.parametrize(
    "quote",
    [
        "The inn [of Smith the murderer who] was kept [by force at gunpoint, by] by a widow [he killed]",
        "He did ... steal the lamp",
        "He did [...] steal the lamp",
        "He did [] steal the lamp",
        "He did [he] steal the lamp",
        "She ... sell it",
        "The inn [Smith] was kept",
        "[Nobody] was kept by a widow",
        "[not] kept by a widow",
        "was kept by a widow [not]",
        "[The] inn [it] was [it] kept by a widow",
        "was kept [murderously] by a widow",
        "who had a lamp [Dorcas killed]",
        "[W]as keptt by a widow",
        "He did ... away",
        "in[n] [the murderer] was kept",
    ],
)
def test_gaps_and_brackets_hide_nothing(quote: str) -> None:
    assert check_answer(f'"{quote}" [1].', INN, "Who kept the inn?").text == ""


@pytest.mark.parametrize(
    "quote",
    [
        "[an old one] was kept by a widow",
        "[T]he inn ... was kept by a widow",
        "[She] had a lamp",
        "The inn [sic] ... was kept",
        "who had [Dorcas] a lamp",
        "kept by a widow [...] who had a lamp",
        "kept by a widow … She didn't sell it",
        "He had come ... away",
        "He did not steal . . . He did nothing",
    ],
)
def test_honest_gaps_and_brackets_stay(quote: str) -> None:
    assert quote in check_answer(f'He wrote "{quote}" [1].', INN, "Who kept the inn?").text


def test_a_gap_is_short() -> None:
    far = apart("The boat sank. " + "It rained all day. " * 40 + "It was raised. The boat sank. It was red.")
    assert check_answer('"The boat sank ... It was red" [1].', far, "?").cited == (0,)
    assert check_answer('"The boat sank ... It was raised" [1].', far, "?").text == ""


def test_the_sentence_with_the_false_quote_goes_and_its_neighbours_stay() -> None:
    draft = 'It was red [1]. He said "I sold it" to O\'Neill [2]. It sank [3].'
    checked = check_answer(draft, EVIDENCE, QUESTION)
    assert (checked.text, checked.cited) == ("It was red. [1] It sank. [2]", (0, 2))
    assert checked.notes == ("sentences removed for a quote that was not found: 1",)


def test_a_quote_cited_wrongly_gets_its_citation() -> None:
    checked = check_answer('He said "I shall never sell it" [1].', EVIDENCE, QUESTION)
    assert 1 in checked.cited
    assert "quotes cited where they were found: 1" in checked.notes


def test_a_quote_without_citation_gets_one() -> None:
    checked = check_answer('He said "I shall never sell it".', EVIDENCE, QUESTION)
    assert (checked.text, checked.cited) == ('He said "I shall never sell it". [1]', (1,))


def test_a_quote_across_two_sentences_cites_the_two_it_touches() -> None:
    evidence = adjacent("It rained.", "The boat was red.", "It sank at noon.", "Nobody saw it.")
    checked = check_answer('He wrote "was red. It sank" [2].', evidence, "?")
    assert checked.cited == (1, 2)
    far = apart("It rained.", "The boat was red.", "It sank at noon.")
    assert check_answer('He wrote "was red. It sank" [2].', far, "?").text == ""


def test_a_quote_in_a_neighbour_of_the_cited_sentence_cites_the_neighbour() -> None:
    evidence = adjacent("It rained.", "The boat was red.", "It sank at noon.")
    assert 2 in check_answer('He wrote "sank at noon" [1].', evidence, "?").cited


def test_documents_are_not_joined() -> None:
    one, other = adjacent("The boat was red.", "It sank.")
    elsewhere = replace(other, origin=replace(other.origin, document="e"))
    assert check_answer('"was red. It sank" [1]', [one, other], "?").cited == (0, 1)
    assert check_answer('"was red. It sank" [1]', [one, elsewhere], "?").text == ""


def test_sentences_that_overlap_are_not_joined() -> None:
    one, other = adjacent("The boat was red.", "It sank.")
    early = replace(other.origin, span=Span(one.origin.span.end - 1, one.origin.span.end + 7))
    assert check_answer('"was red. It sank" [1]', [one, replace(other, origin=early)], "?").text == ""


def test_words_of_the_question_alone_say_nothing() -> None:
    assert check_answer("The boat.", EVIDENCE, QUESTION).text == ""
    assert check_answer("Yes.", EVIDENCE, QUESTION).text == ""


def test_what_is_left_is_looked_through_once_more() -> None:
    # The sentence between keeps two apostrophes apart that would be a quote without it.
    draft = "Go to 'quaxley lane [1]. He said 'zorgle' there [2]. The dog's toys' [3]."
    assert check_answer(draft, EVIDENCE, QUESTION).text == ""
    apart_from_it = check_answer("Go to 'quaxley lane [1]. He said 'sell it' there [2].", EVIDENCE, QUESTION)
    assert apart_from_it.cited == (0, 1)


def test_typography_of_source_and_quote_may_differ() -> None:
    evidence = apart("He was _very_ tired—and ‘old’, they said.[4] Don’t ask.")
    checked = check_answer('"he was very tired -- and "old", they said. Don\'t ask" [1].', evidence, "?")
    assert checked.cited == (0,)


@pytest.mark.parametrize(
    ("draft", "text", "cited", "made_up"),
    [
        ("It was red [7].", "", (), 1),
        ("It was red [0].", "", (), 1),
        ("It was red [1][9].", "It was red. [1]", (0,), 1),
        ("It was red [1, 9, 3].", "It was red. [1] [2]", (0, 2), 1),
        ("It was red [2-9].", "It was red. [1] [2]", (1, 2), 6),
        ("It was red [12345678901234567890].", "", (), 1),
        ("It was red [2020] [1].", "It was red. [1]", (0,), 1),
        ("It was red [[9]7] [1].", "It was red 7. [1]", (0,), 1),
        ("It was red (evidence [9]7) [1].", "It was red (evidence7). [1]", (0,), 1),
        ("It was [red [1].", "It was red. [1]", (0,), 0),
        ("According to [9], it was red [1].", "According to, it was red. [1]", (0,), 1),
    ],
)
def test_made_up_citations_go(draft: str, text: str, cited: tuple[int, ...], made_up: int) -> None:
    checked = check_answer(draft, apart("It is.", "It is so.", "It is thus."), "?")
    assert (checked.text, checked.cited) == (text, cited)
    said = [note for note in checked.notes if note.startswith("made-up")]
    assert said == ([f"made-up citations removed: {made_up}"] if made_up else [])


def test_statements_without_evidence_go() -> None:
    checked = check_answer("It was blue. It sank off Skerry Point [3]. Buy more boats!", EVIDENCE, QUESTION)
    assert checked.text == "It sank off Skerry Point. [1]"
    assert checked.notes == ("statements without evidence removed: 2",)


@pytest.mark.parametrize(
    ("draft", "text", "removed"),
    [
        (
            "The killer was Smith. He fled to Paris. It sank off Skerry Point [3].",
            "It sank off Skerry Point. [1]",
            2,
        ),
        ("Smith painted the boat. It sank [3].", "It sank. [1]", 1),
        ("It sank in 1841. O'Neill raised it [3].", "O'Neill raised it. [1]", 1),
        ("It sank in winter. However, it was raised by O'Neill [3].", "", 0),
        ("Eventually it sank. O'Neill raised it [3].", "", 0),
        ("Winter came. In The Salt House it sank. O'Neill raised it [3].", "", 0),
        ("Yes. It sank [3].", "", 0),
        ("# The killer was Smith\n\nIt sank [3].", "It sank. [1]", 1),
        ("**The killer was Smith**\n\nIt sank [3].", "It sank. [1]", 1),
        ("The killer was Smith, as he confessed:\n- it sank [3]", "- it sank [1]", 1),
        ("| Smith | Killer |\n|---|---|\n| boat | sank [3] |", "| boat | sank [1] |", 1),
        ("# Summary of the evidence\n\nIt sank [3].", "", 0),
        ("Three reasons follow:\n- it sank [3]", "", 0),
        ("**Why the boat sank**\n\nIt was winter [3].", "", 0),
    ],
)
def test_what_a_citation_further_on_covers(draft: str, text: str, removed: int) -> None:
    checked = check_answer(draft, EVIDENCE, QUESTION)
    assert checked.text == (text or re.sub(r"( \[3\])\.", r".\1", draft).replace("[3]", "[1]"))
    note = f"statements without evidence removed: {removed}"
    assert [each for each in checked.notes if "removed" in each] == ([note] if removed else [])


@pytest.mark.parametrize(
    ("source", "question", "draft", "stays"),
    [
        ("John killed Mary in the barn.", "Who killed whom?", "Mary killed John.", False),
        ("John killed Mary in the barn.", "Whom did John kill?", "Mary killed John.", False),
        ("John killed Mary in the barn.", "Who?", "John killed Mary.", True),
        ("He did not steal the lamp.", "Did he?", "He did steal the lamp.", False),
        ("He did not steal the lamp.", "Did he?", "He did not steal the lamp.", True),
        ("He stole the lamp.", "Did he?", "He never stole the lamp.", False),
        ("Nobody sold it. Una stole the lamp.", "Who?", "Una stole the lamp.", True),
        ("It was darned in thread of bright blue.", "What colour of thread?", "Bright blue thread.", True),
        ("Una, who had never been to sea, kept the glove.", "Who kept the glove?", "Una", True),
        ("The inn was kept by Mrs. Corrie, a widow.", "Who kept the inn?", "Mrs. Corrie", True),
        ("The inn was kept by Mrs. Corrie, a widow.", "Who kept it?", "**Answer:** Mrs. Corrie.", True),
        ("The price was ninety crowns.", "What did it cost?", "ninety crowns", True),
    ],
)
def test_a_citation_is_given_only_to_what_is_said_so(
    source: str, question: str, draft: str, stays: bool
) -> None:
    checked = check_answer(draft, apart("It rained.", source), question)
    assert (bool(checked.text), checked.cited) == (stays, (1,) if stays else ())


def test_openings_go_with_what_they_lead_to() -> None:
    checked = check_answer("## Lies\nThese are:\n- blue\n- green\n\nIt sank [3].", EVIDENCE, QUESTION)
    assert "sank" in checked.text
    assert check_answer("## Lies\nThese are:\n- blue\n- green", EVIDENCE, QUESTION).text == ""


def test_names_and_numbers_that_stand_nowhere_are_noted() -> None:
    checked = check_answer("It was sold to Zoltan for 77 pounds [1].", EVIDENCE, QUESTION)
    foreign = "statements that share no word with what they cite: 1"
    assert checked.notes == (foreign, "not in the evidence: 77, Zoltan")
    assert check_answer("1. In The Salt House it was 1804 [1].", EVIDENCE, QUESTION).notes == ()


@pytest.mark.parametrize("draft", ["", " \n", "[1]", '""', "...", "[1][2]", "- \n- ", "\x00", '"', "'"])
def test_nothing_is_left_of_nothing(draft: str) -> None:
    assert check_answer(draft, EVIDENCE, QUESTION).cited == ()
    assert check_answer(draft, EVIDENCE, QUESTION).text == ""


def test_without_evidence_nothing_stays() -> None:
    assert check_answer("It was red [1].", [], QUESTION).text == ""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("don't, Corrie's, 'twas, the 1840s', O'Neill, the '40s, 'em", []),
        ("‘Twas brillig in the dogs’ house", []),
        ("a “b” c 'd e' f «g»", ["b", "d e", "g"]),
        ("“a ‘b’ c “d” e” f", ["a ‘b’ c “d” e"]),
        ('""a b"" c', ["a b"]),
        ("5′10″, 5'10'' and 3° 4′ 5″", []),
        ("he said 'a b c\nd", ["a b c"]),
        ("he had 'a b c", []),
        ("<q>a b</q> <b>c</b> <<d>>", ["a b", "d"]),
        ('הוא אמר "צה״ל בא" כן', ["צה״ל בא"]),
        ('x "open to\nthe end', ["open to\nthe end"]),
        ("‘the dogs’ barking don’t stop’ he", ["the dogs’ barking don’t stop"]),
        ("> one\n> two\nthree > four", ["one", "two"]),
        ('5\'10" and 6" but "seven"', ["seven"]),
        ('צה"ל and "yes"', ["yes"]),
        ("「外『内』外」と", ["外『内』外"]),
        ('"a [1] b [2]"', ["a  b"]),
    ],
)
def test_quoted(text: str, words: list[str]) -> None:
    assert [each for _, each in quoted(text)] == words


def test_spans_of_quotes_hold_their_marks() -> None:
    text = "He said “no” and «yes»."
    assert [text[span.start : span.end] for span, _ in quoted(text)] == ["“no”", "«yes»"]


def test_book_prefers_what_was_cited_and_knows_the_question() -> None:
    book = QuoteBook(apart("the red boat", "a red boat", "nothing"), "Was it a blue boat?")
    assert book.find("red boat", ()) == (0,)
    assert book.find("red boat", (1,)) == (1,)
    assert book.find("blue boat", ()) == ()
    assert book.find("...", ()) == ()
    assert book.find("green boat", ()) is None


HOSTILE = {
    "straight marks": '"' * 5_000,
    "spaced marks": '" ' * 5_000,
    "opening marks": "“" * 5_000,
    "guillemets": "«»" * 5_000,
    "apostrophes": " 'a" * 6_000,
    "possessives": "'s s' " * 3_000,
    "single opening": " ‘a" * 6_000,
    "backticks": "`a " * 5_000,
    "open and words": "“a " * 7_000,
    "runs of marks": "'' " * 4_000 + '"' * 4_000,
    "other marks": "❝a " * 7_000,
    "tags": "<q>" * 5_000,
    "half tags": "<" * 10_000,
    "entities of entities": "&amp;" * 4_000,
    "entities in entities": "&" + "amp;" * 4_000 + "quot;",
    "verbs": "said 'a b " * 2_000,
    "brackets": "[" * 5_000,
    "numbers in brackets": "[[1]" * 4_000,
    "commas in a bracket": "[" + "1," * 9_000,
    "spaces in a bracket": "[1" + " " * 20_000,
    "line ends": "\n" * 20_000,
    "block quotes": "> \n" * 6_000,
    "greater": ">" * 20_000,
    "digits": "1" * 20_000,
    "digits in brackets": "[" + "1" * 20_000 + "]",
    "stops": ". " * 10_000,
    "entities": "&#0" * 6_000,
    "ampersands": "&" * 20_000,
    "table": "|-" * 10_000,
    "stars": "**" * 10_000,
    "labels": "(evidence 1" * 1_800,
    "gaps": '"' + "boat... " * 2_500 + '"',
    "different quotes": "".join(f' "b{n}"' for n in range(2_500)),
    "true quotes": '"the boat" ' * 1_800,
    "sentences": "The boat was red. " * 1_100,
    "colons": "a: \n" * 5_000,
    "names": "and X" * 4_000,
    "words": "boat " * 4_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_drafts_take_no_time(name: str) -> None:
    began = time.process_time()
    check_answer(HOSTILE[name], EVIDENCE * 5, QUESTION)
    assert time.process_time() - began < 10


WORDS = (
    "Corrie painted the boat|red in 1804|zorgle|blimfang quaxley|I shall never sell it|dogs'|kennel|don't|1"
)
MORE_WORDS = (
    "'twas|O'Neill|The boat sank|船は|he said|1840s'| | | |. |, |! |: |...|…|—|**|_|(1804)|(evidence 2)|7"
)
SIGNS = """ "|"|“|”|«|»|„|‘|’|'|'|`|``|```|「|」|『|』|‚|＂|[1]|[2]|[3]|[4]|[0]|[1, 2]|[1-9]|【3】|[|]|(|)"""
LINES = ["\n", "\n\n", "\r\n", "\u2028", "\n> ", "\n- ", "\n2. ", "\n| ", "|---|\n", "\x00"]
ESCAPED = ["&quot;", "&ldquo", "&#34;", "&amp;quot;", "&", "#", "amp;", "<q>", "</q>", "<", "<<", ">>"]
OTHER_MARKS = [*"❝❞❛❜《》‟‛´″״❮❯＇′ʼ⸂⸃", "''", '""', "5″", "said "]
PIECES = st.sampled_from(
    [*f"{WORDS}|{MORE_WORDS}|{SIGNS.strip()}".split("|"), *LINES, *ESCAPED, *OTHER_MARKS]
)
DRAFTS = st.lists(PIECES, max_size=40).map("".join)


def alone(text: str) -> str:
    """Letters and digits, by which the tests tell whether words stand somewhere."""
    return "".join(c for c in text.casefold() if c.isalnum())


KNOWN = [alone(each.quote) for each in EVIDENCE] + [alone(QUESTION), alone("The Salt House")]


def stands(words: str) -> bool:
    """Brute force: whether the letters of each piece of a quote stand in one known text."""
    pieces = [alone(piece) for piece in re.split(r"\.\s?\.\s?\.|…|\[[^\[\]]{0,30}\]", words)]
    return any(all(piece in text for piece in pieces) for text in KNOWN)


@settings(max_examples=500, deadline=None)
@given(DRAFTS)
def test_whatever_is_written_what_stays_is_sound(draft: str) -> None:
    checked = check_answer(draft, EVIDENCE, QUESTION)
    numbers = [int(n) for n in re.findall(r"\[\s*(\d+)\s*\]", checked.text)]
    assert set(numbers) == set(range(1, len(checked.cited) + 1))
    assert list(dict.fromkeys(numbers)) == sorted(set(numbers))  # numbered as they come
    assert len(set(checked.cited)) == len(checked.cited)
    assert all(0 <= n < len(EVIDENCE) for n in checked.cited)
    assert all(re.fullmatch(r"\[\d+\]", found.group()) for found in CITATION.finditer(checked.text))
    assert bool(checked.text) == bool(checked.cited)
    assert all(stands(words) for _, words in quoted(checked.text))
    assert "\x00" not in checked.text


LIE_WORDS = st.sampled_from(["zorgle", "zorgle blimfang", "blimfang, zorgle!", "Zorgle. Blimfang"])
MARKS = st.sampled_from(["“”", '""', "«»", "„“", "‘’", "「」", "『』", "``", "❝❞", "❛❜", "《》", "‟”", "≪≫"])
HARMLESS = st.lists(
    st.sampled_from(
        ["It was red [1]. ", "Corrie's. ", "dogs' [2]. ", "\n", "- it sank [3]\n", "“never sell it” [2] "]
    ),
    max_size=6,
).map("".join)


@settings(max_examples=300, deadline=None)
@given(HARMLESS, MARKS, LIE_WORDS, HARMLESS, st.sampled_from(["", " [1]", " [1].", ", he said [2].", "\n"]))
def test_invented_quotes_among_honest_sentences_go(
    before: str, marks: str, lie: str, after: str, end: str
) -> None:
    checked = check_answer(f"{before}{marks[0]}{lie}{marks[1]}{end}{after}", EVIDENCE, QUESTION)
    assert not re.search("zorgle|blimfang", checked.text, re.IGNORECASE)
    if "red [1]" in before.splitlines()[:1] and before.endswith("\n"):
        assert "It was red." in checked.text


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 60), st.integers(1, 60), st.sampled_from([0, 2]), MARKS)
def test_true_quotes_stay(start: int, length: int, which: int, marks: str) -> None:
    source = EVIDENCE[which].quote
    words = list(re.finditer(r"[^\s“”,.]+", source))
    chosen = words[start % len(words) :][:length]
    quote = source[chosen[0].start() : chosen[-1].end()]
    checked = check_answer(f"It says {marks[0]}{quote}{marks[1]} there.", EVIDENCE, "?")
    assert f"{marks[0]}{quote}{marks[1]}" in checked.text
    assert checked.cited


def test_a_statement_in_words_of_its_own_is_noted() -> None:
    """It may be a paraphrase or a lie: words alone do not tell, so it stays, and is said."""
    evidence = apart("Corrie painted the boat red in 1804.", "Hens were fed at noon.")
    question = "What colour was the boat?"
    lie = check_answer("It was bright blue [2].", evidence, question)
    assert lie.text == "It was bright blue. [2]".replace("[2]", "[1]")
    assert "statements that share no word with what they cite: 1" in lie.notes
    for honest in ("It was red [1].", "The boat was the colour [1].", "She painted it [1]."):
        assert not any("share no word" in note for note in check_answer(honest, evidence, question).notes)
