"""Results of an evaluation: the record of an episode, files of records, stopped runs, shards."""

from ble_eval.results.files import read_results, write_results
from ble_eval.results.records import EvaluationResult, FlightPathPoint, ResultFormatError

__all__ = ["EvaluationResult", "FlightPathPoint", "ResultFormatError", "read_results", "write_results"]
