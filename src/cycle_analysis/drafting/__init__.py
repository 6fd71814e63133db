"""Begin a wave from its export."""
