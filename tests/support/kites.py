"""Two kinds of extensions that exist in tests only."""

from typing import ClassVar

from ble_sim.plugins import Registration, hookspec


class KiteRegistration(Registration):
    """A kite: constructor(options=OPTIONS)."""

    kind: ClassVar[str] = "kite"
    hook: ClassVar[str] = "ble_register_kites"


class AnchorRegistration(Registration):
    """An anchor: constructor(weight, options=OPTIONS)."""

    kind: ClassVar[str] = "anchor"
    hook: ClassVar[str] = "ble_register_anchors"


class KiteHooks:
    @hookspec
    def ble_register_kites(self):
        """Kites."""


class KiteAndAnchorHooks(KiteHooks):
    @hookspec
    def ble_register_anchors(self):
        """Anchors."""
