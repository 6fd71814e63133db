"""Where units lie: one tile each, or the areas of a map that the user has."""
