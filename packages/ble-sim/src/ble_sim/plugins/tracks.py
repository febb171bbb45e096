"""The information tracks that agents declare. Listing agents needs them, so nothing here imports jax."""

import enum
from typing import Never


class InformationTrack(enum.StrEnum):
    """What an agent may use; `ble_env.information` says what each track is handed."""

    OBSERVATION = "observation"
    FORECAST = "forecast"
    ORACLE = "oracle"

    @classmethod
    def _missing_(cls, value: object) -> Never:
        choices = ", ".join(repr(track.value) for track in cls)
        raise ValueError(f"An information track is one of {choices}, not {value!r}.")
