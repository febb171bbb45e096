"""The error for mistakes of the user."""


class UserError(Exception):
    """A mistake in what the user gave: a name, a value, a file or a folder. Printed without a traceback."""
