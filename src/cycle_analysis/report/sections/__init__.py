"""The sections of the report, each a module that selects, rounds, suppresses and words."""
