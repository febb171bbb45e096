"""The flags of engines. This module imports neither jax nor ray."""

from dataclasses import dataclass
from typing import Annotated

import tyro

from ble_eval.errors import UserError


@dataclass(frozen=True, kw_only=True)
class RayOptions:
    """Flags of `--engine ray`.

    Raises:
        UserError: a number is less than 1.
    """

    ray_address: Annotated[
        str | None,
        tyro.conf.arg(metavar="HOST:PORT", help_behavior_hint="(default: RAY_ADDRESS, else a cluster of this machine)"),
    ] = None
    """With --engine ray, the cluster: the address of its head, auto for the one that runs on this machine, local for
    one that is started and stopped with the command."""

    ray_workers: Annotated[
        int | None, tyro.conf.arg(metavar="INT", help_behavior_hint="(default: one for up to 4 cores)")
    ] = None
    """With --engine ray, the number of processes that fly. They share the cores of the cluster, and each compiles."""

    ray_chunk: Annotated[
        int | None, tyro.conf.arg(metavar="INT", help_behavior_hint="(default: 64 for each core of a worker)")
    ] = None
    """With --engine ray, the number of seeds that a worker takes at a time."""

    def __post_init__(self) -> None:
        for flag, number in (("--ray-workers", self.ray_workers), ("--ray-chunk", self.ray_chunk)):
            if number is not None and number < 1:
                raise UserError(f"{flag} is {number}: give 1 or more.")
