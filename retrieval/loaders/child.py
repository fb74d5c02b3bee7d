"""The child process that parses one file: `python -I child.py ORDER < FILE`.

ORDER is JSON: the file's name, the limits, the parent's process id and the processor seconds. The result
goes to standard output in the form of wire.py. Limits are set before the first parser is imported.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from retrieval.document import Document
    from retrieval.loaders.limits import ParseLimits

__all__ = ["main"]

# Pure-Python recursion needs no C stack since Python 3.11; mammoth recurses once or twice per XML level.
_RECURSION_LIMIT = 20_000


def main(parse: Callable[[bytes, str, ParseLimits], Document] | None = None) -> None:
    """Parse standard input as the order in the last argument says, and write the result.

    Args:
        parse: Does the work; `document_from_bytes` unless a test wants another.
    """
    order: dict[str, Any] = json.loads(sys.argv[-1])
    _die_with_parent(order["parent"])
    _set_limits(order["limits"]["memory_megabytes"], order["cpu_seconds"])
    result = os.dup(1)
    os.dup2(2, 1)  # a parser that prints must not write into the result
    sys.setrecursionlimit(_RECURSION_LIMIT)
    answer = memoryview(_answer(order, parse))
    while answer:
        answer = answer[os.write(result, answer) :]
    os._exit(0)  # nothing of ours needs a tidy end, and no parser's may hang or fail after the result


def _answer(order: dict[str, Any], parse: Callable[[bytes, str, ParseLimits], Document] | None) -> bytes:
    from retrieval.errors import DamagedFileError, LoadError, ParseLimitError
    from retrieval.loaders.limits import ParseLimits
    from retrieval.loaders.names import shown
    from retrieval.loaders.wire import pack_document, pack_error

    name = order["name"]
    too_big = pack_error(ParseLimitError(f"{shown(name)} needs more memory to read than is allowed."))
    try:
        from retrieval.loaders.parse import document_from_bytes

        with os.fdopen(0, "rb", closefd=False) as file:
            data = file.read()
        return pack_document((parse or document_from_bytes)(data, name, ParseLimits(**order["limits"])))
    except LoadError as error:
        return pack_error(error)
    except MemoryError:
        return too_big
    except RecursionError:
        return pack_error(DamagedFileError(f"{shown(name)} is nested too deeply to be read."))
    except Exception as error:  # outermost place of this process; parsers raise anything on malformed input
        sys.stderr.write(repr(error)[:2000])
        return pack_error(DamagedFileError(f"{shown(name)} is damaged and cannot be read."))


def _die_with_parent(parent: int) -> None:
    """Ask Linux to kill this process when the parent dies; elsewhere the processor time ends it."""
    if sys.platform == "linux":
        import ctypes

        pr_set_pdeathsig, sigkill = 1, 9
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, sigkill, 0, 0, 0)
    if os.getppid() != parent:  # it died before the request
        os._exit(1)


def _set_limits(memory_megabytes: int, cpu_seconds: int) -> None:
    import resource

    wanted = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: 0,  # no file gets a byte; pipes are not files
        resource.RLIMIT_CPU: cpu_seconds,
    }
    if sys.platform == "linux":  # macOS accepts RLIMIT_AS and does not hold it; the parent watches there
        wanted[resource.RLIMIT_AS] = memory_megabytes * 1_000_000
    for limit, value in wanted.items():
        hard = resource.getrlimit(limit)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(limit, (value, value))


if __name__ == "__main__":
    sys.path[:0] = [os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))]
    main()
