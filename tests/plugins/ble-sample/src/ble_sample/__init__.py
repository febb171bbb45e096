"""A sample of everything that a package can add to the Balloon Learning Environment."""
