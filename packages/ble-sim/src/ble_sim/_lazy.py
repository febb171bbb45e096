"""Public names of a package that are imported when they are first used, so that importing the package costs nothing."""

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def lazy_names(
    package: str, modules: Mapping[str, str], *, eager: str = ""
) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """The `__getattr__`, `__dir__` and `__all__` of a package that exports names of its modules.

    The call belongs into the `else` of `if TYPE_CHECKING`, whose imports `from module import Name as Name` say the same
    to type checkers.

    Args:
        package: `__name__` of the package.
        modules: the names that each module defines, separated by spaces; modules are relative to the package.
        eager: public names that the package defines itself.
    """
    module_of = {name: module for module, names in modules.items() for name in names.split()}
    public = sorted([*module_of, *eager.split()])
    namespace = vars(sys.modules[package])

    def get(name: str) -> Any:
        if name not in module_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        namespace[name] = value = getattr(import_module(f"{package}.{module_of[name]}"), name)
        return value

    return get, lambda: public, public
