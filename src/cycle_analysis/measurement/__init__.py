"""From answers to scores of units, and how far the scores can be trusted."""
