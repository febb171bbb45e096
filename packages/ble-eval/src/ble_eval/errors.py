"""What the command line tells its user in one line."""

from collections.abc import Iterator
from contextlib import contextmanager

from ble_sim.plugins import DuplicateNameError, UnknownNameError


class UserError(Exception):
    """Something the user can put right: a name, a value, a file or a folder; printed without a traceback."""


@contextmanager
def user_errors() -> Iterator[None]:
    """Raises as `UserError` what the packages below say about names, files and folders."""
    try:
        yield
    except (ValueError, OSError) as error:
        from ble_sim.model_files import ModelFileError  # only now: it brings numpy

        if isinstance(error, OSError | UnknownNameError | DuplicateNameError | ModelFileError):
            raise UserError(str(error)) from error
        raise
