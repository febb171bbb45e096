"""Units of speeds, pressures and angles as files of winds spell them."""

_SPEEDS = {
    1.0: "m/s m/sec ms-1 msec-1 metres/second meters/second metre/second meter/second meterspersecond metrespersecond"
    " meterpersecond metrepersecond mps meterssecond-1 metressecond-1 metersecond-1 metresecond-1",
    1852.0 / 3600.0: "knots knot kt kts kn nmi/h nmih-1 nauticalmilesperhour",
    1000.0 / 3600.0: "km/h km/hr kmh-1 kmhr-1 kph kmph kilometersperhour kilometresperhour",
    1609.344 / 3600.0: "mph mi/h mih-1 milesperhour",
    0.01: "cm/s cms-1 centimeters/second centimetres/second",
    0.3048: "ft/s fts-1 feet/second feetpersecond",
}
_PRESSURES = {
    1.0: "pa pascal pascals n/m2 nm-2",
    100.0: "hpa hectopascal hectopascals mb mbar mbars millibar millibars",
    1000.0: "kpa kilopascal kilopascals cbar centibar centibars",
    10_000.0: "dbar decibar decibars",
    100_000.0: "bar bars",
}
_ANGLES = {
    1.0: "degrees degree deg degs ° degreesnorth degreenorth degreesn degreen degreeseast degreeeast degreese degreee"
    " degnorth degeast degn dege °n °e",
    57.29577951308232: "radians radian rad",
}


def _table(spellings: dict[float, str]) -> dict[str, float]:
    return {word: factor for factor, words in spellings.items() for word in words.split()}


_FACTORS = {"speed": _table(_SPEEDS), "pressure": _table(_PRESSURES), "angle": _table(_ANGLES)}
_LEFT_OUT = str.maketrans({**dict.fromkeys(" _*^{}().·⋅\u00a0", None), "⁻": "-", "\u2212": "-", "¹": "1", "²": "2"})


def factor(quantity: str, unit: str) -> float | None:
    """What numbers in a unit are multiplied by to be in m/s, Pa or degrees; None for a unit that is not known.

    Args:
        quantity: "speed", "pressure" or "angle".
        unit: as files spell it: "m s**-1", "Millibars".
    """
    return _FACTORS[quantity].get(unit.lower().translate(_LEFT_OUT))
