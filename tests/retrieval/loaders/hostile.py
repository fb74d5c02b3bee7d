"""A corpus of files that are broken, mislabelled or built to do harm, each with the error it must end in."""

from __future__ import annotations

import gzip
import io
import os
import sqlite3
import struct
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from retrieval.errors import (
    DamagedFileError,
    EmptyFileError,
    EncryptedFileError,
    FileMissingError,
    LoadError,
    ParseLimitError,
    UnsafeFileError,
    UnsupportedFileError,
)
from tests.retrieval.loaders.samples import (
    CONTAINER,
    docx_members,
    epub_members,
    good_docx,
    good_epub,
    good_pdf,
    make_pdf,
    make_zip,
    pdf_from_objects,
    xhtml,
)

__all__ = ["HostileFile", "build_hostile_corpus"]

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x10\0\0\0\x10\x08\x06\0\0\0\x1f\xf3\xffa" + bytes(range(256)) * 4
JPEG = b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0" + bytes(range(256)) * 4 + b"\xff\xd9"
ELF = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\0\x3e\0\x01\0\0\0" + bytes(range(256)) * 4
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + b"\x3e\0\x03\0\xfe\xff\x09\0" + bytes(1000)
LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "ha">'
    + "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9))
    + "]>"
)
OUTSIDE = '<!DOCTYPE x [<!ENTITY passwd SYSTEM "file:///etc/passwd">]>'
QUADRATIC = f'<!DOCTYPE x [<!ENTITY a "{"a" * 50_000}">]>'


@dataclass(frozen=True, slots=True)
class HostileFile:
    """One file of the corpus.

    Attributes:
        path: Where it lies.
        errors: What loading it may end in; mostly one.
        reason: What is wrong with it.
    """

    path: Path
    errors: tuple[type[LoadError], ...]
    reason: str


def build_hostile_corpus(folder: Path) -> list[HostileFile]:
    """Write the corpus into `folder`, which must exist, and return what is in it.

    Every entry is one that `load_document` must end in one of `errors`; names are those of the reasons, so a
    failing one can be looked at. Nothing in it harms a system that does not parse it. About 10 MB on disk.
    """
    corpus = []
    for name, content, error, reason in _contents():
        path = folder / name
        path.write_bytes(content)
        corpus.append(HostileFile(path, error if isinstance(error, tuple) else (error,), reason))
    return corpus + _special_files(folder)


_Row = tuple[str, bytes, type[LoadError] | tuple[type[LoadError], ...], str]


def _contents() -> Iterator[_Row]:
    yield from _empty_and_cut()
    yield from _mislabelled()
    yield from _archives()
    yield from _epubs()
    yield from _entities()
    yield from _pdfs()
    yield from _encrypted()


def _empty_and_cut() -> Iterator[_Row]:
    yield "empty.txt", b"", EmptyFileError, "no bytes"
    yield "empty.pdf", b"", EmptyFileError, "no bytes"
    yield "blank.txt", b" \r\n\t\n " * 50, EmptyFileError, "white space only"
    yield "mark.txt", b"\xef\xbb\xbf", EmptyFileError, "a byte-order mark only"
    yield "mark-utf16.txt", b"\xff\xfe \0\n\0", EmptyFileError, "a byte-order mark and white space in UTF-16"
    yield "zeros.txt", bytes(5000), EmptyFileError, "zero bytes only"
    yield (
        "tags.html",
        b"<html><head><script>x()</script></head><body></body></html>",
        EmptyFileError,
        "no text",
    )
    pdf, epub, docx = good_pdf(), good_epub(), good_docx()
    for percent in (3, 40, 85):
        yield f"cut-{percent}.pdf", pdf[: len(pdf) * percent // 100], DamagedFileError, "truncated"
    for percent in (10, 50, 95):
        yield f"cut-{percent}.epub", epub[: len(epub) * percent // 100], DamagedFileError, "truncated"
        yield f"cut-{percent}.docx", docx[: len(docx) * percent // 100], DamagedFileError, "truncated"
    broken = bytearray(docx)
    position = docx.index(b"word/document.xml") + 60
    broken[position : position + 40] = b"\xff" * 40
    yield "flipped.docx", bytes(broken), DamagedFileError, "bytes flipped inside a member"


def _mislabelled() -> Iterator[_Row]:
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as archive:
        member = tarfile.TarInfo("a.txt")
        member.size = 5
        archive.addfile(member, io.BytesIO(b"hello"))
    database = sqlite3.connect(":memory:")
    database.execute("create table t (x)")
    kinds = {
        "png": PNG,
        "jpeg": JPEG,
        "elf": ELF,
        "sqlite": database.serialize(),
        "gzip": gzip.compress(b"plain text, packed " * 40),
        "tar": tar.getvalue(),
        "old-word": OLE,
        "rtf": rb"{\rtf1\ansi Hello \b world\b0.}",
        "zip": make_zip({"notes.txt": "hello", "more/notes.txt": "again"}),
        "xlsx": make_zip({"[Content_Types].xml": "<Types/>", "xl/workbook.xml": "<workbook/>"}),
        "odt": make_zip({"mimetype": "application/vnd.oasis.opendocument.text", "content.xml": "<x/>"}),
        "junk": bytes((n * 7919 + n * n // 3) % 256 for n in range(3000)),
    }
    database.close()
    for name, content in kinds.items():
        yield f"{name}-as-text.txt", content, UnsupportedFileError, f"{name} named .txt"
    for name in ("png", "jpeg", "elf", "sqlite", "gzip", "tar"):
        yield f"{name}-as-pdf.pdf", kinds[name], UnsupportedFileError, f"{name} named .pdf"
    yield "png-as-docx.docx", PNG, UnsupportedFileError, "png named .docx"
    yield "drawing.svg", b'<?xml version="1.0"?><svg><text>hi</text></svg>', UnsupportedFileError, "SVG"


def _archives() -> Iterator[_Row]:
    zeros = bytes(40_000_000)
    yield "bomb.docx", make_zip({**docx_members([]), "word/document.xml": zeros}), UnsafeFileError, "zip bomb"
    yield (
        "bomb.epub",
        make_zip({**epub_members(["x"]), "OEBPS/text/c1.xhtml": zeros}),
        UnsafeFileError,
        "zip bomb",
    )
    many = {f"OEBPS/filler{n}.css": bytes(30_000_000) for n in range(20)}
    nested = make_zip({"inner.zip": make_zip({"a": zeros})} | epub_members(["x"]) | {"b.css": zeros})
    yield "many-bombs.epub", make_zip(epub_members(["x"]) | many), UnsafeFileError, "many bombs"
    yield "nested-bomb.epub", nested, UnsafeFileError, "bomb inside a zip inside an EPUB"
    lying = _with_declared_size(
        make_zip({**docx_members([]), "word/document.xml": bytes(3_000_000)}), 3_000_000, 900
    )
    yield "lying-size.docx", lying, (DamagedFileError, UnsafeFileError), "declares a smaller size than it has"
    yield (
        "overlap.epub",
        _overlapping(make_zip(epub_members(["<p>text</p>"] * 30))),
        UnsafeFileError,
        "overlapping",
    )
    yield "entries.epub", _many_entries(200_000), UnsafeFileError, "200,000 members"
    for number, member in enumerate(
        ("../../evil.txt", "/etc/cron.d/evil", "C:/evil.txt", "..\\..\\evil.txt")
    ):
        yield (
            f"path-{number}.docx",
            make_zip(docx_members([("", "hi")]) | {member: "x"}),
            UnsafeFileError,
            member,
        )
    yield (
        "path.epub",
        make_zip(epub_members(["hi"]) | {"OEBPS/../../evil": "x"}),
        UnsafeFileError,
        "traversal",
    )
    yield "twice.docx", _twice(), UnsafeFileError, "two members of one name"
    yield "locked.docx", _with_flag(good_docx()), EncryptedFileError, "members need a password"


def _epubs() -> Iterator[_Row]:
    sound = epub_members(["<h1>One</h1><p>Text.</p>"])
    opf = str(sound["OEBPS/book.opf"])
    no_container = {name: body for name, body in sound.items() if name != "META-INF/container.xml"}
    yield "no-container.epub", make_zip(no_container), DamagedFileError, "no container"
    yield (
        "no-package.epub",
        make_zip({**sound, "META-INF/container.xml": "<container/>"}),
        DamagedFileError,
        "no OPF",
    )
    yield (
        "no-spine.epub",
        make_zip({**sound, "OEBPS/book.opf": opf.replace('<itemref idref="c1"/>', "")}),
        DamagedFileError,
        "no spine",
    )
    yield (
        "missing-chapter.epub",
        make_zip({name: body for name, body in sound.items() if not name.endswith("c1.xhtml")}),
        DamagedFileError,
        "a chapter is missing",
    )
    yield (
        "bad-package.epub",
        make_zip({**sound, "OEBPS/book.opf": opf[:-40]}),
        DamagedFileError,
        "OPF is cut off",
    )
    for number, target in enumerate(
        ("../../../etc/passwd", "file:///etc/passwd", "%2e%2e/%2e%2e/secret.xhtml")
    ):
        body = {**sound, "OEBPS/book.opf": opf.replace("text/c1.xhtml", target)}
        yield f"href-{number}.epub", make_zip(body), UnsafeFileError, f"manifest points to {target}"
    outside = {**sound, "META-INF/container.xml": CONTAINER.replace("OEBPS/book.opf", "../../book.opf")}
    yield "rootfile.epub", make_zip(outside), UnsafeFileError, "container points outside"
    drm = (
        '<encryption xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><EncryptedData xmlns='
        '"http://www.w3.org/2001/04/xmlenc#"><EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#aes128-cbc"/>'
        '<CipherData><CipherReference URI="OEBPS/text/c1.xhtml"/></CipherData></EncryptedData></encryption>'
    )
    yield "drm.epub", make_zip({**sound, "META-INF/encryption.xml": drm}), EncryptedFileError, "DRM"
    no_main = {name: body for name, body in docx_members([("", "x")]).items() if name != "word/document.xml"}
    yield "no-main-part.docx", make_zip(no_main), DamagedFileError, "no document.xml"
    yield (
        "not-xml.docx",
        make_zip({**no_main, "word/document.xml": "<w:document"}),
        DamagedFileError,
        "no XML",
    )


def _entities() -> Iterator[_Row]:
    sound = epub_members(["<p>Text.</p>"])
    opf = str(sound["OEBPS/book.opf"]).removeprefix('<?xml version="1.0"?>')
    page = xhtml("<p>&j;</p>", prolog=LAUGHS)
    places = {
        "laughs-package": {"OEBPS/book.opf": LAUGHS + opf},
        "laughs-container": {
            "META-INF/container.xml": LAUGHS + CONTAINER.removeprefix('<?xml version="1.0"?>')
        },
        "laughs-chapter": {"OEBPS/text/c1.xhtml": page},
        "laughs-chapter-utf16": {"OEBPS/text/c1.xhtml": page.encode("utf-16")},
        "outside-chapter": {"OEBPS/text/c1.xhtml": xhtml("<p>&passwd;</p>", prolog=OUTSIDE)},
        "hidden-chapter": {
            "OEBPS/text/c1.xhtml": "<!-- <html> --><?x <a> ?>" + xhtml("&passwd;", prolog=OUTSIDE)
        },
        "quadratic-chapter": {"OEBPS/text/c1.xhtml": xhtml("&a;" * 50_000, prolog=QUADRATIC)},
    }
    for name, members in places.items():
        yield f"{name}.epub", make_zip({**sound, **members}), UnsafeFileError, "XML entities"
    for name, prolog in (("laughs", LAUGHS), ("outside", OUTSIDE), ("quadratic", QUADRATIC)):
        members = docx_members([("", "&j;&passwd;&a;")], prolog=prolog)
        yield f"{name}.docx", make_zip(members), UnsafeFileError, "XML entities"
    utf16 = {**docx_members([("", "x")]), "word/styles.xml": (LAUGHS + "<x/>").encode("utf-16-be")}
    yield (
        "laughs-styles-utf16.docx",
        make_zip(utf16),
        UnsafeFileError,
        "XML entities in UTF-16 without a mark",
    )
    yield "laughs.xhtml", page.encode(), UnsafeFileError, "XML entities"


def _pdfs() -> Iterator[_Row]:
    catalog = b"<< /Type /Catalog /Pages 2 0 R >>"
    looping = [
        catalog,
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Pages /Parent 2 0 R /Kids [2 0 R] /Count 1 >>",
    ]
    any_end: tuple[type[LoadError], ...] = (DamagedFileError, ParseLimitError, EmptyFileError)
    yield "looping-tree.pdf", pdf_from_objects(looping), any_end, "page tree leads back to itself"
    yield "no-pages.pdf", make_pdf([]), DamagedFileError, "zero pages"
    yield "header-only.pdf", b"%PDF-1.4\n%%EOF\n", DamagedFileError, "a header and an end"
    yield (
        "text-as-pdf.pdf",
        b"%PDF-1.7 is how every PDF begins, and this is none.\n%%EOF",
        DamagedFileError,
        "prose",
    )
    bomb = [
        catalog,
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 4 0 R >>",
        _deflated_twice(200_000_000),
    ]
    yield "flate-bomb.pdf", pdf_from_objects(bomb), any_end, "a stream that inflates to 200 MB of nothing"
    declared = [
        catalog,
        b"<< /Type /Pages /Kids [3 0 R] /Count 10000000 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] >>",
    ]
    yield (
        "declared.pdf",
        pdf_from_objects(declared).replace(b"/Size 4", b"/Size 10000000"),
        any_end,
        "declares ten million objects and pages",
    )


def _encrypted() -> Iterator[_Row]:
    rules = (
        b"/Encrypt << /Filter /Standard /V %d /R %d /Length %d /P -44 /O <%s> /U <%s> %s >> /ID [<%s> <%s>]"
    )
    for name, version, revision, bits, length, more in (
        ("rc4", 2, 3, 128, 32, b""),
        (
            "aes",
            5,
            6,
            256,
            48,
            b"/CF << /StdCF << /CFM /AESV3 /AuthEvent /DocOpen /Length 32 >> >> /StmF /StdCF /StrF /StdCF",
        ),
    ):
        if name == "aes":
            more += b" /OE <%s> /UE <%s> /Perms <%s>" % (b"3c" * 32, b"5a" * 32, b"77" * 16)
        trailer = rules % (
            version,
            revision,
            bits,
            b"a1" * length,
            b"b2" * length,
            more,
            b"01" * 16,
            b"01" * 16,
        )
        yield (
            f"{name}.pdf",
            make_pdf([["secret"]], extra_trailer=trailer),
            EncryptedFileError,
            f"password ({name})",
        )
    office = OLE + "EncryptedPackage".encode("utf-16-le") + bytes(500)
    yield "password.docx", office, EncryptedFileError, "Office password"


def _special_files(folder: Path) -> list[HostileFile]:
    (folder / "folder.txt").mkdir()
    os.mkfifo(folder / "pipe.txt")
    (folder / "dangling.txt").symlink_to(folder / "nowhere")
    (folder / "device.txt").symlink_to("/dev/zero")
    (folder / "circle.txt").symlink_to(folder / "circle.txt")
    reasons = {
        "folder.txt": "a folder",
        "pipe.txt": "a pipe without a writer",
        "dangling.txt": "a link to nothing",
        "device.txt": "a link to an endless device",
        "circle.txt": "a link to itself",
        "absent.txt": "no such file",
    }
    found = [HostileFile(folder / name, (FileMissingError,), reason) for name, reason in reasons.items()]
    forged = folder / 'two\nlines \x1b[2J\x1b]0;owned\x07 \u202egpj.txt"'
    forged.write_bytes(b"")
    found.append(HostileFile(forged, (EmptyFileError,), "a name that steers the terminal"))
    raw = os.fsdecode(b"caf\xe9 \xff.pdf")
    try:
        (folder / raw).write_bytes(PNG)
        found.append(HostileFile(folder / raw, (UnsupportedFileError,), "a name that is not UTF-8"))
    except OSError:
        pass  # macOS refuses such names
    if os.geteuid() != 0:  # root reads everything
        (folder / "forbidden.txt").write_bytes(b"text")
        (folder / "forbidden.txt").chmod(0)
        found.append(HostileFile(folder / "forbidden.txt", (FileMissingError,), "no permission"))
    return found


def _overlapping(archive: bytes) -> bytes:
    """Make every directory entry of a zip point to the first member's data."""
    out, position = bytearray(archive), 0
    while (position := archive.find(b"PK\x01\x02", position)) >= 0:
        struct.pack_into("<I", out, position + 42, 0)
        position += 4
    return bytes(out)


def _with_flag(archive: bytes) -> bytes:
    """Set the flag of an encrypted member on all of them."""
    out = bytearray(archive)
    for mark, offset in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        position = 0
        while (position := archive.find(mark, position)) >= 0:
            out[position + offset] |= 1
            position += 4
    return bytes(out)


def _with_declared_size(archive: bytes, size: int, declared: int) -> bytes:
    return archive.replace(struct.pack("<I", size), struct.pack("<I", declared))


def _twice() -> bytes:
    """Two members of one name: zipfile would warn when writing, so one is renamed in the bytes."""
    archive = make_zip(docx_members([("", "one")]) | {"word/documenX.xml": "<x/>"})
    return archive.replace(b"word/documenX.xml", b"word/document.xml")


def _many_entries(count: int) -> bytes:
    """An EPUB's start, then a directory of `count` empty members, written without zipfile for speed."""
    first = make_zip({"mimetype": "application/epub+zip"}, compress=False)
    local = first[: first.index(b"PK\x01\x02")]
    directory = io.BytesIO()
    for number in range(count):
        name = b"OEBPS/%d" % number
        directory.write(
            struct.pack(
                "<4s6H3I5H2I", b"PK\x01\x02", 20, 20, 0, 0, 0, 33, 0, 0, 0, len(name), 0, 0, 0, 0, 0, 0
            )
        )
        directory.write(name)
    body = directory.getvalue()
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, count % 65536, count % 65536, len(body), len(local), 0)
    return local + body + end


def _deflated_twice(size: int) -> bytes:
    import zlib

    packer = zlib.compressobj(9)
    block = b" " * 1_000_000
    once = b"".join(packer.compress(block) for _ in range(size // len(block))) + packer.flush()
    twice = zlib.compress(once, 9)
    return b"<< /Length %d /Filter [/FlateDecode /FlateDecode] >>\nstream\n%s\nendstream" % (
        len(twice),
        twice,
    )
