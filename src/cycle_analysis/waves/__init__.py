"""Compare waves: what can be compared, how means changed, who moved between profiles."""
