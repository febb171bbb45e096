"""Words of a command line become a dataclass, in one way for all verbs.

tyro makes flags of the dataclass and takes either spelling of them, --wind-field and --wind_field. Of a flag that is
given twice the last value counts, so that a wrapper's flags can be replaced; one that takes a list is refused then.
"""

import contextlib
import difflib
import io
import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

import tyro
from tyro.constructors import ConstructorRegistry, PrimitiveConstructorSpec, PrimitiveTypeInfo

from ble_eval.errors import UserError

ArgumentsT = TypeVar("ArgumentsT")

Switch = Annotated[bool, tyro.conf.FlagCreatePairsOff]
"""A flag that is off unless given: --name, without a --no-name."""


def expand_home(words: Sequence[str]) -> list[str]:
    """The words with the home folder in place of ~ and ~user, also after `=`, where shells leave it.

    This covers all paths that flags take, those of plugins included, whatever their types.

    Raises:
        UserError: there is no home folder.
    """
    return [_expanded(word) for word in words]


def _expanded(word: str) -> str:
    flag, equals, value = word.partition("=") if word.startswith("--") else ("", "", word)
    if not value.startswith("~"):
        return word
    expanded = os.path.expanduser(value)
    if (value == "~" or value.startswith("~/")) and (expanded == value or os.environ.get("HOME") == ""):
        raise UserError(f"{word}: there is no home folder here, since HOME is not set. Give the whole path.")
    return flag + equals + expanded


def parse_words(
    arguments_type: type[ArgumentsT], words: Sequence[str], program: str, description: str | None = None
) -> ArgumentsT:
    """Parse the words after a verb.

    Args:
        arguments_type: the dataclass.
        words: what follows the verb.
        program: the command with the verb.
        description: for --help; the docstring by default.

    Raises:
        SystemExit: after --help, and with status 2 when a value is missing or cannot be parsed.
        UserError: a flag is unknown, or takes a list and is given twice.
    """
    arguments, unknown = tyro.cli(
        arguments_type,
        args=words,
        prog=program,
        description=description,
        return_unknown_args=True,
        registry=_PATHS,
    )
    if unknown:
        raise UserError(_about_unknown(unknown[0], _known_flags(arguments_type, program), program))
    for flag, number in Counter(flags_among(words)).items():
        if number > 1 and isinstance(_value(arguments, flag), tuple | list | dict | set | frozenset):
            raise UserError(f"{flag} is given {number} times. Give it once, with all its values.")
    return arguments


def flags_among(words: Sequence[str]) -> Iterator[str]:
    """The flags among words, with hyphens, without their values."""
    for word in words:
        if word == "--":
            return
        if word.startswith("--"):
            yield hyphenated(word).partition("=")[0]


def hyphenated(word: str) -> str:
    """--wind-field for --wind_field."""
    name, equals, value = word.partition("=")
    return name.replace("_", "-") + equals + value if word.startswith("--") else word


_PATHS = ConstructorRegistry()


@_PATHS.primitive_rule
def _path_rule(info: PrimitiveTypeInfo) -> PrimitiveConstructorSpec[Path] | None:
    """Paths that are not empty: `--base-dir "$UNSET"` would write to the working folder."""
    if info.type is not Path:
        return None
    return PrimitiveConstructorSpec(
        nargs=1,
        metavar="PATH",
        instance_from_str=_path,
        is_instance=lambda value: isinstance(value, Path),
        str_from_instance=lambda value: [str(value)],
    )


def _path(words: list[str]) -> Path:
    if not words[0]:
        raise ValueError("the path is empty")
    return Path(words[0])


def _known_flags(arguments_type: type, program: str) -> list[str]:
    """The flags that --help shows."""
    text = io.StringIO()
    columns = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = "1000"
    try:
        with contextlib.redirect_stdout(text), contextlib.suppress(SystemExit):
            tyro.cli(arguments_type, args=["--help"], prog=program, registry=_PATHS)
    finally:
        del os.environ["COLUMNS"]
        if columns is not None:
            os.environ["COLUMNS"] = columns
    return list(dict.fromkeys(re.findall(r"--[a-z][\w.-]*", text.getvalue())))


def _about_unknown(word: str, known: Sequence[str], program: str) -> str:
    """What to say about a word that no flag takes, with the nearest spelling."""
    help_text = f"`{program} --help` lists the flags."
    if not word.startswith("-"):
        return f"Nothing takes the word {word!r}. {help_text}"
    flag = "--" + hyphenated(word).lstrip("-").partition("=")[0]
    if flag in known and word.startswith("--"):
        return f"{word} stands after --, where no flag is looked for. Leave out the --."
    prefix, dot, _ = flag.rpartition(".")
    if dot and prefix in known:
        options = [one for one in known if one.startswith(f"{prefix}.")]
        if nearest := _nearest(flag, options):
            return f"Unknown flag {word}.{nearest} {help_text}"
        has = f"has the options {', '.join(options)}" if options else "has no options"
        return f"Unknown flag {word}. What {prefix} names here {has}."
    begun = [one for one in known if one.startswith(flag) and one != flag and "." not in one]
    if begun:
        return f"Unknown flag {word}: flags are not abbreviated. Did you mean {' or '.join(begun)}?"
    return f"Unknown flag {word}.{_nearest(flag, known)} {help_text}"


def _nearest(flag: str, known: Sequence[str]) -> str:
    nearest = difflib.get_close_matches(flag, known, n=1, cutoff=0.7)
    return f" Did you mean {nearest[0]}?" if nearest else ""


def _value(arguments: Any, flag: str) -> Any:
    """The value of a flag in the dataclass; None where its field has another name than the flag."""
    *groups, last = flag.removeprefix("--").replace("-", "_").split(".")
    for group in groups:
        arguments = getattr(arguments, f"{group}_options", None) or getattr(arguments, group, None)
    return getattr(arguments, last, None)
