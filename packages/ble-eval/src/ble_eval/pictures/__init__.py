"""Files of pictures and films, for the commands that draw."""
