"""`make demo`: a novella is read and three questions about it are answered with checked quotes."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from app.bootstrap import open_library
from app.config import load_settings
from app.display import Screen
from retrieval.errors import ClewError
from retrieval.verify import Verdict

__all__ = ["main"]

DATA = Path(__file__).parents[1] / "data"


def main() -> int:
    """Run the demo in a temporary home; 0 if all three answers are verified."""
    screen = Screen()
    questions = json.loads((DATA / "novella_qa.json").read_text(encoding="utf-8"))
    texts = {each["id"]: each["question"] for each in questions["questions"]}
    verified = True
    with tempfile.TemporaryDirectory(prefix="clew-demo-") as home:
        library = open_library(load_settings(home=Path(home), database_url=""))
        with screen.progress() as progress:
            for added in library.add([DATA / "novella.txt"], progress):
                screen.added(added)
        for each in questions["demo"]:
            screen.out.print(f"\n$ clew ask {json.dumps(texts[each])}", style="cyan", soft_wrap=True)
            answer = library.ask(texts[each])
            screen.answer(answer)
            verified &= not answer.abstained and all(c.verdict is Verdict.VERIFIED for c in answer.citations)
        library.close()
    return 0 if verified else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except ClewError as error:
        Screen().error(str(error))
        sys.exit(1)
