"""What the profiles are, who belongs to them how surely, and whether they hold."""
