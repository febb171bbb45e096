"""Results of an evaluation: the record of an episode, files of records, stopped runs, shards."""

from ble_eval.results.files import read_results, write_results
from ble_eval.results.flight_path import FlightPath, ResultFormatError
from ble_eval.results.records import EvaluationResult

__all__ = ["EvaluationResult", "FlightPath", "ResultFormatError", "read_results", "write_results"]
