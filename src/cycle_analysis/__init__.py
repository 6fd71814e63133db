"""Cluster municipalities into innovation-cycle profiles from survey data."""

__version__ = "0.1.0"
