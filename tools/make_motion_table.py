"""Write the table of a typical balloon's vertical motion, which is data of ble-agents.

uv run tools/make_motion_table.py
"""

import json
from pathlib import Path

from ble_agents.planner.typical_motion import TABLE, measure_typical_motion
from ble_sim.files.atomic import write_text


def main() -> None:
    """Measure the motion and write the table, a line for each action."""
    lines = [
        f'  "{when}": [\n    ' + ",\n    ".join(map(json.dumps, rows)) + "\n  ]"
        for when, rows in measure_typical_motion().items()
    ]
    write_text(Path(str(TABLE)), "{\n" + ",\n".join(lines) + "\n}\n")
    print(f"written: {TABLE}")


if __name__ == "__main__":
    main()
