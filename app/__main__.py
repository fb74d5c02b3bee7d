"""The way in: `clew` and `python -m app`; quiet even when stopped while still importing."""

from __future__ import annotations

import os
import sys

__all__ = ["main"]


def main() -> None:
    """Import the command line and run it."""
    try:
        from app.cli import main as run

        run()
    except KeyboardInterrupt:
        sys.stderr.write("clew: Stopped before anything was done.\n")
        sys.exit(130)
    except SystemExit as end:
        _leave(end)
        raise


def _leave(end: SystemExit) -> None:
    """End the process at once if a task was given up and still runs.

    Python would unload what that thread is using, and end in an abort of its native code.
    """
    from app.jobs.executors import still_running

    if still_running():
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
        os._exit(end.code if isinstance(end.code, int) else 1)


if __name__ == "__main__":
    main()
