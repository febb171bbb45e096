"""Colours of pictures and terminals. Those of flights differ for every common kind of colour blindness."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Theme:
    """Colours by what they are for, as #rrggbb."""

    background: str
    ink: str
    """Text, the balloon's line, the station."""
    muted: str
    """Frames, ticks and lesser text."""
    grid: str
    inside: str
    """The area within the station-keeping radius."""
    night: str
    overruled: str
    """What the safety layers changed."""
    flights: tuple[str, ...]
    """After Okabe and Ito (2008), Color Universal Design. The first four differ most."""
    winds: tuple[str, str, str]
    """Away from the station, calm, towards it."""
    hours: tuple[str, ...]
    """From the start to the end of a flight; equal steps of lightness."""


LIGHT = Theme(
    background="#ffffff",
    ink="#1a1a1a",
    muted="#5f6368",
    grid="#dcdfe3",
    inside="#eaf3ee",
    night="#e4e6ee",
    overruled="#d0103a",
    flights=("#0072b2", "#d55e00", "#009e73", "#882255", "#e69f00", "#56b4e9", "#6b6b6b", "#cc79a7"),
    winds=("#b35806", "#f7f7f7", "#2166ac"),
    hours=("#b9c0e8", "#6d8fd0", "#2f62a8", "#123c70", "#071a35"),
)
DARK = Theme(
    background="#0e1116",
    ink="#f2f4f7",
    muted="#a2a9b4",
    grid="#2b313a",
    inside="#16261f",
    night="#1d2333",
    overruled="#ff5c7a",
    flights=("#56b4e9", "#e69f00", "#2fc79a", "#f0e442", "#e08fc4", "#ff7f50", "#b5b5b5", "#8f9bff"),
    winds=("#f0973c", "#14181f", "#5aa9f0"),
    hours=("#24406e", "#2f6db5", "#55a3e0", "#9cd3f5", "#f2fbff"),
)
THEMES = {"light": LIGHT, "dark": DARK}
