"""Bytes to characters: marks, declarations, then the encodings people really used."""

from __future__ import annotations

import codecs
import itertools
import re

__all__ = ["declared_encoding", "decode_text", "decode_xml"]

# Longest first: the UTF-32 mark begins with the UTF-16 one. The codecs named keep the mark as U+FEFF.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# What charset-normalizer may answer; without this list it prefers exotic near-twins (cp1250 for cp1252).
_CANDIDATES = [
    *("cp1252", "cp1251", "koi8_r", "cp932", "euc_jp", "gb18030", "big5", "cp949", "cp1250", "cp1253"),
    *("cp1254", "cp1255", "cp1256", "cp866", "cp437", "mac_roman", "tis_620"),
]
# The names pages declare stand for these supersets (WHATWG Encoding Standard, section 4.2).
_SUPERSETS = {
    **dict.fromkeys(("ascii", "iso8859-1", "iso8859-15"), "cp1252"),
    **dict.fromkeys(("gb2312", "gbk"), "gb18030"),
    **{
        "shift_jis": "cp932",
        "euc_kr": "cp949",
        "big5": "big5hkscs",
        "tis-620": "cp874",
        "iso8859-9": "cp1254",
    },
}
_TWO_BYTE = frozenset(("cp932", "euc_jp", "gb18030", "big5hkscs", "cp949"))
_SAMPLE = 200_000
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\r\f\v\x1a\x1b")) + b"\x7f"
_DECLARATION = re.compile(
    rb"""<\?xml[^>]{0,200}?encoding\s*=\s*["']([\w.:-]{1,40})|<meta[^>]{0,300}?charset\s*=\s*["']?\s*([\w.:-]{1,40})""",
    re.IGNORECASE,
)


def decode_text(data: bytes, *, honour_declaration: bool = False) -> str | None:
    """Return the characters of `data` to the letter, or None if it is not text.

    Args:
        data: The whole file.
        honour_declaration: Believe `<meta charset>` and `<?xml encoding>` where no mark says otherwise and
            the bytes are not UTF-8.
    """
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            text = data.decode(encoding, errors="replace")
            return text if _is_plausible(text) else None
    if b"\0" in data:
        return _wide(data)
    if data[:_SAMPLE].translate(None, _CONTROLS) != data[:_SAMPLE] and _control_share(data) > 0.003:
        return None
    declared = declared_encoding(data) if honour_declaration else None
    try:
        text = data.decode("iso2022_jp" if b"\x1b$B" in data[:_SAMPLE] else "utf-8")
    except UnicodeDecodeError as error:
        first_bad = error.start
    else:
        # A few characters of a two-byte encoding can be UTF-8 by chance; many cannot.
        by_chance = declared in _TWO_BYTE and 0 < sum(c > "\x7f" for c in text) < 5
        return data.decode(declared, errors="replace") if declared and by_chance else text
    if declared and declared != "utf-8":
        return data.decode(declared, errors="replace")
    if _is_nearly_utf8(data):
        return data.decode("utf-8", errors="replace")
    return _guess(data, first_bad)


def decode_xml(data: bytes) -> str:
    """Return the characters of an XML part: UTF-8 unless its first bytes or its declaration say otherwise."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return data[len(mark) :].decode(encoding, errors="replace")
    for start, encoding in ((b"<\0", "utf-16-le"), (b"\0<", "utf-16-be"), (b"\0\0\0<", "utf-32-be")):
        if data.startswith(start):
            wide = "utf-32-le" if data.startswith(b"<\0\0\0") else encoding
            return data.decode(wide, errors="replace")
    return data.decode(declared_encoding(data) or "utf-8", errors="replace")


def declared_encoding(data: bytes) -> str | None:
    """Return the Python codec that the first 4 kB declare, as the superset that browsers use, or None."""
    match = _DECLARATION.search(data[:4096])
    if match is None:
        return None
    name = (match[1] or match[2]).decode("ascii", errors="replace").lower()
    try:
        codec = codecs.lookup(name).name
        b"".decode(codec)
    except (LookupError, ValueError):  # unknown, or a codec that is no text encoding
        return None
    if codec in ("utf-7", "idna", "punycode") or codec.startswith(("utf-16", "utf-32", "unicode", "raw")):
        return (
            "utf-8"  # the declaration was read as ASCII, so the bytes cannot be wide; UTF-7 only hides markup
        )
    return _SUPERSETS.get(name.replace("_", "-"), _SUPERSETS.get(codec, codec))


def _wide(data: bytes) -> str | None:
    """UTF-16 or UTF-32 without a mark, told by where the zero bytes lie; any other text has none."""
    sample = data[: _SAMPLE - _SAMPLE % 4]
    rest = sample.replace(b"\0", b"")
    if len(rest) > 0.8 * len(sample) and _control_share(rest) < 0.01 and _is_nearly_utf8(rest):
        return None  # a few zero bytes in other text: a binary format, or damage
    zeros = [sample[offset::4].count(0) for offset in range(4)]
    quarter = max(1, len(sample) // 4)
    shape = [count / quarter > 0.9 for count in zeros]
    if shape == [False, True, True, True]:
        order = ["utf-32-le"]
    elif shape == [True, True, True, False]:
        order = ["utf-32-be"]
    elif len(data) % 2:
        return None
    else:
        low, high = zeros[0] + zeros[2], zeros[1] + zeros[3]
        order = ["utf-16-le", "utf-16-be"] if high >= low else ["utf-16-be", "utf-16-le"]
    for encoding in order:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if _is_plausible(text, strict=True):
            return text
    return None


def _is_plausible(text: str, *, strict: bool = False) -> bool:
    sample = text[:50_000]
    if not sample:
        return True
    odd = sum(1 for c in sample if (c < " " and c not in "\t\n\r\f\v\x1a\x1b") or c in "\x7f\ufffd\uffff")
    if odd / len(sample) > 0.003:
        return False
    # Junk read as UTF-16 scatters over the scripts; neighbouring letters of real text share theirs.
    return not strict or _same_block_share(sample) > 0.5


def _same_block_share(sample: str) -> float:
    """Share of neighbouring letters from the same script, with all CJK ideographs counted as one."""
    blocks = [0x4E if 0x4E00 <= ord(c) <= 0x9FFF else ord(c) >> 8 for c in sample if not c.isspace()]
    if not blocks:
        return 0.0
    if len(blocks) == 1:
        return 1.0
    return sum(a == b for a, b in itertools.pairwise(blocks)) / (len(blocks) - 1)


def _control_share(data: bytes) -> float:
    sample = data[:_SAMPLE]
    return 1 - len(sample.translate(None, _CONTROLS)) / max(1, len(sample))


def _is_nearly_utf8(data: bytes) -> bool:
    """Whether the bytes are UTF-8 with a few broken places: nine good sequences for each bad byte."""
    sample = data[:_SAMPLE]
    replaced = sample.decode("utf-8", errors="replace")
    bad = replaced.count("\ufffd")
    good = sum(1 for character in replaced if character > "\x7f") - bad
    return good >= 9 * bad


def _guess(data: bytes, first_bad: int) -> str | None:
    from charset_normalizer import from_bytes

    start = max(0, first_bad - _SAMPLE // 4)
    sample = data[start : start + _SAMPLE]
    matches = from_bytes(sample, cp_isolation=_CANDIDATES, preemptive_behaviour=False)
    best = matches.best()
    if best is None:
        return None
    # Western and Central European read alike; where they tie the common one is meant.
    western = "cp1252" in best.could_be_from_charset or any(
        match.encoding == "cp1252" and match.chaos <= best.chaos and match.coherence >= best.coherence
        for match in matches
    )
    text = data.decode("cp1252" if western else best.encoding, errors="replace")
    return text if _is_plausible(text) else None
