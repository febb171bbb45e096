"""A check of what plugins make: JAX keeps compiled code by the hash of what is static."""


class UnhashableError(TypeError):
    """A part of a task, a policy or a network that cannot be hashed."""


def require_hashable(what: str, value: object, advice: str = "") -> None:
    """Check that a value can be hashed.

    Args:
        what: what it is, such as "the reward".
        value: the value.
        advice: a sentence for the end of the message.

    Raises:
        UnhashableError: it cannot be hashed; the message names its class and fields, and says what to change.
    """
    if _is_hashable(value):
        return
    fields = {name: field for name, field in getattr(value, "__dict__", {}).items() if not _is_hashable(field)}
    found = ", ".join(f"its {name} is a {type(field).__name__}" for name, field in fields.items())
    message = (
        f"{what[:1].upper()}{what[1:]} {type(value).__name__} cannot be hashed, but JAX keeps compiled code by its hash"
        f"{': ' if found else ''}{found}."
        " Declare the class with @dataclass(frozen=True), with tuples in place of lists, dictionaries and arrays."
    )
    raise UnhashableError(f"{message} {advice}".rstrip())


def _is_hashable(value: object) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True
