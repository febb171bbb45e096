"""Flags with several words: the command line of a sweep becomes one command line for each combination of the words.

A word is a name, with options after commas: "uniform_shear,speed=3,heading=20". In the command lines that come out each
flag has one name, and the options are flags. They are parsed like any other, so mistakes are named in the same way.
"""

import collections.abc
import itertools
import os
import re
import types
import typing
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ble_agents.create import CLASS_SEPARATOR, EXPORTED_SUFFIX, find_agent
from ble_eval.command_line.parsing import expand_home, flags_among, hyphenated
from ble_eval.errors import UserError
from ble_eval.trained import BEST_FOLDER, CHECKPOINTS_FOLDER, chosen_checkpoint, trained_with
from ble_sim.plugins.registries import AGENTS, WIND_FIELDS

AGENT = "--agent"
SWEPT = (AGENT, "--wind-field", "--precision")
"""The flags that take several words, in the order of their parts in the names of files."""
NAME_SEPARATOR = "__"
"""Between the parts of a file's name."""

_BEFORE_OPTION = re.compile(r",(?=[A-Za-z_][\w.-]*=)")  # Other commas belong to a value.


@dataclass(frozen=True)
class Word:
    """A word of a flag.

    Attributes:
        text: as it is given.
        name: what is chosen: the text before the options.
        options: names and values of the options.
    """

    text: str
    name: str
    options: tuple[tuple[str, str], ...]

    @classmethod
    def read(cls, text: str) -> "Word":
        """The word of a text."""
        name, *options = _BEFORE_OPTION.split(text)
        pairs = (option.partition("=") for option in options)
        return cls(text, name, tuple((option, value) for option, _, value in pairs))


@dataclass(frozen=True)
class Combination:
    """One of the command lines.

    Attributes:
        words: after the verb.
        varied: by the flag, its word here if it has several.
    """

    words: list[str]
    varied: Mapping[str, Word]

    def __str__(self) -> str:
        return " ".join(f"{flag} {word.text}" for flag, word in self.varied.items())


def combinations(words: Sequence[str], joined: Collection[str] = ()) -> list[Combination]:
    """The command lines of all combinations: those of the first agent first. Without several words there is one.

    Args:
        words: of the command line, after the verb.
        joined: flags that may be given several times, for one word or more each. Of others that are given several times
            with one word the last counts, as with every flag.

    Raises:
        UserError: a word is there twice, an option has no such value, or a folder has no agent.
        UnknownNameError: no agent or wind field has the name of a word with options.
    """
    words = list(words)
    end = words.index("--") if "--" in words else len(words)
    rest, given = _split(words[:end], joined)
    found = {flag: [Word.read(text) for text in texts] for flag, texts in given.items()}
    for flag, choices in found.items():
        if twice := _repeated(word.text for word in choices):
            raise UserError(f"{flag} has {twice!r} twice. Each is flown once.")
    agents = found.get(AGENT, [])
    is_named = len(agents) <= 1 and not any(_folder(word.name) for word in agents)
    for flag in flags_among(rest):
        if flag in ("--checkpoint", "--checkpoint-idx") and not is_named:
            raise UserError(
                f"{flag} goes with one agent that is named. Among several, or as an agent, give the folder itself:"
                f" {AGENT} FOLDER, or FOLDER@NUMBER for one of its checkpoints."
            )
    result = []
    for choice in itertools.product(*found.values()):
        chosen = dict(zip(found, choice, strict=True))
        flags = expand_home([part for flag, word in chosen.items() for part in _flags(flag, word)])
        line = [*rest, *flags, *words[end:]]  # Of two values the last counts: an option of the word itself.
        result.append(Combination(line, {flag: chosen[flag] for flag in found if len(found[flag]) > 1}))
    return result


def result_names(lines: Sequence[Combination], alone: Sequence[str], numbers: Sequence[int | None]) -> list[str]:
    """Names of result files, without shard and suffix: the agent, and after it the words in which the lines differ.

    Args:
        lines: the command lines of a sweep.
        alone: for each the name of a run without others.
        numbers: for each the number of the checkpoint that is flown, if there is one.

    Raises:
        UserError: two of them would have one name.
    """
    labels = {}
    for flag in SWEPT:
        words = {line.varied[flag]: number for line, number in zip(lines, numbers, strict=True) if flag in line.varied}
        labels[flag] = dict(zip(words, _labels(flag, words), strict=True))
    names = []
    for line, own_name in zip(lines, alone, strict=True):
        parts = [labels[flag][word] for flag, word in line.varied.items()]
        names.append(NAME_SEPARATOR.join(parts if AGENT in line.varied else [own_name, *parts]))
    if twice := _repeated(name.casefold() for name in names):
        same = [line for line, name in zip(lines, names, strict=True) if name.casefold() == twice]
        raise UserError(f"{same[0]} and {same[1]} are one result. Leave one of them out, or fly them one by one.")
    return names


def _split(words: Sequence[str], joined: Collection[str]) -> tuple[list[str], dict[str, list[str]]]:
    """The words of the other flags, and those of each swept flag that has any."""
    rest: list[str] = []
    lists: dict[str, list[list[str]]] = {flag: [] for flag in SWEPT}
    taking: list[str] | None = None
    for word in words:
        flag, equals, value = hyphenated(word).partition("=")
        if flag in lists:
            taking = [value] if equals else []
            lists[flag].append(taking)
        elif word.startswith("-"):
            taking = None
            rest.append(word)
        else:
            (rest if taking is None else taking).append(word)
    given = {}
    for flag, several in lists.items():
        if flag in joined and all(several):
            several = [list(itertools.chain(*several))]
        if len(several) > 1 and any(len(one) > 1 for one in several):
            raise UserError(f"{flag} is given {len(several)} times. Give it once, with all its words.")
        if several and several[-1]:
            given[flag] = several[-1]
        elif several:
            rest.append(flag)  # Without a word; the parser says so.
    return rest, given


def _flags(flag: str, word: Word) -> list[str]:
    """The flags of an ordinary command line that a word stands for."""
    folder = _folder(word.name) if flag == AGENT else None
    if folder is not None:
        path, number = folder
        trained = trained_with(path)
        if not trained:
            chosen_checkpoint(path, number)
            raise UserError(f"{path} does not say which agent it is of. Give {AGENT} NAME --checkpoint {path}.")
        flags = [f"--checkpoint={path}", *([] if number is None else [f"--checkpoint-idx={number}"])]
        options_type: Any = type(trained["agent"].options)
    elif word.options:
        find: Callable[[str], Any] | None = {AGENT: find_agent, "--wind-field": WIND_FIELDS.get}.get(flag)
        if find is None:
            raise UserError(f"{flag} {word.text}: {word.name} has no options.")
        flags, options_type = [f"{flag}={word.name}"], find(word.name).options_type
    else:
        return [f"{flag}={word.name}"]
    for name, value in word.options:
        flags += _option_flags(f"{flag}.{name}", _hint(options_type, name), value)
    return flags


def _folder(name: str) -> tuple[Path, int | None] | None:
    """The folder of a training run or of checkpoints that an agent's name is, and the number after @."""
    if name.endswith(EXPORTED_SUFFIX) or name in AGENTS.names():
        return None
    path, at, number = name.rpartition("@")
    if at and path and re.fullmatch("[0-9]+", number):
        return Path(path), int(number)
    is_path = os.sep in name and CLASS_SEPARATOR not in name
    return (Path(name), None) if is_path or Path(name).is_dir() else None


def _option_flags(flag: str, hint: Any, value: str) -> list[str]:
    """An option as flags: those of lists take several words, and those of switches none."""
    if hint is bool:
        if value.casefold() not in ("true", "false"):
            raise UserError(f"{flag} is true or false, not {value!r}.")
        group, _, name = flag.rpartition(".")
        return [flag if value.casefold() == "true" else f"{group}.no-{name}"]
    if typing.get_origin(hint) in (tuple, list, set, frozenset, collections.abc.Sequence):
        return [flag, *(value.split(",") if value else [])]
    return [f"{flag}={value}"]


def _hint(kind: Any, name: str) -> Any:
    """The type of an option, without None; None if there is no such option."""
    for part in name.replace("-", "_").split("."):
        kind = typing.get_type_hints(kind).get(part)
        if typing.get_origin(kind) in (typing.Union, types.UnionType):
            others = [one for one in typing.get_args(kind) if one is not type(None)]
            kind = others[0] if len(others) == 1 else kind
    return kind


def _labels(flag: str, words: Mapping[Word, int | None]) -> list[str]:
    """A part of a file's name for each word; paths are as long as it takes to tell them apart."""
    pieces, ends = [], []
    for word, number in words.items():
        end = "" if number is None else f"_{number}"
        ends.append(end + "".join(f",{option}={value}" for option, value in word.options))
        pieces.append(_pieces(word.name) if flag == AGENT else [word.name])
    lengths = [1] * len(pieces)
    while True:
        names = ["-".join(reversed(one[:length])) for one, length in zip(pieces, lengths, strict=True)]
        names = [re.sub(r"[^\w.,+=@-]+", "-", name + end) for name, end in zip(names, ends, strict=True)]
        counts = Counter(name.casefold() for name in names)
        longer = [
            place
            for place, name in enumerate(names)
            if counts[name.casefold()] > 1 and lengths[place] < len(pieces[place])
        ]
        if not longer:
            return names
        for place in longer:
            lengths[place] += 1


def _pieces(agent: str) -> list[str]:
    """What an agent's name consists of, the most telling part first."""
    folder = _folder(agent)
    if folder is not None or agent.endswith(EXPORTED_SUFFIX):
        path = Path(agent).with_suffix("") if folder is None else folder[0]
        *outer, last = path.absolute().parts
        if last in (CHECKPOINTS_FOLDER, BEST_FOLDER) and outer:
            last = f"{outer.pop()}-{last}"
        return [last, *(part.strip("/\\:") for part in reversed(outer))]
    module, _, name = agent.rpartition(CLASS_SEPARATOR)
    return [name, module] if module else [name]


def _repeated(texts: Iterator[str]) -> str | None:
    """A text that is there twice; None without one."""
    return next((text for text, count in Counter(texts).items() if count > 1), None)
