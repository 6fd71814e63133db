"""How far the phases are, whether they run together, and in which order."""
