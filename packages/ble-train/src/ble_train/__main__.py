"""`python -m ble_train` is `ble-train`."""

import sys

from ble_train.cli import main

if __name__ == "__main__":
    sys.exit(main())
