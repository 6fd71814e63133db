"""Run the notebooks of a study: what changed, in order, one run at a time."""
