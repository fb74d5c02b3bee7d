"""What of a message is not in its user's own words: pasted, quoted, marked up, spoken by somebody else.

Rules on the form of the text, for English: introductions such as "here is the letter:" are known in English
only; quotation marks, tags, braces, code and headers in any language. In doubt a stretch counts as foreign:
what is lost can be said again, what is kept wrongly is a memory that nobody asserted.
"""

from __future__ import annotations

import re
from typing import Final

from retrieval.document import Span

__all__ = ["LABELS_OF_ONES_OWN", "THINGS", "foreign_spans"]

_I, _M = re.IGNORECASE, re.MULTILINE
_TASKS: Final = (
    "summari[sz]e|translate|proofread|rewrite|rephrase|paraphrase|correct|edit|improve|review|analy[sz]e|explain|"
    "classify|read|check|fix|format|convert|extract|continue|complete|comment|look at|consider|quote|repeat|"
    "print|say|write|type|output|echo|spell|parse|copy|recite|shorten|simplify|answer|respond|reply|tell"
)
THINGS: Final = (
    "document|text|e-?mail|mail|letter|message|article|page|file|book|chapter|paragraph|passage|note|memo|"
    "transcript|log|output|prompt|instructions?|quote|quotation|excerpt|snippet|poem|story|lyrics|review|post|tweet|"
    "comment|contract|report|answer|reply|response|context|input|content|sentence|words|lines?|conversation|dialogue|"
    "statement|testimony|song|speech|minutes|diary|journal|record|sign|headline|verse|sermon|inscription"
)
LABELS_OF_ONES_OWN: Final = (
    r"by the way|btw|ps|p\.s|p\.p\.s|note|please note|fyi|for your information|update|correction|edit|also|"
    r"(?:please )?(?:do not |don['’]t )?(?:remember|forget)(?: this| that| these)?|reminder|one more thing|"
    r"in short|my [^:=\n]*|about (?:me|us|myself)"
)

TO_THE_END: Final = (
    # A task on a line of its own, a heading.
    re.compile(rf"^[^\w\n]*+(?:please )?(?:{_TASKS})\b[^.?!:\n]{{0,60}}\n(?=\s*\S)", _I | _M),
    re.compile(
        r"^#{1,6}[ \t]+\S|^(?:chapter|part|book|section|act|scene)[ \t]+(?:\d+|[ivxlc]+)\b.*\n", _I | _M
    ),
    # A task for a text that follows, an introduction of one, the head of a mail, the turn of another role.
    re.compile(rf"\b(?:{_TASKS})\b[^.?!:\n]{{0,80}}:", _I),
    re.compile(
        rf"(?:^|(?<=[.!?\n] ))[^\w\n]*+(?:please |can you |could you |will you |would you |now )?"
        rf"(?:{_TASKS})\b"
        r"[^.?!:\n]{0,60}\b(?:this|these|the following|below|it)\b[^.?!:\n]{0,40}[.!?\n]",
        _I | _M,
    ),
    re.compile(
        r"\b(?:here(?:['’]s| is| are)|below (?:is|are)|(?:the|as) follow(?:ing|s))\b[^.?!:\n]{0,80}[:.\n]", _I
    ),
    re.compile(
        rf"\b(?:below|above|attached|enclosed)\b[^.?!:\n]{{0,60}}\b(?:{THINGS})\b[^.?!:\n]{{0,40}}[.:\n]", _I
    ),
    re.compile(r"\b(?:found|got|received|read|copied|pasted|attached)\b[^.?!:\n]{0,80}:", _I),
    re.compile(
        rf"\b(?:the|this|that|these|an?|my|our|his|her|their|its|your)\s+(?:\w+\s+){{0,3}}(?:{THINGS})\b"
        r"[^.?!:\n]{0,40}:",
        _I,
    ),
    re.compile(r"^(?!.*\b(?:about (?:me|us|myself)|remember|forget|note)\b).*:[ \t]*\n", _I | _M),
    re.compile(r"^[ \t]*(?:[-=*_~#+][ \t]*){3,}$", _M),
    re.compile(r"^[ \t]*(?:from|to|subject|date|cc|bcc|sent|re|fwd|fw)[ \t]*:", _I | _M),
    re.compile(
        r"(?:^|(?<=[.!?\n\"'”)\]]))[ \t]*+(?:[#*_\[(<|]++[ \t]*+)?(?:system|assistant|user|human|developer|"
        r"tool|function|ai|bot|chatbot|model|admin|administrator|root|instructions?|memory|memories|context)"
        r"(?:[ \t]+(?:prompt|message|note|instructions?|override|update|role|input|output))?[ \t]*[\])>|*_]*"
        r"[ \t]*[:=>]",
        _I | _M,
    ),
    re.compile(
        r"\bbegin(?:ning)?(?: of)?(?: the)? (?:document|text|message|mail|quote|file|prompt|context)\b", _I
    ),
    re.compile(
        r"<\|[^>\n]*\|>|\[/?(?:inst|sys|system|assistant|user|quote|begin|document)\b[^\]\n]*\]|<<", _I
    ),
    # A letter; a part that somebody is given; one who speaks, in capitals on a line as on a stage.
    re.compile(r"^[ \t]*(?:my )?dear(?:est)?\b[^.?!\n]{0,60},?[ \t]*\n", _I | _M),
    re.compile(r"^[^\w\n]*+(?:you(?:['’]re| are)|be) (?:now )?(?:an?|the|my)\b", _I | _M),
    re.compile(r"^[ \t]*(?=.{3})[A-Z][A-Z .'’-]*(?:\([^)\n]*\))?[ \t]*\n(?=[ \t]*\S)", _M),
    # A text to be made or made better, its beginning behind the task.
    re.compile(
        r"^[^\w\n]*+(?:please |now |(?:can|could|will|would) you )?(?:draft|compose|"
        r"write|fix|correct|polish|improve|continue|go on|carry on|finish|complete|take dictation|take down|"
        r"take this down)\b[^.!:?\n]*[.!?\n]",
        _I,
    ),
    # Somebody has just been quoted at length, or a scene is set: what follows belongs to it.
    re.compile(
        r"(?<!\bi )\b(?:suppose|supposing|imagine|imagining|pretend(?:ing)?|what if|let['’]?s say|let us say|"
        r"hypothetical(?:ly)?|role-?play(?:ing)?|let['’]?s play|in (?:this|my|the|a|our) (?:story|game|novel|"
        r"scene|scenario|film|movie|play|dream)|"
        r"for the sake of argument|thought experiment|act as|make believe)\b",
        _I,
    ),
)
FROM_THE_START: Final = (
    # Whose words they were stands behind them: "Yours truly", "- Agatha Christie, p. 5", "That is Descartes".
    re.compile(
        r"^[ \t]*(?:(?:yours )?(?:sincerely|faithfully|truly)|(?:best|kind|warm)?[ \t]*(?:regards|wishes)|"
        r"(?:with |all my )?love|yours)[ \t]*,?[ \t]*\n.*",
        _I | _M,
    ),
    re.compile(
        r"(?:^|(?<=[.!?] ))[ \t]*(?:[-–—~]{1,2}[ \t]*|\()[A-Z][\w.'’-]*(?:[ \t]+[A-Z][\w.'’-]*)+.*$", _M
    ),
    re.compile(
        rf"\b(?:that|this|it)(?:['’]s| is| was) (?:how|what|from|by|in|the (?:start|end|beginning|opening))\b"
        rf"[^.?!\n]*\b(?:{THINGS}|novel|starts?|begins?|ends?|says?|said|wrote)\b[^.?!\n]*",
        _I,
    ),
    re.compile(
        r"(?:^|(?<=[.!?] ))(?:that|this)(?:['’]s| is| was) (?-i:[A-Z])[\w.'’-]*[.!]?(?=\s|$)", _I | _M
    ),
)
_QUOTED: Final = re.compile(
    r'“[^”]*(?:”|\Z)|(?<!\d)"[^"]*(?:"|\Z)|«[^»]*(?:»|\Z)|»[^«\n]*«|„[^“”"]*(?:[“”"]|\Z)|‟[^”]*(?:”|\Z)'
    r"|‘(?:[^’]|’(?=\w))*(?:’(?!\w)|\Z)|‚[^‘’]*(?:[‘’]|\Z)|(?<![\w'])'(?=\S)(?:[^'\n]|'(?=\w))*'(?!\w)"
    r"|「[^」]*(?:」|\Z)|『[^』]*(?:』|\Z)|《[^》]*(?:》|\Z)|‹[^›]*(?:›|\Z)|''[^\n]*?(?:''|\Z)|❝[^❞]*(?:❞|\Z)"
    r"|＂[^＂]*(?:＂|\Z)|〝[^〞]*(?:〞|\Z)|&(?:quot|ldquo|laquo|#34|#39|apos);"
)
STRETCHES: Final = (
    re.compile(r"```.*?(?:```|\Z)|~~~.*?(?:~~~|\Z)|`[^`\n]*`", re.DOTALL),
    # A block quotation runs to the next blank line, marked or not.
    re.compile(r"^[ \t]*+(?:>|&gt;|\|).*(?:\n(?![ \t]*\n).*)*", _M),
    re.compile(r"^[ \t]*[—–―].*", _M),
    re.compile(r"^(?: {4,}|\t+)\S.*", _M),
    re.compile(r"\{.*\}|\{.*|\$\(.*|<%.*", re.DOTALL),
    # A line of a conversation that was saved, "[12/05/2026, 09:31] Tom: ..." or "Anna 12:04" above it.
    re.compile(
        r"^[ \t]*+(?:[\w.'’-]+[ \t]+){0,3}[\[(]?(?:[\d/.-]+,?[ \t]+)?\d{1,2}:\d\d(?::\d\d)?"
        r"(?:[ \t]?[ap]\.?m\.?)?[\])]?"
        r"(?:[ \t:-]+(?-i:[A-Z])[\w.' -]*:.*|[ \t]*$)(?:\n(?![ \t]*\n).*)*",
        _I | _M,
    ),
    # A label before a colon: somebody who speaks, a key with its value.
    re.compile(
        rf"^[ \t]*+(?:[-*•][ \t]*+)?(?!(?:{LABELS_OF_ONES_OWN})[ \t]*[:=])"
        r"(?:[\w.-]+|[\w.'-]+(?:[ \t]+(?-i:[A-Z])[\w.'-]*){1,3})[ \t]*[:=](?!//)(?!\d).*"
        r"(?:\n(?![ \t]*\n).*)*",
        _M | _I,
    ),
    re.compile(r"\b[a-z]+_[a-z_]+\b[^.?!\n]*|\buser ?id\b[^.?!\n]*", _I),
    re.compile(r"https?://\S+"),
)
_TAG: Final = re.compile(r"</?([a-zA-Z!?][\w:-]*)(?:\s[^<>]*)?/?>|<!--|\]\]>|&lt;/?\w")
_PERSON: Final = re.compile(
    r"\b(?:i|me|my|mine|we|us|our|you|your|yours|he|she|they|it|is|are|am|was|remember|forget|note|must|never|always|"
    r"ignore)\b|\bi['’]",
    _I,
)
NAME_WORDS: Final = 6


def foreign_spans(text: str) -> list[Span]:
    """The stretches of a message that are not its user's own, ascending; they may overlap.

    A few words between quotation marks that name something, as of a book, are no quotation.
    """
    found = [Span(*match.span()) for pattern in STRETCHES for match in pattern.finditer(text) if match[0]]
    found += [Span(*match.span()) for match in _QUOTED.finditer(text) if not _is_name(match[0])]
    found += [Span(match.start(), len(text)) for pattern in TO_THE_END if (match := pattern.search(text))]
    found += [Span(0, match.end()) for pattern in FROM_THE_START for match in pattern.finditer(text)]
    return sorted([*found, *_marked_up(text)])


def _is_name(quoted: str) -> bool:
    inner = quoted[1:-1]
    return (
        len(quoted) > 2
        and not _PERSON.search(inner)
        and len(inner.split()) <= NAME_WORDS
        and "\n" not in inner
        and not inner.rstrip().endswith((".", "!", "?", ":", ","))
    )


def _marked_up(text: str) -> list[Span]:
    """From the first tag to the last, and to the end of the text where a tag was never closed."""
    tags = list(_TAG.finditer(text))
    if not tags:
        return []
    names = [(tag[1] or "").lower() for tag in tags if not tag[0].startswith("</")]
    closed = [(tag[1] or "").lower() for tag in tags if tag[0].startswith("</")]
    whole = sorted(names) == sorted(closed) and all(names)
    return [Span(tags[0].start(), tags[-1].end() if whole else len(text))]
