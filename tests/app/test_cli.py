"""The command line as scripts see it: JSON, exit codes, one sentence on stderr."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.library import Library
from tests.conftest import CLEW, Ran, clew_process, write
from tests.servers import serving, status

Clew = Callable[..., Ran]
FOX = "The fox sleeps in a den under the oak. At dusk it goes down to the river to drink.\n"
ADDED_KEYS = {
    "id",
    "title",
    "path",
    "status",
    "error",
    "characters",
    "pages",
    "pages_unread",
    "sections",
    "chunks",
    "chunks_encoded",
    "seconds",
}
ANSWER_KEYS = {"answer", "abstained", "route", "citations", "steps", "usage", "coverage"}
CITATION_KEYS = {"n", "origin", "document", "title", "section", "page", "start", "end", "quote", "verdict"}
USAGE_KEYS = {"model", "prompt_tokens", "completion_tokens", "tokens_read", "seconds"}
FIGURES = {
    "questions",
    "em",
    "f1",
    "holds_answer",
    "words_per_answer",
    "evidence_hit",
    "paragraph_hit",
    "abstention",
    "answered",
    "seconds_per_question",
    "routes",
    "sections_read",
}


def document(ran: Ran, code: int = 0) -> dict[str, Any]:
    """The one JSON document of stdout."""
    assert ran.code == code, ran.err
    found: dict[str, Any] = json.loads(ran.out)
    return found


def sentence(text: str) -> str:
    """The one line of stderr."""
    lines = [line for line in text.splitlines() if line.strip()]
    assert len(lines) == 1, text
    assert lines[0].endswith(".")
    assert lines[0].isprintable()
    assert "Traceback" not in text
    return lines[0]


@pytest.fixture
def fox(tmp_path: Path) -> Path:
    return write(tmp_path / "fox.txt", FOX)


def test_add_json(clew: Clew, home: Path, fox: Path, tmp_path: Path) -> None:
    report = document(clew("--home", home, "add", fox, tmp_path / "absent.txt", "--json"), code=1)
    assert set(report) == {"documents"}
    added, failed = report["documents"]
    assert set(added) == set(failed) == ADDED_KEYS
    assert (added["status"], added["title"], added["path"]) == ("added", "Fox", str(fox))
    assert (added["characters"], added["chunks"], added["chunks_encoded"]) == (len(FOX), 1, 1)
    assert (added["pages"], added["pages_unread"], added["sections"]) == (0, [], 0)
    assert (failed["status"], failed["id"], failed["chunks_encoded"]) == ("failed", None, 0)
    assert "absent.txt" in failed["error"]
    again = document(clew("--home", home, "add", fox, "--json"))["documents"][0]
    assert (again["status"], again["id"], again["chunks_encoded"]) == ("unchanged", added["id"], 0)


def test_add_builds_trees_where_it_is_asked_to(clew: Clew, home: Path, fox: Path) -> None:
    def jobs() -> list[str]:
        return [job["kind"] for job in document(clew("--home", home, "jobs", "list", "--json"))["jobs"]]

    assert document(clew("--home", home, "add", fox, "--json"))["documents"][0]["status"] == "added"
    assert jobs() == ["add"]
    again = document(clew("--home", home, "add", fox, "--tree", "--json"))["documents"][0]
    assert again["status"] == "unchanged"
    assert jobs()[0] == "tree"
    assert document(clew("--home", home, "tree", "fox", "--json"))["nodes"]


def test_a_tree_that_cannot_be_built_does_not_stop_the_others(
    clew: Clew, home: Path, fox: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    owl = write(tmp_path / "owl.txt", "The owl hunts at night. It hears a mouse under the snow.\n")
    refused = [status(403, message="Not foxes.")]
    with serving(lambda body: "An owl hunts mice at night.", faults=refused) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        clew_with_model = ("--home", home, "--model", "openai:fake")
        ran = clew(*clew_with_model, "add", fox, owl, fox, "--tree", "--json")
        assert [each["status"] for each in document(ran, code=1)["documents"]] == [
            "added",
            "added",
            "unchanged",
        ]
        *told, error = ran.err.splitlines()
        assert [line.split(",")[0] for line in told] == ["To do: 3 tasks", "To do: 3 tasks"]
        assert error.startswith("clew: The tree of 'Fox' could not be built: ")
        assert "Not foxes" in error
        assert document(clew(*clew_with_model, "tree", "owl", "--json"))["nodes"]


def test_add_prints_errors_on_stderr(clew: Clew, home: Path, tmp_path: Path) -> None:
    for json_option in ([], ["--json"]):
        ran = clew("--home", home, "add", tmp_path / "absent.txt", *json_option)
        assert ran.code == 1
        assert "absent.txt" in sentence(ran.err)


def test_list_show_and_remove_json(clew: Clew, own_novella_home: Path) -> None:
    home = own_novella_home
    listed = document(clew("--home", home, "list", "--json"))
    assert set(listed) == {"documents"}
    (record,) = listed["documents"]
    assert {"id", "title", "path", "characters", "pages", "pages_unread", "sections", "chunks"} <= set(record)
    assert (record["title"], record["sections"]) == ("THE LIGHT STONE", 16)
    shown = document(clew("--home", home, "show", "novella.txt", "--json"))["document"]
    assert shown.items() >= record.items()
    assert len(shown["section_list"]) == 16
    assert set(shown["section_list"][0]) == {"title", "level", "start", "end"}
    assert shown["page_list"] == []
    removed = document(clew("--home", home, "remove", record["id"], "--json"))
    assert removed["removed"]["id"] == record["id"]
    assert document(clew("--home", home, "list", "--json")) == {"documents": []}


def test_ask_json(clew: Clew, novella_home: Path) -> None:
    question = "How much did Miss Judith Nance ask to take a girl as her apprentice?"
    title = "The Light Stone"
    answer = document(clew("--home", novella_home, "ask", question, "--document", title, "--json"))
    assert set(answer) == ANSWER_KEYS
    assert answer["route"] == "search"
    assert isinstance(answer["abstained"], bool)
    for n, citation in enumerate(answer["citations"], start=1):
        assert set(citation) == CITATION_KEYS
        assert (citation["n"], citation["origin"], citation["verdict"]) == (n, "document", "verified")
    assert [set(step) for step in answer["steps"]] == [{"name", "detail", "seconds"}] * 8
    assert set(answer["usage"]) == USAGE_KEYS
    assert (answer["usage"]["model"], answer["usage"]["prompt_tokens"]) == ("extractive", 0)
    assert set(answer["coverage"]) == {"sections_read", "sections_total"}


def test_abstaining_is_an_answer(clew: Clew, novella_home: Path) -> None:
    question = "Which frequency does the quantum radar of the spaceship use?"
    answer = document(clew("--home", novella_home, "ask", question, "--json"))
    assert (answer["abstained"], answer["citations"]) == (True, [])


def test_eval_qa_json(clew: Clew, empty_home: Path, tmp_path: Path) -> None:
    write(tmp_path / "wood.txt", FOX)
    evidence = [{"start": 18, "end": 23, "quote": "a den"}]
    questions = [
        {
            "id": "1",
            "question": "Where does the fox sleep?",
            "answers": ["a den"],
            "kind": "fact",
            "evidence": evidence,
        }
    ]
    file = write(tmp_path / "qa.json", json.dumps({"book": "wood.txt", "questions": questions}))
    before = sorted(empty_home.rglob("*"))
    report = document(clew("--home", empty_home, "eval", "qa", file, "--json"))
    assert set(report) == FIGURES | {"by_kind"}
    assert set(report["by_kind"]) == {"fact"}
    assert set(report["by_kind"]["fact"]) == FIGURES
    for hits in (report["evidence_hit"], report["paragraph_hit"]):
        assert hits == {"1": 1.0, "5": 1.0, "10": 1.0}
    assert set(report["abstention"]) == {"precision", "recall"}
    assert sorted(empty_home.rglob("*")) == before  # asked in a home of its own


def test_doctor_json(clew: Clew, novella_home: Path) -> None:
    report = document(clew("--home", novella_home, "doctor", "--json"))
    assert report["ok"] is True
    assert all(set(check) == {"name", "state", "detail"} for check in report["checks"])


@pytest.mark.parametrize("command", ["add", "list", "show", "remove", "ask", "doctor", "eval qa"])
def test_every_command_has_json(clew: Clew, command: str) -> None:
    ran = clew(*command.split(), "--help")
    assert ran.code == 0
    assert "--json" in ran.out


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["dance"],
        ["add"],
        ["ask"],
        ["ask", "one", "two"],
        ["ask", "Who?", "--route", "fly"],
        ["show"],
        ["remove"],
        ["eval"],
        ["eval", "qa"],
        ["list", "--colour"],
    ],
)
def test_usage_is_2(clew: Clew, home: Path, arguments: list[str]) -> None:
    ran = clew("--home", home, *arguments)
    assert ran.code == 2
    assert "Traceback" not in ran.err


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["show", "moby"], "moby"),
        (["remove", "moby"], "moby"),
        (["ask", "Who?"], "clew add"),
        (["ask", " "], "empty"),
        (["ask", "Who?", "--thread", " "], "thread"),
        (["eval", "qa", "absent.json"], "absent.json"),
        (["--device", "abacus", "list"], "device"),
        (["--encoder", "absent-model", "list"], "absent-model"),
        (["--model", "gpt", "list"], "extractive, hf:"),
        (["--home", "/dev/null/x", "list"], "/dev/null/x"),
        (["--home", "/dev/null/x", "add", "x.txt"], "/dev/null/x"),
    ],
)
@pytest.mark.parametrize("json_option", [[], ["--json"]], ids=["text", "json"])
def test_named_errors_are_1_and_one_sentence(
    clew: Clew, home: Path, arguments: list[str], named: str, json_option: list[str]
) -> None:
    ran = clew("--home", home, *arguments, *json_option)
    assert ran.code == 1
    assert ran.out == ""
    assert named in sentence(ran.err)


def test_settings_argument_environment_file_default(
    clew: Clew, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def named() -> str:
        return sentence(clew("--home", home, "list").err)

    assert clew("--home", home, "list").code == 0
    Path("clew.toml").write_text('encoder = "of-the-file"\n')
    assert "of-the-file" in named()
    monkeypatch.setenv("CLEW_ENCODER", "of-the-environment")
    assert "of-the-environment" in named()
    ran = clew("--home", home, "--encoder", "of-the-argument", "list")
    assert "of-the-argument" in sentence(ran.err)
    assert clew("--home", home, "--encoder", "all-MiniLM-L6-v2", "list").code == 0


def test_unknown_key_of_the_file_is_one_sentence(clew: Clew, home: Path) -> None:
    Path("clew.toml").write_text('colour = "blue"\n')
    ran = clew("--home", home, "list", "--json")
    assert (ran.code, ran.out) == (1, "")
    assert "colour" in sentence(ran.err)


def test_home_by_environment(clew: Clew, novella_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLEW_HOME", str(novella_home))
    assert len(document(clew("list", "--json"))["documents"]) == 1


ESCAPES = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202e\r[bold red]x[/]"


def test_document_cannot_steer_the_terminal(clew: Clew, home: Path, tmp_path: Path) -> None:
    page = f"<title>Wood {ESCAPES}</title><h1>Animals {ESCAPES}</h1><p>The fox {ESCAPES} sleeps in a den.</p>"
    page += f"<p>&#27;[31m The fox goes to the river. {FOX * 20}</p>"  # binary data is refused as a whole
    try:
        file = write(tmp_path / f"a{ESCAPES.replace('/', '')}.html", page)
    except OSError:
        file = write(tmp_path / "a.html", page)
    empty = write(tmp_path / f"b{ESCAPES.replace('/', '')}.txt", "")
    (record,) = (
        each
        for each in document(clew("--home", home, "add", file, empty, "--json"), code=1)["documents"]
        if each["id"]
    )
    write(file, page + "<p>More of it.</p>")
    for arguments in (
        ["add", file, empty],
        ["list"],
        ["show", record["id"]],
        ["show", ESCAPES],
        ["ask", "Where does the fox sleep?"],
        ["ask", f"Where does the {ESCAPES} sleep?"],
        ["ask", "Where does the fox sleep?", "--document", ESCAPES],
        ["eval", "qa", tmp_path / f"{ESCAPES}.json"],
        ["remove", record["id"]],
    ):
        ran = clew("--home", home, *arguments)
        shown = (ran.out + ran.err).replace("\n", "")
        assert shown.isprintable(), (arguments, ran)
    assert "[bold red]x" in clew("--home", home, "add", empty).err  # nor is it markup


def test_json_of_hostile_text_is_ascii_safe(clew: Clew, home: Path, tmp_path: Path) -> None:
    """C0 controls are escaped by JSON itself; what was in the file comes back whole."""
    file = write(tmp_path / "a.txt", f"The fox {ESCAPES} sleeps in a den.\n" + FOX * 20)
    document(clew("--home", home, "add", file, "--json"))
    ran = clew("--home", home, "ask", "Where does the fox sleep?", "--json")
    document(ran)
    assert "\x1b" not in ran.out


def test_unexpected_error_is_one_sentence_and_debug_shows_more(
    clew: Clew, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: Library) -> None:
        raise RuntimeError("a\nbug")

    monkeypatch.setattr(Library, "documents", broken)
    ran = clew("--home", home, "list")
    assert ran.code == 1
    assert "RuntimeError" in ran.err
    assert "Traceback" not in ran.err
    assert "Traceback" in clew("--home", home, "--debug", "list").err


@pytest.mark.parametrize("wait", [0.0, 1.0, 3.0])
def test_ctrl_c(tmp_path: Path, home: Path, fox: Path, wait: float) -> None:
    """Stopped while the encoder loads, or while it encodes: one line, and the same command goes on."""
    book = write(tmp_path / "long.txt", "".join(f"Fox {n} sleeps in den {n * 7}.\n" for n in range(3_000)))
    environment = {k: v for k, v in os.environ.items() if not k.startswith("CLEW_")} | {
        "CLEW_HOME": str(home)
    }
    with subprocess.Popen(
        [str(CLEW), "add", str(book), "--json"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        while not (home / "adding.lock").exists() and process.poll() is None:
            time.sleep(0.01)
        time.sleep(wait)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode in {1, 130}
    assert "Traceback" not in err
    assert out == ""


def test_closed_pipe_is_no_traceback(novella_home: Path, tmp_path: Path) -> None:
    for arguments in ("list", "list --json", "show novella.txt --json", "ask 'Who is Dorcas?' --json"):
        ran = subprocess.run(
            ["bash", "-c", f"{CLEW} {arguments} | head -c 0"],
            env={"PATH": os.environ["PATH"], "CLEW_HOME": str(novella_home), "OMP_NUM_THREADS": "1"},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert ran.stderr.strip() == "", arguments


def test_full_disk_is_one_sentence_and_the_same_command_goes_on(home: Path, tmp_path: Path) -> None:
    """No file of the process may grow beyond what the database has already: as if the disk were full."""
    text = "\n\n".join(f"Paragraph {n}. The fox number {n} sleeps in den {n * 7}." for n in range(1_000))
    file = write(tmp_path / "foxes.txt", text[:25_000])

    def limited() -> None:
        size = (home / "clew.sqlite").stat().st_size
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 20_000, size + 20_000))

    ran = clew_process(["add", file, "--json"], home, tmp_path, preexec_fn=limited)
    assert ran.returncode == 1
    assert ran.stdout == ""
    sentence(ran.stderr)
    again = clew_process(["add", file, "--json"], home, tmp_path)
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["documents"][0]["status"] == "added"


def test_failed_file_ends_cleanly_while_the_encoder_loads(home: Path, tmp_path: Path) -> None:
    """The encoder loads on another thread meanwhile; leaving then must neither crash nor complain."""
    file = write(tmp_path / "broken.pdf", "%PDF-1.7\nnothing")
    ran = clew_process(["add", file], home, tmp_path)
    assert ran.returncode == 1
    assert "broken.pdf" in sentence(ran.stderr)


def test_nothing_is_written_outside_the_home(own_novella_home: Path, tmp_path: Path) -> None:
    around = {name: tmp_path / name for name in ("HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_DATA_HOME", "cwd")}
    for folder in around.values():
        folder.mkdir()
    environment = {name: str(folder) for name, folder in around.items() if name != "cwd"}
    ran = clew_process(["ask", "Who is Dorcas?", "--json"], own_novella_home, around["cwd"], environment)
    assert ran.returncode == 0, ran.stderr
    # torch makes an empty folder of its own when it is imported.
    found = [path for folder in around.values() for path in folder.rglob("*")]
    assert [path for path in found if not (path.is_dir() and path.name.startswith("torchinductor_"))] == []
