"""Where a trained agent lies: the folder of a training run, or one of its folders of checkpoints."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ble_agents.plugins import find_agent
from ble_env.plugins import OBSERVATIONS
from ble_eval.command_line.errors import UserError
from ble_sim.plugins.options import options_from_json

CONFIG_FILE = "config.json"
CHECKPOINTS_FOLDER = "checkpoints"


@dataclass(frozen=True)
class TrainedWith:
    """What an agent was trained with: registered names and options, of the agent and of what it observes."""

    agent: str
    agent_options: Any
    observation: str
    observation_options: Any


def checkpoint_folder(path: Path) -> Path:
    """The folder that holds the checkpoints of a training run, or `path` itself."""
    inner = path / CHECKPOINTS_FOLDER
    return inner if inner.is_dir() else path


def newest_checkpoint(folder: Path) -> int:
    """The largest number that something in the folder has for its name.

    Raises:
        UserError: nothing has.
    """
    numbers = [int(path.name) for path in folder.iterdir() if path.name.isdecimal()] if folder.is_dir() else []
    if not numbers:
        raise UserError(f"There is no numbered checkpoint in {folder}. Give --checkpoint-idx, or another --checkpoint.")
    return max(numbers)


def trained_with(path: Path) -> TrainedWith | None:
    """What the training run's config.json says, in the folder or the one above it; None if there is none.

    Raises:
        UserError: the file does not describe a training run.
        UnknownNameError: its agent or observation is not installed.
    """
    for file in (path / CONFIG_FILE, path.parent / CONFIG_FILE):
        if not file.is_file():
            continue
        try:
            values = json.loads(file.read_text(encoding="utf-8"))
            agent, features = values["agent"], values["observation"]
            return TrainedWith(
                agent,
                options_from_json(find_agent(agent).options_type, values["agent_options"]),
                features,
                options_from_json(OBSERVATIONS.get(features).options_type, values["observation_options"]),
            )
        except (TypeError, KeyError, AttributeError, json.JSONDecodeError) as error:
            raise UserError(f"{file} does not describe a training run: {error}.") from None
    return None
