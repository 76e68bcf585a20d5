"""the `plinth` command: photos -> AR files, without Django, queue or S3

Every mistake in the arguments is found before anything heavy is loaded. Exit codes: 0 done, 2 usage, 3 input rejected,
75 something was away, 130 interrupted, 1 our bug. See docs/command.md.
"""

import argparse
import contextlib
import errno
import json
import os
import signal
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import FrameType

from assets_pipeline import arguments, commands
from assets_pipeline.arguments import Parser, UsageError
from assets_pipeline.errors import Cancelled, InputRejected, Unavailable
from assets_pipeline.report import printable, versions
from assets_pipeline.stores.directory import UnusablePlace

DONE, BUG, USAGE, REJECTED, AWAY, INTERRUPTED = 0, 1, 2, 3, 75, 130
STATUS = {BUG: "bug", USAGE: "usage", REJECTED: "rejected", AWAY: "unavailable", INTERRUPTED: "interrupted"}
DISK_IS_FULL = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)


@dataclass(frozen=True)
class Command:
    """One of the words after `plinth`. `run` returns what goes to stdout; trouble is raised."""

    summary: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], str]


COMMANDS: Mapping[str, Command] = {
    "make": Command("turn photos into GLB, USDZ, posters and a certificate", arguments.add_make, commands.make),
    "inspect": Command("say what is good and bad about photos", arguments.add_inspect, commands.inspect),
    "generators": Command("list what can make shapes here, and why not", arguments.add_json, commands.generators),
    "weights": Command("list or fetch the models' weights", arguments.add_weights, commands.weights),
    "certify": Command("check a folder that `make` wrote, from its files", arguments.add_certify, commands.certify),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code. argv: without the program's name.

    This is the only place that turns trouble into an exit code.
    """
    given = sys.argv[1:] if argv is None else list(argv)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # a file's name or a terminal may know no Unicode
    as_json = "--json" in given
    try:
        with warnings.catch_warnings(), interruptible():
            warnings.simplefilter("ignore")  # what libraries tell programmers
            print(dispatch(given), end="", flush=True)
    except UsageError as error:
        return fail(USAGE, "usage", str(error), as_json)
    except UnusablePlace as error:
        return fail(USAGE, "usage", f"--out: {error.strerror}", as_json)
    except InputRejected as error:
        return fail(REJECTED, error.code, error.advice, as_json, photo=error.photo)
    except Unavailable as error:
        return fail(AWAY, error.code, error.advice, as_json)
    except (KeyboardInterrupt, Cancelled):
        return fail(INTERRUPTED, "interrupted", "Stopped; nothing was written.", as_json)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the reader left: be silent at exit too
    except MemoryError:
        return fail(AWAY, "out_of_memory", "This machine has too little free memory for these photos.", as_json)
    except Exception as error:
        if isinstance(error, OSError) and error.errno in DISK_IS_FULL:
            return fail(AWAY, "disk_full", "There is no room left on the disk; nothing was written.", as_json)
        return report_bug(error, as_json)
    return DONE


def dispatch(given: Sequence[str]) -> str:
    """Hand the arguments to the command that the first of them names; what it says."""
    with contextlib.suppress(SystemExit):  # --help and --version have said what there is to say
        if not given or given[0] not in COMMANDS:
            introduce(given)
        name, command = given[0], COMMANDS[given[0]]
        parser = Parser(prog=f"plinth {name}", description=f"{command.summary[0].upper()}{command.summary[1:]}.")
        command.add_arguments(parser)
        return command.run(parser.parse_intermixed_args(shield_dashes(given[1:])))
    return ""


def shield_dashes(given: Sequence[str]) -> list[str]:
    """Everything after `--` is a file's name: `-a.jpg` becomes `./-a.jpg`, which argparse takes for no option."""
    split = given.index("--") if "--" in given else len(given)
    return [*given[:split], *(f"./{name}" if name.startswith("-") else name for name in given[split + 1 :])]


def introduce(given: Sequence[str]) -> None:
    """`plinth` without a command: say help or version and leave, or say what was wrong. Raises UsageError."""
    commands_text = "\n".join(f"  {name:12}{command.summary}" for name, command in COMMANDS.items())
    text = f"Turn product photos into AR-ready 3D assets.\n\n{commands_text}\n\nMore: plinth COMMAND --help"
    parser = Parser(prog="plinth", description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--version", action="version", version=f"plinth {versions()['plinth']}")
    parser.add_argument("command", choices=list(COMMANDS), metavar="COMMAND", help="one of the above")
    parser.parse_args(given[:1])


def fail(status: int, code: str, advice: str, as_json: bool, *, photo: str = "") -> int:
    """Say `code: advice` on stderr, and on stdout as JSON where that was asked for; return `status`."""
    where = f" ({printable(photo)})" if photo else ""
    print(f"{code}: {printable(advice)}{where}", file=sys.stderr)
    if as_json:
        print(json.dumps({"status": STATUS[status], "code": code, "advice": advice, "photo": photo}))
    return status


def report_bug(error: Exception, as_json: bool) -> int:
    """One line for the user; the traceback where PLINTH_TRACEBACK asks for it."""
    if os.environ.get("PLINTH_TRACEBACK"):
        traceback.print_exception(error)
    what = " ".join(f"{type(error).__name__}: {error}".split())
    return fail(BUG, "bug", f"{what[:300]} (our fault; PLINTH_TRACEBACK=1 shows where it happened)", as_json)


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """SIGTERM ends the work as Ctrl-C does, so that everything is cleared away."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    try:
        before = signal.signal(signal.SIGTERM, interrupt)
    except ValueError:  # not the main thread: whoever started us handles signals
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


if __name__ == "__main__":
    sys.exit(main())
