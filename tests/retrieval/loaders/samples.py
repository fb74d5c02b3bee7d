"""Small files of every kind, made in memory: the sound ones the hostile ones are bent from."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping, Sequence

CONTAINER = (
    '<?xml version="1.0"?><container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">'
    '<rootfiles><rootfile full-path="OEBPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles>'
    "</container>"
)


def pdf_from_objects(objects: Sequence[bytes], trailer: bytes = b"/Root 1 0 R") -> bytes:
    """A PDF of objects numbered from 1, with a right cross-reference table."""
    out = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
    offsets = []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer\n<< /Size %d %s >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, trailer, start)
    return bytes(out)


def stream(body: bytes, extra: bytes = b"", *, deflate: bool = False) -> bytes:
    if deflate:
        body, extra = zlib.compress(body, 9), extra + b" /Filter /FlateDecode"
    return b"<< /Length %d %s >>\nstream\n%s\nendstream" % (len(body), extra, body)


def page_content(lines: Sequence[str]) -> bytes:
    shown = b" T* ".join(
        b"(%s) Tj" % line.encode("cp1252").replace(b"(", b"\\(").replace(b")", b"\\)") for line in lines
    )
    return b"BT /F1 12 Tf 14 TL 72 720 Td %s ET" % shown


RULE = b"72 72 m 300 300 l S"  # a drawing without text: what a scan looks like to a text layer


def make_pdf(
    pages: Sequence[Sequence[str] | bytes],
    *,
    title: str = "",
    outline: Sequence[tuple[str, int]] = (),
    extra_trailer: bytes = b"",
) -> bytes:
    """A PDF with Helvetica text; a page given as bytes is its raw content, `b""` a blank one."""
    font, first_page = 3, 4
    kids = b" ".join(b"%d 0 R" % (first_page + 2 * number) for number in range(len(pages)))
    objects = [b"", b"<< /Type /Pages /Kids [%s] /Count %d >>" % (kids, len(pages))]
    objects.append(b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>")
    for number, page in enumerate(pages):
        content = page if isinstance(page, bytes) else page_content(page)
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents %d 0 R"
            b" /Resources << /Font << /F1 %d 0 R >> >> >>" % (first_page + 2 * number + 1, font)
        )
        objects.append(stream(content))
    catalog = b"<< /Type /Catalog /Pages 2 0 R"
    if outline:
        root = len(objects) + 1
        catalog += b" /Outlines %d 0 R" % root
        objects.append(
            b"<< /Type /Outlines /First %d 0 R /Last %d 0 R /Count %d >>"
            % (root + 1, root + len(outline), len(outline))
        )
        for number, (words, page_number) in enumerate(outline, start=1):
            following = b"/Next %d 0 R" % (root + number + 1) if number < len(outline) else b""
            before = b"/Prev %d 0 R" % (root + number - 1) if number > 1 else b""
            objects.append(
                b"<< /Title (%s) /Parent %d 0 R %s %s /Dest [%d 0 R /Fit] >>"
                % (words.encode("cp1252"), root, following, before, first_page + 2 * (page_number - 1))
            )
    objects[0] = catalog + b" >>"
    trailer = b"/Root 1 0 R " + extra_trailer
    if title:
        objects.append(b"<< /Title (%s) >>" % title.encode("cp1252"))
        trailer += b" /Info %d 0 R" % len(objects)
    return pdf_from_objects(objects, trailer)


def make_zip(members: Mapping[str, bytes | str], *, compress: bool = True) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(
        buffer, "w", zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED, compresslevel=1
    ) as archive:
        for name, body in members.items():
            archive.writestr(name, body, zipfile.ZIP_STORED if name == "mimetype" else None)
    return buffer.getvalue()


def xhtml(body: str, title: str = "", prolog: str = '<?xml version="1.0" encoding="utf-8"?>') -> str:
    return f'{prolog}<html xmlns="http://www.w3.org/1999/xhtml"><head><title>{title}</title></head><body>{body}</body></html>'


def epub_members(
    chapters: Sequence[str],
    *,
    title: str = "The Salt Road",
    contents: Sequence[tuple[str, str]] = (),
    not_linear: Sequence[int] = (),
) -> dict[str, bytes | str]:
    """The members of an EPUB 3 of `chapters` (XHTML bodies), with (title, href) lines of contents."""
    manifest = "".join(
        f'<item id="c{number}" href="text/c{number}.xhtml" media-type="application/xhtml+xml"/>'
        for number in range(1, len(chapters) + 1)
    )
    if contents:
        manifest += '<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>'
    spine = "".join(
        f'<itemref idref="c{number}"{" linear=" + chr(34) + "no" + chr(34) if number in not_linear else ""}/>'
        for number in range(1, len(chapters) + 1)
    )
    members: dict[str, bytes | str] = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": CONTAINER,
        "OEBPS/book.opf": (
            '<?xml version="1.0"?><package xmlns="http://www.idpf.org/2007/opf" version="3.0">'
            f'<metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>{title}</dc:title></metadata>'
            f"<manifest>{manifest}</manifest><spine>{spine}</spine></package>"
        ),
    }
    for number, body in enumerate(chapters, start=1):
        members[f"OEBPS/text/c{number}.xhtml"] = xhtml(body)
    if contents:
        lines = "".join(f'<li><a href="{href}">{words}</a></li>' for words, href in contents)
        members["OEBPS/nav.xhtml"] = xhtml(
            f'<nav xmlns:epub="http://www.idpf.org/2007/ops" epub:type="toc"><ol>{lines}</ol></nav>'
        )
    return members


_W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def docx_members(paragraphs: Sequence[tuple[str, str]], prolog: str = "") -> dict[str, bytes | str]:
    """The members of a Word document of (style name or "", text) paragraphs."""
    styles = sorted({style for style, _ in paragraphs if style})
    body = "".join(
        "<w:p>"
        + (f'<w:pPr><w:pStyle w:val="{style.replace(" ", "")}"/></w:pPr>' if style else "")
        + f'<w:r><w:t xml:space="preserve">{words}</w:t></w:r></w:p>'
        for style, words in paragraphs
    )
    package = "http://schemas.openxmlformats.org/package/2006"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    main = "application/vnd.openxmlformats-officedocument.wordprocessingml"
    return {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types">'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/word/document.xml" ContentType="{main}.document.main+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="r1" Type="{office}/officeDocument" Target="word/document.xml"/></Relationships>',
        "word/_rels/document.xml.rels": f'<Relationships xmlns="{package}/relationships">'
        f'<Relationship Id="r1" Type="{office}/styles" Target="styles.xml"/></Relationships>',
        "word/styles.xml": f'<w:styles xmlns:w="{_W}">'
        + "".join(
            f'<w:style w:type="paragraph" w:styleId="{style.replace(" ", "")}">'
            f'<w:name w:val="{style}"/></w:style>'
            for style in styles
        )
        + "</w:styles>",
        "word/document.xml": f'{prolog}<w:document xmlns:w="{_W}"><w:body>{body}</w:body></w:document>',
    }


def good_pdf() -> bytes:
    return make_pdf(
        [["The harbour was empty.", "Nobody came."], ["The second page is short."]], title="Harbour"
    )


def good_epub() -> bytes:
    return make_zip(
        epub_members(
            ["<h1>Dawn</h1><p>The road was white with salt.</p>", "<h1>Noon</h1><p>They rested.</p>"]
        )
    )


def good_docx() -> bytes:
    return make_zip(docx_members([("heading 1", "Arrival"), ("", "The ferry came in late.")]))
