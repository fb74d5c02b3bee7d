"""The way in: `clew` and `python -m app`; quiet even when stopped while still importing."""

from __future__ import annotations

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


if __name__ == "__main__":
    main()
