"""Wind: the interface of wind fields, the error of their forecasts, and the balloon's model of that error."""
