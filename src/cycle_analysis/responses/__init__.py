"""From an export to coded answers, every cell checked."""
