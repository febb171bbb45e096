"""Planning in the whole wind field: the value of every place, pressure and time, computed backwards.

grid              the places, pressures and times of a plan, and interpolation between them
motion            how far each action moves the balloon from each pressure at each time of the flight
typical_motion    the same for a typical balloon, by night and by day
wind_belief       the forecast's error everywhere, as expected after the measurements so far
column_winds      the winds of the column with their sides, from observations
values            the values, from the end of the flight back to now
choice            the action whose result has the best value
beam              a whole flight in the true wind, the best of many side by side
views             views of flights in the precision of plans
"""
