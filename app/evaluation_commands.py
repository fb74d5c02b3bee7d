"""`clew eval`: measure Clew on files of questions, and on generated haystacks."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Annotated, Final

import typer

from app.commands import AsJson, check_route, library_at, print_json, screen, temporary_library
from app.evaluation import evaluate_qa
from app.events import Progress
from app.haystack_homes import HaystackHomes
from app.haystacks.threads import MOST_MARKS
from app.heat_map import check_heat_map, save_heat_map
from app.locomo_evaluation import evaluate_locomo
from app.memory_tables import locomo_table, scm_table
from app.needle_evaluation import NeedleOptions, evaluate_needles
from app.needle_tables import needle_table, thread_table
from app.scm_evaluation import evaluate_scm
from app.thread_evaluation import ThreadOptions, evaluate_threads

__all__ = ["evaluation"]

LEAST_TOKENS: Final = 1_000
MOST_TOKENS: Final = 20_000_000
LONGEST_CHAIN: Final = 12

evaluation = typer.Typer(help="Measure Clew on files of questions, and on haystacks.", no_args_is_help=True)

Seed = Annotated[int, typer.Option(help="Of everything that is drawn; the same seed, the same haystacks.")]
Keep = Annotated[
    Path | None, typer.Option(help="Keep the haystacks in this folder, and use those that are there.")
]


@evaluation.command()
def qa(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="SQuAD or book_qa format.")],
    route: Annotated[str, typer.Option(help="auto, search, walk or whole.")] = "auto",
    as_json: AsJson = False,
) -> None:
    """Add what the questions are about to a temporary home and ask them all over all of it."""
    check_route(route)
    with temporary_library() as library, screen.progress() as progress:
        report = evaluate_qa(file, library, progress, route)
    if as_json:
        print_json(report)
    else:
        screen.report(report)


@evaluation.command()
def needles(
    lengths: Annotated[
        str, typer.Option(help="Tokens of the haystacks, such as 4000,1000000.")
    ] = "4000,16000,64000,256000",
    depths: Annotated[int, typer.Option(min=1, max=51, help="How many, from the beginning to the end.")] = 11,
    near: Annotated[
        int, typer.Option(min=0, max=8, help="Look-alikes of each needle with other values.")
    ] = 3,
    seed: Seed = 0,
    out: Annotated[Path | None, typer.Option(help="A PNG file for a heat map.")] = None,
    keep: Keep = None,
    as_json: AsJson = False,
) -> None:
    """Hide facts at all depths of generated haystacks and ask for each."""
    options = NeedleOptions(_numbers(lengths, "--lengths", LEAST_TOKENS, MOST_TOKENS), depths, near, seed)
    if out is not None:
        check_heat_map(out)
    with screen.progress() as progress, _homes(keep, progress) as homes:
        report = evaluate_needles(options, homes, progress)
    if out is not None:
        save_heat_map(report, out)
    if as_json:
        print_json(report)
    else:
        screen.out.print(needle_table(report))


@evaluation.command()
def threads(
    hops: Annotated[str, typer.Option(help="Facts to be followed, such as 2,8.")] = "2,3,4,5,6,7,8",
    lengths: Annotated[str, typer.Option(help="Tokens of the haystacks.")] = "16000,64000",
    chains: Annotated[int, typer.Option(min=1, max=20, help="Chains for each number of hops.")] = 5,
    seed: Seed = 0,
    keep: Keep = None,
    as_json: AsJson = False,
) -> None:
    """Hide chains of facts, each naming the next, in generated haystacks and ask for their ends."""
    options = ThreadOptions(
        _numbers(hops, "--hops", 2, LONGEST_CHAIN),
        _numbers(lengths, "--lengths", LEAST_TOKENS, MOST_TOKENS),
        chains,
        seed,
    )
    if sum(options.hops) * chains > MOST_MARKS:
        raise typer.BadParameter(
            f"{chains} chains of each length have {sum(options.hops) * chains} links; at most {MOST_MARKS}.",
            param_hint="--chains",
        )
    with screen.progress() as progress, _homes(keep, progress) as homes:
        report = evaluate_threads(options, homes, progress)
    if as_json:
        print_json(report)
    else:
        screen.out.print(thread_table(report))


@evaluation.command()
def locomo(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Conversations with questions, as of LoCoMo.")],
    as_json: AsJson = False,
) -> None:
    """Keep conversations in memory and ask about them: are the right turns recalled, and answered from."""
    with temporary_library() as library, screen.progress() as progress:
        report = evaluate_locomo(file, library, progress)
    if as_json:
        print_json(report)
    else:
        screen.out.print(locomo_table(report))


@evaluation.command()
def scm(
    dialogues: Annotated[Path, typer.Argument(metavar="DIALOGUES", help="Long dialogues, as of SCM4LLMs.")],
    probes: Annotated[Path, typer.Argument(metavar="PROBES", help="Questions about them.")],
    as_json: AsJson = False,
) -> None:
    """Keep long dialogues in memory and probe them, with the memory controller and without."""
    with temporary_library() as library, screen.progress() as progress:
        report = evaluate_scm(dialogues, probes, library, progress)
    if as_json:
        print_json(report)
    else:
        screen.out.print(scm_table(report))


@contextmanager
def _homes(keep: Path | None, progress: Progress) -> Iterator[HaystackHomes]:
    """Homes in that folder, or in one that goes afterwards; with these settings but an own database."""
    with ExitStack() as stack:
        folder = keep or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="clew-eval-")))
        yield stack.enter_context(HaystackHomes.opened(folder.absolute(), library_at, progress))


def _numbers(text: str, option: str, least: int, most: int) -> tuple[int, ...]:
    """The numbers between the commas, ascending, each once."""
    try:
        numbers = sorted({int(each) for each in text.split(",")})
    except ValueError as error:
        raise typer.BadParameter(
            f"{text!r} is no list of numbers such as {least},{2 * least}.", param_hint=option
        ) from error
    if numbers[0] < least or numbers[-1] > most:
        raise typer.BadParameter(
            f"{text!r} has a number that is not in {least:,} to {most:,}.", param_hint=option
        )
    return tuple(numbers)
