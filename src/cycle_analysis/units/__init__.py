"""The units that are compared: who they are, and what becomes of them over time."""
