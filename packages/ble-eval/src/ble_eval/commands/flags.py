"""How flags are spelled, the same for every verb."""

from typing import Annotated

import tyro

Flag = Annotated[bool, tyro.conf.FlagCreatePairsOff]
"""A switch that is off unless given: --name, without a --no-name."""
