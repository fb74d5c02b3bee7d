import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("app", "memory", "reader", "retrieval", "ui")
FILES = sorted(file for package in PACKAGES for file in (ROOT / package).rglob("*.py"))
TREES = {file.relative_to(ROOT).as_posix(): ast.parse(file.read_text(encoding="utf-8")) for file in FILES}

# ui -> app -> {reader, memory} -> retrieval
MAY_IMPORT = {
    "ui": {"ui", "app"},
    "app": {"app", "reader", "memory", "retrieval"},
    "reader": {"reader", "retrieval"},
    "memory": {"memory", "retrieval"},
    "retrieval": {"retrieval"},
}

# What a setting chooses among. The rest of app knows the Protocols that these fit.
BACKENDS = {
    "SentenceTransformerEncoder": "retrieval/encoder.py",
    "EmbeddedSpanReader": "reader/spans/model.py",
    "NamedSpanReader": "reader/spans/named.py",
    "ExtractiveReader": "reader/extractive.py",
    "EndpointModel": "reader/models/endpoint.py",
    "ScriptedModel": "reader/models/scripted.py",
    "TransformersModel": "reader/models/local.py",
    "measure_formats": "retrieval/precision.py",
    "load_document": "retrieval/loaders/load.py",
    "open_database": "memory/database.py",
}
# The files of an index are FAISS's and tantivy's own: what keeps them in step with SQL must know whose.
INDEX_BACKENDS = {"FaissIndex": "retrieval/vector_index.py", "LexicalIndex": "retrieval/lexical_index.py"}
INDEXING = {"app/indexing.py", "app/node_indexing.py"}

HEAVY = (
    "torch",
    "faiss",
    "sentence_transformers",
    "transformers",
    "tantivy",
    "pypdfium2",
    "mammoth",
    "openai",
    "httpx2",
    "langgraph",
    "langchain_core",
    "langsmith",
    "llguidance",
    "jinja2",
    "matplotlib",
    "ray",
)
# Third-party switches that are set for a library, not read: only these, and only where they stand.
SET_FOR_LIBRARIES = {("retrieval/encoder.py", "TOKENIZERS_PARALLELISM")}


def imported(tree: ast.AST) -> Iterator[tuple[str, list[str]]]:
    """Modules with the names that are taken from them, also inside of functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, []) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield node.module or "", [alias.name for alias in node.names]


def module_name(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def importable() -> list[str]:
    """Every module that can be imported by name: not Alembic's own scripts, and not what only trains."""
    apart = ("memory/migrations/", "reader/training/")
    return [module_name(path) for path in TREES if not path.startswith(apart)]


def named(tree: ast.AST) -> set[str]:
    """Every identifier that stands in the code, imported ones included."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            names.add(node.id)
        elif isinstance(node, ast.Attribute):
            names.add(node.attr)
        elif isinstance(node, ast.alias):
            names.update((node.name, node.asname or ""))
    return names


def test_every_package_is_looked_at() -> None:
    assert {path.partition("/")[0] for path in TREES} == set(PACKAGES) == set(MAY_IMPORT)
    assert len(TREES) > 50


@pytest.mark.parametrize("path", TREES)
def test_imports_point_one_way(path: str) -> None:
    package = path.partition("/")[0]
    for module, _ in imported(TREES[path]):
        top = module.partition(".")[0]
        if top in PACKAGES:
            assert top in MAY_IMPORT[package], f"{path} imports {module}"
        assert top not in {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "tests"}, path


def test_the_direction_test_sees_imports_inside_of_functions() -> None:
    tree = ast.parse("def f():\n    from memory.units import Unit\n    import app.cli as c\n")
    assert list(imported(tree)) == [("memory.units", ["Unit"]), ("app.cli", [])]


def test_nothing_is_read_as_a_pickle() -> None:
    for path, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.keyword) and node.arg == "allow_pickle":
                assert isinstance(node.value, ast.Constant), path
                assert node.value.value is False, path


@pytest.mark.parametrize(("name", "home"), [*BACKENDS.items(), *INDEX_BACKENDS.items()])
def test_the_backends_stand_where_they_are_said_to(name: str, home: str) -> None:
    defined = {node.name for node in TREES[home].body if isinstance(node, ast.ClassDef | ast.FunctionDef)}
    assert name in defined


@pytest.mark.parametrize("path", [path for path in TREES if path.startswith(("app/", "ui/"))])
def test_only_the_composition_root_names_backends(path: str) -> None:
    if path == "app/bootstrap.py":
        assert set(BACKENDS) <= named(TREES[path])
        return
    forbidden = set(BACKENDS) | (set() if path in INDEXING else set(INDEX_BACKENDS))
    assert not named(TREES[path]) & forbidden
    modules = {module.partition(".")[0] for module, _ in imported(TREES[path])}
    assert not modules & {"torch", "faiss", "tantivy", "sentence_transformers", "transformers", "alembic"}


def environment_reads(tree: ast.AST) -> list[str]:
    """Uses of the environment; of `os.environ.setdefault("NAME", ...)` the name."""
    found: list[str] = []
    settings = {
        node.func.value: node.args[0].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "setdefault"
        and node.args
        and isinstance(node.args[0], ast.Constant)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "environb", "getenv", "getenvb"}:
            found.append(str(settings.get(node, node.attr)))
        elif isinstance(node, ast.ImportFrom) and node.module == "os":
            found += [alias.name for alias in node.names if "env" in alias.name]
        elif isinstance(node, ast.keyword) and node.arg == "envvar":
            found.append("envvar")
    return found


@pytest.mark.parametrize("path", TREES)
def test_only_the_settings_read_the_environment(path: str) -> None:
    found = environment_reads(TREES[path])
    if path != "app/config.py":
        assert [name for name in found if (path, name) not in SET_FOR_LIBRARIES] == []


def test_reading_the_environment_is_seen_in_every_form() -> None:
    for code in (
        "import os\nos.environ['A']",
        "import os\nos.getenv('A')",
        "from os import environ",
        "f(envvar='A')",
    ):
        assert environment_reads(ast.parse(code)), code
    assert environment_reads(ast.parse("import os\nos.environ.setdefault('A', '1')")) == ["A"]
    assert environment_reads(TREES["app/config.py"])


@pytest.mark.parametrize("path", TREES)
def test_every_name_that_is_offered_exists(path: str) -> None:
    tree = TREES[path]
    offered = [
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign)
        and any(isinstance(target, ast.Name) and target.id == "__all__" for target in node.targets)
    ]
    public = [
        node.name
        for node in tree.body
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_")
    ]
    if path.startswith("memory/migrations/") or path.endswith(("/__main__.py", "/__init__.py")):
        return
    assert len(offered) == (1 if public else len(offered)), f"{path} has no __all__"
    for names in offered:
        module = __import__(module_name(path), fromlist=["*"])
        assert len(set(names)) == len(names)
        assert [name for name in names if not hasattr(module, name)] == []


IMPORTS_EACH = """
import importlib, logging, os, sys, threading

for name in sys.argv[2].split():
    importlib.import_module(name)
brought = set(sys.modules)
before = dict(os.environ), list(logging.getLogger().handlers), threading.active_count()
for name in sys.argv[3:]:
    importlib.import_module(name)
    heavy = [each for each in sys.argv[1].split(",") if each in sys.modules and each not in brought]
    if heavy:
        sys.exit(f"{name} starts {heavy}")
after = dict(os.environ), list(logging.getLogger().handlers), threading.active_count()
assert after == before, "an import changed the environment, set up logging or started a thread"
"""


@pytest.mark.parametrize("brought", ["", "streamlit altair"])  # what pages are written in is there before
def test_importing_starts_nothing_heavy(tmp_path: Path, brought: str) -> None:
    modules = [each for each in importable() if each.startswith("ui.") == bool(brought)]
    assert set(modules) >= ({"ui.main", "ui.serving"} if brought else {"app.cli", "app.bootstrap", "ui"})
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", IMPORTS_EACH, ",".join(HEAVY), brought, *modules],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "HOME": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == [], "an import wrote a file"


def test_errors_hang_below_one_root() -> None:
    for package in ("app", "memory", "reader", "retrieval"):
        tree = TREES[f"{package}/errors.py"]
        classes = {node.name for node in tree.body if isinstance(node, ast.ClassDef)}
        module = __import__(f"{package}.errors", fromlist=["*"])
        root = __import__("retrieval.errors", fromlist=["*"]).ClewError
        assert classes
        assert all(issubclass(getattr(module, name), root) for name in classes)
        # The tree drawn in the docstring names them all.
        assert [name for name in classes if name not in (ast.get_docstring(tree) or "")] == []
