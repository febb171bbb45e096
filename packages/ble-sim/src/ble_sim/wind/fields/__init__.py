"""The wind fields of this package."""
