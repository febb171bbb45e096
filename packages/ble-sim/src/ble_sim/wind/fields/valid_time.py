"""When the winds of a dataset blow: its valid times, found among reference times and lead times.

A forecast has a time at which it was made and, for each of its winds, a lead time (step). The winds are valid at their
sum. Files name these in many ways, and `time` may be either.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ble_sim.wind.fields.grid_axes import WindGridError

if TYPE_CHECKING:
    import xarray

VALID_NAMES = ("valid_time", "validtime", "validity_time", "verification_time", "time_valid")
REFERENCE_NAMES = [
    "forecast_reference_time",
    "reference_time",
    "reftime",
    "ref_time",
    "init_time",
    "inittime",
    "initial_time",
    "initialization_time",
    "initialisation_time",
    "analysis_time",
    "run_time",
    "base_time",
    "basetime",
    "forecast_base_time",
]
LEAD_NAMES = [
    "step",
    "forecast_period",
    "lead_time",
    "leadtime",
    "lead",
    "forecast_lead_time",
    "prediction_timedelta",
    "forecast_hour",
    "fhour",
    "forecast_time",
    "forecast_time0",
    "step_range",
    "timedelta",
]
EXACT_CALENDARS = ("standard", "gregorian", "proleptic_gregorian")
"""Those that give the dates of today."""
_SECONDS = {
    "s": "s sec secs second seconds",
    "m": "m min mins minute minutes",
    "h": "h hr hrs hour hours",
    "D": "d day days",
    "ms": "ms msec millisecond milliseconds",
    "us": "us microsecond microseconds",
    "ns": "ns nanosecond nanoseconds",
}
_DURATIONS = {word: code for code, words in _SECONDS.items() for word in words.split()}


@dataclass(frozen=True)
class ValidTimes:
    """When winds blow.

    Attributes:
        name: of the variable, or of the two that were added.
        values: datetime64[...], along `dims`.
        dims: the dimensions.
    """

    name: str
    values: np.ndarray
    dims: tuple[str, ...]


def find_valid_times(dataset: "xarray.Dataset", dims: Sequence[str]) -> ValidTimes:
    """The valid times of winds along `dims`.

    Args:
        dataset: with decoded or undecoded times.
        dims: the dimensions of the winds that have more than one point.

    Raises:
        WindGridError: there are none, or it is not clear which they are, or they are no dates.
    """
    times = [_Time(dataset[name].squeeze()) for name in dataset.variables]
    times = [time for time in times if time.is_date and set(time.array.dims) <= set(dims)]
    leads = [_Lead(dataset[name].squeeze()) for name in dataset.variables]
    leads = [lead for lead in leads if lead.is_duration and set(lead.array.dims) <= set(dims)]
    along = {dim for one in (*times, *leads) for dim in one.array.dims}  # the valid time changes along these

    def spanning(some: list["_Time"]) -> list["_Time"]:
        return [time for time in some if set(time.array.dims) == along]

    named = [time for time in times if time.name in VALID_NAMES]
    standard = [time for time in times if time.standard_name == "time" and time not in named]
    references = [time for time in times if time.is_reference and time not in named]
    neutral = [time for time in times if time not in [*named, *standard, *references]]
    neutral.sort(key=lambda time: (time.name != "time", time.array.dims != (time.array.name,)))
    leads.sort(key=lambda lead: not lead.has_own_axis)
    for time in spanning([*named, *standard]):
        found = time.valid()
        if references and leads:
            _check_sum(found, references[0], leads[0])
        return found
    if references or not leads:
        for time in spanning(neutral):
            return time.valid()
    if leads:
        lead = leads[0]
        for time in [*references, *neutral, *standard]:
            known = time.is_reference or lead.name.startswith("step") or lead.has_own_axis
            if {*time.array.dims, *lead.array.dims} == along and (known or not lead.durations().any()):
                return _added(time, lead)
    raise WindGridError(_unclear(times, leads, dataset, dims))


class _Time:
    """A variable that may hold dates."""

    def __init__(self, array: "xarray.DataArray") -> None:
        self.array = array
        self.name = str(array.name).lower()
        self.standard_name = str(array.attrs.get("standard_name", "")).lower()
        units = str(array.attrs.get("units", ""))
        self.is_date = array.dtype.kind == "M" or " since " in units or _is_cftime(array)
        long_name = str(array.attrs.get("long_name", "")).lower()
        self.is_reference = self.standard_name == "forecast_reference_time" or (
            self.standard_name != "time"
            and (
                self.name in REFERENCE_NAMES
                or self.name.startswith(("reftime", "initial_time"))
                or "initial time" in long_name
                or "reference time" in long_name
            )
        )

    def dates(self) -> np.ndarray:
        """datetime64 in UTC.

        Raises:
            WindGridError: the dates are of another calendar, or cannot be decoded.
        """
        array = self.array
        calendar = str(array.attrs.get("calendar", "standard")).lower()
        if _is_cftime(array) and array.size:
            calendar = array.values.ravel()[0].calendar
        if calendar not in EXACT_CALENDARS:
            raise WindGridError(
                f"{array.name!r} has the calendar {calendar!r}, whose dates are not those of the sun: convert it, for"
                f' instance by xarray\'s dataset.convert_calendar("standard"'
                + (', align_on="date")' if calendar == "360_day" else ")")
                + "."
            )
        if array.dtype.kind == "M":
            return array.values
        if not _is_cftime(array):
            array = _decoded(array)
        if array.dtype.kind == "M":
            return array.values
        moments = [np.datetime64(moment.isoformat(), "us") for moment in array.values.ravel()]
        return np.reshape(np.asarray(moments, "datetime64[us]"), array.shape)

    def valid(self) -> ValidTimes:
        return ValidTimes(str(self.array.name), self.dates(), tuple(map(str, self.array.dims)))


class _Lead:
    """A variable that may hold lead times."""

    def __init__(self, array: "xarray.DataArray") -> None:
        self.array = array
        self.name = str(array.name).lower()
        self.unit = str(array.attrs.get("units", "")).strip().lower()
        named = self.name in LEAD_NAMES or array.attrs.get("standard_name") == "forecast_period"
        numbers = array.dtype.kind in "iuf" and self.unit in _DURATIONS
        self.is_duration = array.dtype.kind == "m" or (named and numbers)

    @property
    def has_own_axis(self) -> bool:
        return self.array.dims == (self.array.name,)

    def durations(self) -> np.ndarray:
        """Lead times as timedelta64[ms]."""
        if self.array.dtype.kind == "m":
            return self.array.values.astype("timedelta64[ms]")
        one = np.timedelta64(1, _DURATIONS[self.unit]) / np.timedelta64(1, "ms")
        return np.round(self.array.values.astype(np.float64) * one).astype("timedelta64[ms]")


def _check_sum(valid: ValidTimes, reference: _Time, lead: _Lead) -> None:
    total = _added(reference, lead)
    if set(total.dims) != set(valid.dims):
        return
    values = np.transpose(total.values, [total.dims.index(dim) for dim in valid.dims])
    difference = np.max(np.abs(values - valid.values) / np.timedelta64(1, "h"))
    if difference > 0.001:
        raise WindGridError(
            f"time: {valid.name!r} is not {total.name}, they differ by up to"
            f" {difference:g} hours: drop what is wrong (with xarray: dataset.drop_vars)."
        )


def _added(time: _Time, lead: _Lead) -> ValidTimes:
    dims = tuple(map(str, dict.fromkeys([*time.array.dims, *lead.array.dims])))
    import xarray

    dates = xarray.DataArray(time.dates(), dims=time.array.dims)
    total = (dates + xarray.DataArray(lead.durations(), dims=lead.array.dims)).transpose(*dims)
    return ValidTimes(f"{time.array.name} + {lead.array.name}", total.values, dims)


def _is_cftime(array: "xarray.DataArray") -> bool:
    return array.dtype == object and array.size > 0 and hasattr(array.values.ravel()[0], "calendar")


def _decoded(array: "xarray.DataArray") -> "xarray.DataArray":
    import xarray

    units = array.attrs.get("units")
    try:
        return xarray.decode_cf(array.to_dataset(name="dates"))["dates"]
    except Exception as error:  # xarray, pandas and cftime have errors of their own
        raise WindGridError(
            f"{array.name!r} has the units {units!r}, which do not decode to dates: give it units such as"
            ' "hours since 1900-01-01". Old reference dates and some calendars also need: pip install cftime.'
        ) from error


def _unclear(times: list[_Time], leads: list[_Lead], dataset: "xarray.Dataset", dims: Sequence[str]) -> str:
    if times:
        named = [*(time.array.name for time in times), *(lead.array.name for lead in leads)]
        found = ", ".join(f"{time.array.name!r} along ({', '.join(map(str, time.array.dims))})" for time in times)
        steps = f" and the lead times {', '.join(repr(lead.array.name) for lead in leads)}" if leads else ""
        kind = "reference times, at which a forecast was made" if all(t.is_reference for t in times) else "dates"
        total = " + ".join(f"dataset[{name!r}]" for name in (named[0], named[-1] if leads else "step"))
        alone = f", or =dataset[{named[0]!r}] if the winds blow at that" if leads else ""
        return (
            f"time: there are the {kind}, {found}{steps}, but no valid times of the winds: give them a coordinate"
            f" 'valid_time' (with xarray: dataset.assign_coords(valid_time={total}){alone}; lead times are decoded by"
            " open_dataset(FILE, decode_timedelta=True))."
        )
    for name in ("time", *VALID_NAMES):
        if name in dataset.variables:
            unit = dataset[name].attrs.get("units")
            has = f"the units {unit!r}" if unit else f"no units, but values such as {_example(dataset[name])}"
            return (
                f"{name!r} does not decode to dates, it has {has}: give it units such as"
                ' "hours since 1900-01-01" and the calendar "standard".'
            )
    return (
        f"There is no time: the winds have the dimensions {', '.join(dims)}, and none has dates. Give the winds a"
        " coordinate 'time' of dates."
    )


def _example(array: "xarray.DataArray") -> str:
    return repr(array.values.ravel()[0].item()) if array.size else "none"
