"""Whether other samples, methods and choices give the same profiles, and what a reviewer asks."""
