"""Ask whether other defensible choices would say the same: a handful of them, or all."""
