"""What an evaluation shows: its progress, and a table of its results at the end."""
