"""Files that several packages read and write: whole files, JSON lines, model weights, and the compilation cache."""
