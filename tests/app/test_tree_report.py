"""What `clew tree` prints, and the schema of its JSON."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from rich.console import Console

from app import tree_report
from app.tree_report import tree_json, tree_lines
from memory.trees import Summary, SummarySentence, SummaryTree, TreeNode
from retrieval.chunking import flat
from retrieval.document import Page, Span
from tests.conftest import ForOneHome, Ran, write

SCHEMA = json.loads(Path(tree_report.__file__).with_name("tree.schema.json").read_text(encoding="utf-8"))
SHARED = Path(__file__).parents[3] / "shared"


def node(ordinal: int, title: str, span: Span, **more: Any) -> TreeNode:
    values: dict[str, Any] = {
        "parent": None,
        "children": (),
        "level": 0,
        "number": ordinal,
        "kind": "leaf",
        "first_sentence": 0,
        "end_sentence": 1,
        "tokens": 1234,
        "digest": bytes(16),
        "summary": Summary(bytes(16), (SummarySentence(f"About {title}.", (span,), True),)),
    }
    return TreeNode(ordinal=ordinal, title=title, span=span, **(values | more))


SENTENCES = (
    SummarySentence("He painted it.", (Span(3, 9), Span(0, 2)), True),
    SummarySentence("The end.", (), False),
)
TREE = SummaryTree(
    1,
    "a1b2",
    "hash",
    "reader",
    (
        node(0, "One, part 1", Span(0, 10), parent=2),
        node(1, "One, part 2", Span(10, 20), parent=2),
        node(2, "One", Span(0, 20), parent=4, children=(0, 1), level=1, number=0, kind="section"),
        node(3, "Two", Span(20, 30), parent=4, kind="section", number=2),
        node(
            4,
            "The \x1b[31mBook",
            Span(0, 30),
            children=(2, 3),
            level=2,
            number=0,
            kind="root",
            summary=Summary(bytes(16), SENTENCES, ("it was cut",)),
        ),
    ),
)


def printed(**options: Any) -> list[str]:
    console = Console(width=60, highlight=False)
    with console.capture() as capture:
        for line in tree_lines(TREE, **({"pages": ()} | options)):
            console.print(line)
    return [line.rstrip() for line in capture.get().splitlines()]


def test_lines_are_indented_and_stop_above_the_leaves() -> None:
    assert printed() == [
        "The \ufffd[31mBook  1,234 tokens  2.1",
        "  He painted it. The end.",
        "  (it was cut)",
        "  One  1,234 tokens  1.1",
        "    About One.",
        "  Two  1,234 tokens  0.3",
        "    About Two.",
    ]


def test_leaves_and_depth() -> None:
    assert [line for line in printed(leaves=True) if "part" in line and "tokens" in line] == [
        "    One, part 1  1,234 tokens  0.1",
        "    One, part 2  1,234 tokens  0.2",
    ]
    assert [line for line in printed(depth=0) if "tokens" in line] == printed()[:1]
    assert len([line for line in printed(depth=2) if "tokens" in line]) == 5


def test_pages_of_a_node() -> None:
    pages = [Page(1, Span(0, 5)), Page(2, Span(5, 15)), Page(3, Span(15, 30))]
    shown = [line for line in printed(pages=pages, leaves=True) if "tokens" in line]
    assert [line.split("  ")[-3] for line in shown] == ["pp. 1-3", "pp. 1-3", "pp. 1-2", "pp. 2-3", "p. 3"]


def test_a_long_summary_is_shortened_at_a_word_but_for_the_roots() -> None:
    text = "word " * 100 + "end."
    long = Summary(bytes(16), (SummarySentence(text, (), False),))
    nodes = [node(0, "One", Span(0, 10), parent=1, kind="section", summary=long)]
    nodes.append(node(1, "Book", Span(0, 10), children=(0,), level=1, number=0, kind="root", summary=long))
    lines = [str(each.renderable) for each in tree_lines(SummaryTree(1, "d", "h", "r", tuple(nodes)), ())]
    assert lines[1] == text
    assert lines[3] == "word " * 43 + "word …"


def test_json_is_the_shape_of_the_schema() -> None:
    found = tree_json(TREE)
    jsonschema.validate(found, SCHEMA)
    assert (found["document"], found["levels"]) == ("a1b2", 3)
    assert [(n["id"], n["parent"], n["level"], n["start"], n["end"]) for n in found["nodes"]] == [
        ("2.1", None, 2, 0, 30),
        ("1.1", "2.1", 1, 0, 20),
        ("0.1", "1.1", 0, 0, 10),
        ("0.2", "1.1", 0, 10, 20),
        ("0.3", "2.1", 0, 20, 30),
    ]
    assert found["nodes"][0]["summary"] == "He painted it. The end."
    assert found["nodes"][0]["sentences"] == [
        {
            "text": "He painted it.",
            "sources": [{"start": 3, "end": 9}, {"start": 0, "end": 2}],
            "supported": True,
        },
        {"text": "The end.", "sources": [], "supported": False},
    ]
    # Notes where there are any.
    assert [each.get("notes") for each in found["nodes"]] == [["it was cut"], None, None, None, None]
    assert "notes" not in found["nodes"][1]
    assert len(tree_json(TREE, depth=1)["nodes"]) == 3


@pytest.mark.parametrize("change", [{"levels": 0}, {"nodes": []}, {"more": 1}, {"document": None}])
def test_the_schema_refuses_another_shape(change: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(tree_json(TREE) | change, SCHEMA)


def test_clew_tree(clew: Callable[..., Ran], own_novella_home: Path) -> None:
    ran = clew("--home", own_novella_home, "tree", "novella.txt", "--json")
    assert ran.code == 0
    found = json.loads(ran.out)
    jsonschema.validate(found, SCHEMA)
    assert "To do: " in ran.err
    again = clew("--home", own_novella_home, "tree", "novella.txt", "--json")
    assert json.loads(again.out) == found
    assert "To do: " not in again.err
    shown = clew("--home", own_novella_home, "tree", "novella.txt").out
    assert shown.splitlines()[0].startswith(found["nodes"][0]["title"])
    assert len(clew("--home", own_novella_home, "tree", "novella.txt", "--depth", "0").out) < len(shown)
    ran = clew("--home", own_novella_home, "tree", "no such document")
    assert ran.code == 1
    assert ran.err.count("\n") == 1
    assert clew("--home", own_novella_home, "tree", "novella.txt", "--depth", "-1").code == 2


@pytest.mark.shared
def test_the_tree_of_jane_eyre_follows_its_chapters(
    home: Path, open_home: ForOneHome, tmp_path: Path
) -> None:
    library = open_home(home)
    text = (SHARED / "data" / "books" / "jane_eyre.txt").read_text(encoding="utf-8")
    list(library.add([write(tmp_path / "jane_eyre.txt", text)]))
    (record,) = library.documents()
    tree = library.trees.ensure_extractive(record)
    jsonschema.validate(tree_json(tree), SCHEMA)
    chapters = [node for node in tree.nodes if node.kind == "section" and node.title.startswith("CHAPTER")]
    assert len(chapters) == 38
    assert {node.level for node in chapters} == {2}
    kept = library.store.load(record.key).text
    for each in tree.nodes:
        assert len(each.children) <= 8
        assert each.summary is not None
        for sentence in each.summary.sentences:
            assert [flat(kept[s.start : s.end]) for s in sentence.sources] == [sentence.text]
