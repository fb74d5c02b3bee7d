import json
import math
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from retrieval.errors import DamagedIndexError, RetrievalError
from retrieval.lexical_index import LexicalIndex

TEXTS = [
    "the red fox runs",  # 0
    "a red house and a red barn",  # 1
    "the fox and the hound",  # 2
    "snow",  # 3
    "foxes ran over the frozen river at night while everyone slept",  # 4
]


def filled(folder: Path, texts: list[str], documents: list[int] | None = None) -> LexicalIndex:
    index = LexicalIndex.create(folder)
    index.add(np.arange(len(texts)), np.array(documents or [0] * len(texts)), texts)
    index.commit({"revision": "1"})
    return index


@pytest.fixture
def foxes(tmp_path: Path) -> LexicalIndex:
    return filled(tmp_path / "words", TEXTS, [10, 10, 20, 20, 30])


def test_scores_are_bm25_by_hand(foxes: LexicalIndex) -> None:
    # Lengths in words, stop words included: 4, 7, 5, 1, 11; their mean is 5.6. "fox" stands in 0, 2 and 4 (as
    # a stem), "red" in 0 once and in 1 twice. k1 = 1.2, b = 0.75, IDF = ln(1 + (N - n + 0.5) / (n + 0.5)).
    lengths = [4, 7, 5, 1, 11]

    def term(frequency: int, entry: int, holders: int) -> float:
        idf = math.log(1 + (5 - holders + 0.5) / (holders + 0.5))
        length = 1.2 * (1 - 0.75 + 0.75 * lengths[entry] / 5.6)
        return idf * frequency * 2.2 / (frequency + length)

    expected = {
        0: term(1, 0, 3) + term(1, 0, 2),
        1: term(2, 1, 2),
        2: term(1, 2, 3),
        4: term(1, 4, 3),
    }
    hits = foxes.search("Red foxes?", 10)
    assert hits.ids.tolist() == sorted(expected, key=lambda i: -expected[i]) == [0, 1, 2, 4]
    assert hits.scores.tolist() == pytest.approx([expected[i] for i in hits.ids.tolist()], rel=1e-4)


def test_k_limits_and_may_exceed(foxes: LexicalIndex) -> None:
    assert foxes.search("fox red", 1).ids.tolist() == [0]
    assert len(foxes.search("fox red", 1_000)) == 4
    with pytest.raises(ValueError, match="k 0"):
        foxes.search("fox", 0)


def test_of_entries_that_tie_at_the_end_the_smallest_ids_are_hits(tmp_path: Path) -> None:
    index = LexicalIndex.create(tmp_path)
    for ids in ([9, 2, 30], [1, 40, 8], [7, 50, 3]):  # three segments, whose order is drawn by lot
        index.add(np.array(ids), np.zeros(3, np.int64), ["a fox"] * 3)
        index.commit()
    index.add(np.array([60]), np.zeros(1, np.int64), ["fox fox"])
    index.commit()
    assert index.search("fox", 4).ids.tolist() == [60, 1, 2, 3]
    assert index.search("fox", 20).ids.tolist() == [60, 1, 2, 3, 7, 8, 9, 30, 40, 50]


def test_filters_by_document(foxes: LexicalIndex) -> None:
    free = foxes.search("fox", 9)
    assert foxes.search("fox", 9, np.array([20])).ids.tolist() == [2]
    assert set(foxes.search("fox", 9, np.array([10, 30])).ids.tolist()) == {0, 4}
    assert foxes.search("fox", 9, np.array([99])).ids.tolist() == []
    assert foxes.search("fox", 9, np.array([], np.int64)).ids.tolist() == []
    filtered = foxes.search("fox", 9, np.array([30]))
    assert filtered.scores.tolist() == pytest.approx([float(free.scores[free.ids == 4][0])])


@pytest.mark.parametrize("query", ["", "   ", "?!", "zebra", "\x00", "()"])
def test_nothing_to_find_is_no_hit(foxes: LexicalIndex, query: str) -> None:
    assert len(foxes.search(query, 5)) == 0


def test_stop_words_count_only_when_there_is_nothing_else(foxes: LexicalIndex) -> None:
    assert foxes.search("and the snow", 5).ids.tolist() == [3]
    assert set(foxes.search("and the", 5).ids.tolist()) == {0, 1, 2, 4}


@pytest.mark.parametrize(
    "query",
    [
        "fox AND snow",
        '"fox snow"',
        "terms:fox snow",
        "document:10 fox snow",
        "fox -snow",
        "+fox +snow",
        "(fox snow)^3",
        "fox [a TO z] snow*",
        "fo? snow~2 fox",
        "fox' OR 1=1; -- snow",
        "*:* NOT fox\\ snow",
        "fox NEAR/2 snow {} /.*/",
    ],
)
def test_syntax_is_only_text(foxes: LexicalIndex, query: str) -> None:
    assert set(foxes.search(query, 9).ids.tolist()) == {0, 2, 3, 4}


def test_other_scripts(tmp_path: Path) -> None:
    index = filled(
        tmp_path, ["简爱住在桑菲尔德庄园。", "罗切斯特先生骑马来了。", "الكتابُ على الطاولة", "Это ёлка"]
    )
    assert index.search("桑菲尔德在哪里？", 1).ids.tolist() == [0]
    assert index.search("谁骑马", 1).ids.tolist() == [1]
    assert index.search("الكتاب", 1).ids.tolist() == [2]
    assert index.search("елка", 1).ids.tolist() == [3]


def test_changes_show_only_after_commit(foxes: LexicalIndex) -> None:
    foxes.add(np.array([7]), np.array([70]), ["a zebra"])
    foxes.remove(np.array([3]))
    assert len(foxes.search("zebra", 5)) == 0
    assert len(foxes.search("snow", 5)) == 1
    foxes.commit()
    assert foxes.search("zebra", 5).ids.tolist() == [7]
    assert len(foxes.search("snow", 5)) == 0
    assert len(foxes) == 5


def test_discarded_changes_are_gone(foxes: LexicalIndex) -> None:
    foxes.add(np.array([7]), np.array([70]), ["a zebra"])
    foxes.discard()
    foxes.commit()
    assert len(foxes.search("zebra", 5)) == 0
    assert len(foxes) == 5


def test_an_id_added_again_is_replaced(foxes: LexicalIndex) -> None:
    foxes.add(np.array([3]), np.array([99]), ["rain"])
    foxes.commit()
    assert len(foxes) == 5
    assert len(foxes.search("snow", 5)) == 0
    assert foxes.search("rain", 5, np.array([99])).ids.tolist() == [3]


def test_a_document_is_removed_whole(foxes: LexicalIndex) -> None:
    foxes.remove_document(10)
    foxes.remove_document(12345)
    foxes.commit()
    assert len(foxes) == 3
    assert set(foxes.search("fox red", 9).ids.tolist()) == {2, 4}
    foxes.add(np.array([0]), np.array([10]), [TEXTS[0]])
    foxes.commit()
    assert foxes.search("red", 9).ids.tolist() == [0]


def test_wrong_calls_are_refused(foxes: LexicalIndex) -> None:
    with pytest.raises(ValueError, match="2 ids, 1 document ids"):
        foxes.add(np.array([1, 2]), np.array([1]), ["x"])
    with pytest.raises(ValueError, match="once"):
        foxes.add(np.array([1, 1]), np.array([1, 1]), ["x", "y"])


def test_many_small_commits_open_again(tmp_path: Path) -> None:
    index = LexicalIndex.create(tmp_path)
    for number in range(30):
        index.add(np.array([number]), np.array([number % 3]), [f"entry number{number} shared"])
        index.commit({"revision": str(number)})
    opened = LexicalIndex.open(tmp_path)
    assert (len(opened), opened.stamp) == (30, {"revision": "29"})
    assert len(opened.search("shared", 100, np.array([1]))) == 10
    assert opened.search("number17", 5).ids.tolist() == [17]


def test_a_reader_beside_a_writer(foxes: LexicalIndex) -> None:
    foxes.add(np.array([7]), np.array([70]), ["a zebra"])
    reader = LexicalIndex.open(foxes.folder)
    assert len(reader.search("fox", 9)) == 3
    with pytest.raises(RetrievalError, match="another program"):
        reader.remove(np.array([1]))
    foxes.commit({"revision": "2"})
    assert LexicalIndex.open(foxes.folder).search("zebra", 9).ids.tolist() == [7]


def test_create_takes_the_place_of_what_was_there(foxes: LexicalIndex) -> None:
    assert len(LexicalIndex.create(foxes.folder)) == 0
    assert len(LexicalIndex.open(foxes.folder)) == 0


def test_every_damage_is_named(foxes: LexicalIndex) -> None:
    foxes.remove(np.array([3]))
    foxes.commit()
    meta = json.loads((foxes.folder / "segments" / "meta.json").read_text())
    live = [segment["segment_id"].replace("-", "") for segment in meta["segments"]]
    files = [
        path for path in foxes.folder.rglob("*.*") if path.stem.split(".")[0] in [*live, "meta", "manifest"]
    ]
    assert len(files) == 2 + 6 * len(live) + sum(
        segment["deletes"] is not None for segment in meta["segments"]
    )
    for path in files:
        content = path.read_bytes()
        for damaged in (b"", content[: len(content) // 2], content[:-2]):
            path.write_bytes(damaged)
            with pytest.raises(DamagedIndexError):
                LexicalIndex.open(foxes.folder)
        if path.suffix == ".json":
            body = len(content) if path.name == "manifest.json" else 0  # meta.json has a test of its own
        else:
            body = len(content) - 8 - int.from_bytes(content[-8:-4], "little")  # the rest is tantivy's footer
        for place in np.linspace(0, body - 1, 8).astype(int) if body else []:
            path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
            with pytest.raises(DamagedIndexError):
                LexicalIndex.open(foxes.folder)
        path.unlink()
        with pytest.raises(DamagedIndexError):
            LexicalIndex.open(foxes.folder)
        path.write_bytes(content)
    assert len(LexicalIndex.open(foxes.folder)) == 4


def test_a_changed_list_of_segments_is_damage_or_harmless(foxes: LexicalIndex) -> None:
    meta = foxes.folder / "segments" / "meta.json"
    content = meta.read_bytes()
    for place in range(0, len(content), 5):
        meta.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        try:
            opened = LexicalIndex.open(foxes.folder)
        except DamagedIndexError:
            continue
        assert foxes.search("fox red", 9).ids.tolist() == opened.search("fox red", 9).ids.tolist()


def test_a_kill_between_commit_and_manifest_keeps_the_pair_right(foxes: LexicalIndex) -> None:
    manifest = foxes.folder / "manifest.json"
    before = manifest.read_bytes()
    foxes.add(np.array([7]), np.array([70]), ["a zebra"])
    pending: list[bytes] = []
    note = foxes._note

    def spy(count: int, stamp: dict[str, str], pending_stamp: dict[str, str] | None) -> None:
        note(count, stamp, pending_stamp)
        pending.append(manifest.read_bytes())

    foxes._note = lambda count, stamp, pending: spy(count, stamp, pending)  # type: ignore[method-assign]
    foxes.commit({"revision": "2"})
    manifest.write_bytes(pending[0])  # as a kill right after tantivy's own commit leaves it
    opened = LexicalIndex.open(foxes.folder)
    assert (len(opened), opened.stamp) == (6, {"revision": "2"})
    manifest.write_bytes(before)  # an older manifest is no one's doing but damage
    with pytest.raises(DamagedIndexError, match="behind its manifest"):
        LexicalIndex.open(foxes.folder)


def test_opening_beside_commits_never_sees_damage(foxes: LexicalIndex) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(foxes.folder)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert child.stdout is not None
    child.stdout.readline()
    counts, until = [len(LexicalIndex.open(foxes.folder))], time.monotonic() + 20
    while len(set(counts)) < 8 and time.monotonic() < until:
        counts.append(len(LexicalIndex.open(foxes.folder)))
    child.kill()
    child.communicate()
    assert counts == sorted(counts)
    assert counts[-1] > counts[0] >= 10


KILLED = """
import sys
import numpy as np
from pathlib import Path
from retrieval.lexical_index import LexicalIndex
index = LexicalIndex.open(Path(sys.argv[1]))
for number in range(100, 100000, 5):
    ids = np.arange(number, number + 5)
    index.add(ids, ids, [f"entry{i} fresh" for i in ids])
    index.commit({"upto": str(number + 5)})
    print(number + 5, flush=True)
"""


@pytest.mark.parametrize("commits", [1, 4, 9])
def test_kill_leaves_whole_commits(foxes: LexicalIndex, commits: int) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(foxes.folder)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert child.stdout is not None
    for _ in range(commits):
        said = child.stdout.readline()
    child.send_signal(signal.SIGKILL)
    child.communicate()
    opened = LexicalIndex.open(foxes.folder)
    reached = int(opened.stamp["upto"])
    assert reached >= int(said)
    assert len(opened) == 5 + reached - 100
    assert opened.search(f"entry{reached - 1}", 1).ids.tolist() == [reached - 1]
    opened.add(np.array([1]), np.array([1]), ["after the kill"])  # and its lock is free
    opened.commit()
    assert opened.search("kill", 1).ids.tolist() == [1]


def test_the_manifest_says_what_it_is(foxes: LexicalIndex) -> None:
    manifest = json.loads((foxes.folder / "manifest.json").read_text())
    assert (manifest["kind"], manifest["count"], manifest["stamp"]) == ("words", 5, {"revision": "1"})
