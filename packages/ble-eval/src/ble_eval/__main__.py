"""`python -m ble_eval`, the same as `ble-eval`."""

import sys

from ble_eval.cli import main

if __name__ == "__main__":
    sys.exit(main())
