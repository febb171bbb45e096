"""Agents by name: those that are registered, those in files of exported agents, and classes by their place."""

import hashlib
import importlib
import inspect
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from ble_agents.agent import Agent
from ble_sim.plugins import AgentRegistration, InformationTrack, NoOptions, UnknownNameError
from ble_sim.plugins.registries import AGENTS

EXPORTED_SUFFIX = ".npz"
"""Suffix of the files that hold an exported agent."""
CLASS_SEPARATOR = ":"
"""Between the module and the class in the name of an agent that is not registered."""


class AgentClassError(UnknownNameError):
    """A name "package.module:Class" that gives no agent."""


class InformationTrackError(ValueError):
    """An agent declares another information track than its registration."""


def agent_names() -> list[str]:
    """The registered names that `create_agent` knows, sorted."""
    return AGENTS.names()


def find_agent(name: str) -> AgentRegistration:
    """The registration of an agent, by one of three kinds of names.

    - A registered name, such as "station_seeker".
    - The path of an exported agent, which ends in ".npz".
    - "package.module:Class", a class or function that is called as a registered constructor is. It takes options if it
      has an attribute `options_type`. The module is imported. It is looked for where Python finds modules, and then
      in the current directory, which is added to the end of `sys.path`.

    Raises:
        UnknownNameError: no agent has this name, or the class cannot be used.
        DuplicateNameError: several plugins claim the name.
    """
    if name.endswith(EXPORTED_SUFFIX):
        return AgentRegistration(name, _exported_constructor(name), summary="An exported agent.")
    if CLASS_SEPARATOR in name:
        return _registration_of_class(name)
    return AGENTS.get(name)


def agent_origin(name: str) -> str:
    """Where an agent comes from: "distribution version", or the file of an exported agent or a class, and its digest.

    Raises as `find_agent` does, and OSError where the file cannot be read.
    """
    if name.endswith(EXPORTED_SUFFIX):
        path = Path(name).expanduser()
    elif CLASS_SEPARATOR in name:
        path = class_file(name)
        if path is None:
            return f"{name.partition(CLASS_SEPARATOR)[0]}, without a file"
    else:
        return str(AGENTS.origin(name))
    return f"{path.name}, SHA-256 {hashlib.sha256(path.read_bytes()).hexdigest()}"


def class_file(name: str) -> Path | None:
    """The source file of the module in "package.module:Class"; None if it has none. Raises as `find_agent` does."""
    file = getattr(_imported(name), "__file__", None)
    return None if file is None else Path(file)


def agent_label(name: str) -> str:
    """An agent's name for names of files: the stem of an exported agent's, the class without its module."""
    return Path(name).stem if name.endswith(EXPORTED_SUFFIX) else name.rpartition(CLASS_SEPARATOR)[2]


def create_agent(
    name: str,
    num_actions: int = 3,
    observation_shape: Sequence[int] = (1099,),
    *,
    seed: int | None = None,
    options: Any = None,
) -> Agent:
    """Make the agent called `name`.

    Args:
        name: one of `agent_names()`, the path of an exported agent, NAME.npz, or "package.module:Class"; see
            `find_agent`.
        num_actions: how many actions the environment has; three in the benchmark.
        observation_shape: shape of its observations; (1099,) in the benchmark.
        seed: of the agent's random draws; None draws one.
        options: the agent's options, an instance of its registration's `options_type`; None for the defaults.

    Raises:
        UnknownNameError: no agent has this name.
        ExportedPolicyError: the file is missing, or holds something else; a ValueError.
        TypeError: `options` is not that of this agent.
        InformationTrackError: it is on another information track than it is registered with; a ValueError.
    """
    registration = find_agent(name)
    agent = registration.construct(num_actions, observation_shape, seed=seed, options=options)
    if CLASS_SEPARATOR in name and not isinstance(agent, Agent):
        raise AgentClassError(f"{name} made a {type(agent).__name__}, which is no ble_agents.Agent.")
    declared = getattr(agent, "information_track", registration.information_track)
    if declared != registration.information_track:
        raise InformationTrackError(
            f"The agent {name!r} is on the information track {declared!r}, but is registered with"
            f" {registration.information_track!r}, which lists and tables show: give both the same information_track."
        )
    return agent


def _exported_constructor(name: str) -> Any:
    def construct(*arguments: Any, **keywords: Any) -> Agent:
        from ble_agents.agents.exported import TrainedAgent  # only now: it brings jax

        return TrainedAgent(Path(name), *arguments, **keywords)

    return construct


def _registration_of_class(name: str) -> AgentRegistration:
    module, attribute = _imported(name), name.partition(CLASS_SEPARATOR)[2]
    place = f"the module {module.__name__!r}" + (f" ({file})" if (file := getattr(module, "__file__", None)) else "")
    try:
        found: Any = module
        for part in attribute.split("."):
            found = getattr(found, part)
    except AttributeError:
        classes = [one for one, value in vars(module).items() if isinstance(value, type) and _is_agent(value)]
        known = ", ".join(sorted(classes)) or "none"
        raise AgentClassError(f"There is no {attribute!r} in {place}. Classes of agents there: {known}.") from None
    if not callable(found) or (isinstance(found, type) and not _is_agent(found)):
        raise AgentClassError(f"{attribute!r} in {place} is no agent: give a subclass of ble_agents.Agent.")
    if inspect.isabstract(found):
        missing = ", ".join(sorted(found.__abstractmethods__))
        raise AgentClassError(f"{attribute!r} in {place} lacks methods of an agent: {missing}.")
    options_type = getattr(found, "options_type", NoOptions)
    keywords: dict[str, Any] = {"seed": None} | ({} if options_type is NoOptions else {"options": None})
    try:
        inspect.signature(found).bind(0, (0,), **keywords)
    except TypeError as error:
        rule = ", ".join(["num_actions", "observation_shape", "*", *keywords])
        raise AgentClassError(f"{name} must be constructed as {attribute}({rule}): {error}.") from None
    except ValueError:  # Python knows no signature of it.
        pass
    try:
        summary = (inspect.getdoc(found) or "").partition("\n")[0]
        track = InformationTrack(getattr(found, "information_track", InformationTrack.OBSERVATION))
        return AgentRegistration(name, found, options_type=options_type, summary=summary, information_track=track)
    except TypeError as error:
        raise AgentClassError(str(error)) from None


def _is_agent(kind: type) -> bool:
    return issubclass(kind, Agent) and kind is not Agent


def _imported(name: str) -> ModuleType:
    """The module in "package.module:Class"."""
    module, _, attribute = name.partition(CLASS_SEPARATOR)
    if not all(part.isidentifier() for part in [*module.split("."), *attribute.split(".")]):
        raise AgentClassError(f"The agent {name!r} is neither a registered name nor of the form package.module:Class.")
    here = os.getcwd()
    if here not in sys.path and "" not in sys.path:
        sys.path.append(here)
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name and (module == error.name or module.startswith(f"{error.name}.")):
            remedy = "install it, or run this where the file is"
            if module.endswith(".py"):
                remedy = f"give the name without .py, {module.removesuffix('.py')}:{attribute}"
            raise AgentClassError(
                f"There is no module {error.name!r} for the agent {name!r}, neither among the installed packages nor in"
                f" {here}: {remedy}."
            ) from None
        raise AgentClassError(f"The module {module!r} of the agent {name!r} cannot be imported: {error}.") from error
    except (Exception, SystemExit) as error:  # A module of a user may raise anything.
        summary = f"{type(error).__name__}: {error}"
        raise AgentClassError(f"The module {module!r} of the agent {name!r} cannot be imported: {summary}.") from error
