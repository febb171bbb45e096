"""The collectors of the benchmark and one more, registered through the same hook as anyone's."""

from ble_sim.plugins.registry import hookimpl
from ble_train.collectors.options import ConsoleOptions, TensorboardOptions
from ble_train.registration import CollectorRegistration


@hookimpl
def ble_register_collectors() -> list[CollectorRegistration]:
    """One to read along, one to plot, and two to keep."""
    return [
        CollectorRegistration(
            name="console",
            constructor="ble_train.collectors.console:ConsoleCollector",
            options_type=ConsoleOptions,
            summary="Prints a line for each episode and keeps it in a log.",
        ),
        CollectorRegistration(
            name="tensorboard",
            constructor="ble_train.collectors.tensorboard:TensorboardCollector",
            options_type=TensorboardOptions,
            summary="Writes rewards and lengths of episodes, and the agent's losses, for TensorBoard.",
        ),
        CollectorRegistration(
            name="json_lines",
            constructor="ble_train.collectors.json_lines:JsonLinesCollector",
            summary="Writes one JSON object for each episode.",
        ),
        CollectorRegistration(
            name="pickle",
            constructor="ble_train.collectors.pickle_collector:PickleCollector",
            summary="Writes all transitions of each episode to a pickle file of its own.",
        ),
    ]
