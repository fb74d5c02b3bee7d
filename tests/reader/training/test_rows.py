"""What is trained on: files in two formats, and files that are neither."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from reader.errors import TrainingDataError
from reader.training.rows import HELD_BACK, Row, held_back, read_rows

FOX = "The fox had a den. Märta saw it 😀 twice."
LINE = {
    "source": "toy",
    "title": "Foxes",
    "context": FOX,
    "question": "Who saw it?",
    "answers": [{"text": "Märta", "start": 19}],
}
SQUAD = {
    "version": "v2.0",
    "data": [
        {
            "title": "Foxes",
            "paragraphs": [
                {
                    "context": FOX,
                    "qas": [
                        {
                            "id": "1",
                            "question": "What had the fox?",
                            "answers": [
                                {"text": "a den", "answer_start": 12},
                                {"text": "den", "answer_start": 14},
                            ],
                        },
                        {"question": "Who sold it?", "answers": [], "is_impossible": True},
                    ],
                }
            ],
        },
        {"paragraphs": [{"context": "An owl.", "qas": [{"question": "What?", "answers": []}]}]},
    ],
}


def line(**others: object) -> str:
    return json.dumps(LINE | others) + "\n"


def test_lines_of_json(tmp_path: Path) -> None:
    (tmp_path / "toy.jsonl").write_text(line() + line(title="", answers=[]), encoding="utf-8")
    assert read_rows(tmp_path) == [
        Row("toy", "Foxes", FOX, "Who saw it?", (("Märta", 19),)),
        Row("toy", "", FOX, "Who saw it?", ()),
    ]


def test_squads_format_with_the_name_of_its_file(tmp_path: Path) -> None:
    (tmp_path / "mine.json").write_text(json.dumps(SQUAD), encoding="utf-8")
    assert read_rows(tmp_path) == [
        Row("mine", "Foxes", FOX, "What had the fox?", (("a den", 12), ("den", 14))),
        Row("mine", "Foxes", FOX, "Who sold it?", ()),
        Row("mine", "", "An owl.", "What?", ()),
    ]


def test_gzipped_and_plain_files_in_the_order_of_their_names(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "b.jsonl.gz", "wt", encoding="utf-8") as file:
        file.write(line(title="B"))
    (tmp_path / "c.jsonl").write_text(line(title="C"), encoding="utf-8")
    (tmp_path / "a.json").write_text(json.dumps(SQUAD), encoding="utf-8")
    (tmp_path / "README.md").write_text("no questions")
    assert [row.title for row in read_rows(tmp_path)] == ["Foxes", "Foxes", "", "B", "C"]


def test_a_file_without_lines_has_no_rows(tmp_path: Path) -> None:
    (tmp_path / "toy.jsonl").touch()
    assert read_rows(tmp_path) == []


@pytest.mark.parametrize("made", [True, False])
def test_no_files_are_one_sentence(tmp_path: Path, made: bool) -> None:
    folder = tmp_path / "data"
    if made:
        folder.mkdir()
        (folder / "rows.csv").write_text("a,b")
    with pytest.raises(TrainingDataError, match=r"^There are no .* files in .*data\.$"):
        read_rows(folder)


def answers(*found: object) -> dict[str, Any]:
    return {"answers": list(found)}


LINES = {
    "not json": "{",
    "half a line": line()[:40],
    "an empty line": line() + "\n",
    "a list": "[]\n",
    "a number": "7\n",
    "a text": '"fox"\n',
    "no answers": json.dumps({key: each for key, each in LINE.items() if key != "answers"}),
    "answers that are none": line(answers=None),
    "answers that are texts": line(answers=["Märta"]),
    "an answer without a place": line(**answers({"text": "Märta"})),
    "an answer one too far": line(**answers({"text": "Märta", "start": 20})),
    "an answer counted in bytes": line(**answers({"text": "twice", "start": FOX.encode().index(b"twice")})),
    "an answer in other letters": line(**answers({"text": "märta", "start": 19})),
    "an answer behind the end": line(**answers({"text": "twice.", "start": 400})),
    # Counted from the end it would stand there.
    "an answer before the beginning": line(**answers({"text": "twi", "start": -6})),
    "an answer of nothing": line(**answers({"text": "", "start": 19})),
    "an answer of space": line(**answers({"text": " ", "start": 18})),
    "an answer that is a number": line(**answers({"text": 7, "start": 19})),
    "a place that is a text": line(**answers({"text": "Märta", "start": "19"})),
    "the second of two answers": line(**answers({"text": "Märta", "start": 19}, {"text": "fox", "start": 5})),
    "a passage that is a list": line(context=[FOX], answers=[]),
    "a passage that is none": line(context=None, answers=[]),
    "a question that is a number": line(question=7),
    "a title that is none": line(title=None),
}


@pytest.mark.parametrize("kind", LINES)
def test_lines_that_are_no_questions_are_one_sentence(tmp_path: Path, kind: str) -> None:
    (tmp_path / "good.jsonl").write_text(line(), encoding="utf-8")
    (tmp_path / "toy.jsonl").write_text(LINES[kind], encoding="utf-8")
    with pytest.raises(TrainingDataError) as caught:
        read_rows(tmp_path)
    assert_one_sentence(str(caught.value), "toy.jsonl")


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"data": 7}',
        '{"data": ["fox"]}',
        '{"data": [{"title": "A"}]}',
        json.dumps(SQUAD)[:-9],
    ],
)
def test_files_that_are_not_squads_are_one_sentence(tmp_path: Path, content: str) -> None:
    (tmp_path / "mine.json").write_text(content, encoding="utf-8")
    with pytest.raises(TrainingDataError) as caught:
        read_rows(tmp_path)
    assert_one_sentence(str(caught.value), "mine.json")


def damaged(kind: str) -> bytes:
    whole = gzip.compress((line() * 50).encode(), mtime=0)
    match kind:
        case "half":
            return whole[: len(whole) // 2]
        case "without its last bytes":
            return whole[:-4]
        case "other bytes inside":
            return whole[:40] + bytes(20) + whole[60:]
        case "another sum":
            return whole[:-8] + bytes(8)
        case _:
            return line().encode()


@pytest.mark.parametrize(
    "kind", ["half", "without its last bytes", "other bytes inside", "another sum", "plain"]
)
def test_a_damaged_gzip_file_is_one_sentence(tmp_path: Path, kind: str) -> None:
    (tmp_path / "toy.jsonl.gz").write_bytes(damaged(kind))
    with pytest.raises(TrainingDataError) as caught:
        read_rows(tmp_path)
    assert_one_sentence(str(caught.value), "toy.jsonl.gz")


def test_a_file_of_other_letters_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "toy.jsonl").write_bytes(json.dumps(LINE, ensure_ascii=False).encode("latin-1", "replace"))
    with pytest.raises(TrainingDataError) as caught:
        read_rows(tmp_path)
    assert_one_sentence(str(caught.value), "toy.jsonl")


def assert_one_sentence(message: str, name: str) -> None:
    assert message.startswith(f"{name} cannot be read as questions with answers: ")
    assert message.endswith(".")
    assert "\n" not in message


def titled(title: str, source: str = "toy", context: str = FOX, question: str = "Who?") -> Row:
    return Row(source, title, context, question, ())


def test_one_article_in_twenty_is_held_back() -> None:
    assert HELD_BACK == 20
    held = sum(held_back(titled(f"Article {n}")) for n in range(8_000))
    assert 320 < held < 480  # 400, and four times its deviation of 20


def test_held_back_is_what_was_always_held_back() -> None:
    # By the first four bytes of BLAKE2b: other articles here would be trained on what is measured with.
    held = [n for n in range(100) if held_back(titled(f"Article {n}"))]
    assert held == [11, 45, 51, 54, 84, 85, 91, 92, 94]


def test_an_article_is_held_back_as_a_whole() -> None:
    titles = [f"Article {n}" for n in range(100)]
    for title in titles:
        others = {
            held_back(titled(title, context=c, question=q)) for c in ("A.", "B.") for q in ("Who?", "Why?")
        }
        assert len(others) == 1
    by_source = [[held_back(titled(title, source)) for title in titles] for source in ("toy", "other")]
    assert by_source[0] != by_source[1]


def test_without_a_title_of_its_own_the_passage_decides() -> None:
    passages = [f"Passage {n}." for n in range(100)]
    untitled = [held_back(titled("", context=each)) for each in passages]
    assert 1 < sum(untitled) < 15
    # Of this set all rows have one title.
    same = [held_back(titled("Reddit", "squadshifts_reddit", each)) for each in passages]
    assert 1 < sum(same) < 15
    assert len({held_back(titled("Reddit", "squadshifts_wiki", each)) for each in passages}) == 1
