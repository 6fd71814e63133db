"""Whether there are profiles at all, and how many."""
