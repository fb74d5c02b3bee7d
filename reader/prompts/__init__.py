"""What is asked of a language model, one Jinja template a task; see each file's header.

A header is a comment with the purpose, the variables and the source. Text of documents, of questions and of
earlier turns comes in through the `data` filter, which keeps it inside its tag, and is declared to be data.
"""

from __future__ import annotations

import html
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from reader.errors import PromptError

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["PROMPT_VERSION", "declared_variables", "prompt_names", "render"]

PROMPT_VERSION: Final = 4
"""Raised whenever a template changes what a model is asked: stored work of an older version is done again."""

FOLDER: Final = Path(__file__).parent
_HEADER: Final = re.compile(r"\A\{#(.*?)#\}", re.DOTALL)
_VARIABLES: Final = re.compile(r"^Variables:[ \t]*(.*)$", re.MULTILINE)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        undefined=StrictUndefined,
        autoescape=False,  # what is to be escaped says so: `data`
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["data"] = _data
    environment.filters["attribute"] = _attribute
    return environment


def _data(text: object) -> str:
    """Text that can neither close its tag nor open another; quotation marks stay as they are."""
    return html.escape(str(text), quote=False)


def _attribute(text: object) -> str:
    """The same for a text between double quotation marks inside of a tag."""
    return html.escape(" ".join(str(text).split()), quote=False).replace('"', "&quot;")


def render(name: str, **variables: Any) -> str:
    """The prompt of that name.

    Raises:
        PromptError: If there is none, or a variable is missing or not declared in the header.
    """
    from jinja2 import TemplateError

    declared = declared_variables(name)
    if declared != variables.keys():
        raise PromptError(f"The prompt {name!r} takes {sorted(declared)}, not {sorted(variables)}.")
    try:
        return _environment().get_template(f"{name}.jinja").render(variables).strip()
    except TemplateError as error:
        raise PromptError(f"The prompt {name!r} cannot be made: {error}.") from error


def prompt_names() -> list[str]:
    """All prompts there are."""
    return sorted(file.stem for file in FOLDER.glob("*.jinja"))


@cache
def declared_variables(name: str) -> frozenset[str]:
    """The variables that the header of a prompt declares.

    Raises:
        PromptError: If there is no such prompt, or it has no header.
    """
    try:
        text = (FOLDER / f"{name}.jinja").read_text(encoding="utf-8")
    except OSError as error:
        raise PromptError(f"There is no prompt {name!r}.") from error
    header = _HEADER.match(text)
    found = _VARIABLES.search(header.group(1)) if header else None
    if found is None:
        raise PromptError(f"The prompt {name!r} does not declare its variables.")
    return frozenset(each.strip() for each in found.group(1).split(",") if each.strip())
