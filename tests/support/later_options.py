"""Options whose hints are evaluated later, or cannot be evaluated."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from kites import Kite  # pyright: ignore[reportAttributeAccessIssue] - there is none


class Wing(enum.Enum):
    FLAT = 1
    BENT = 2


@dataclass(frozen=True)
class Frame:
    width: float = 1.0
    wing: Wing = Wing.FLAT


@dataclass(frozen=True)
class LaterOptions:
    plan: Path | None = None
    frame: Frame = Frame()
    other: Frame | None = None
    sizes: tuple[tuple[int, str], ...] = ()
    kind: Literal["box", "delta"] = "box"


@dataclass(frozen=True)
class UnknownHintOptions:
    plan: Kite | None = None
