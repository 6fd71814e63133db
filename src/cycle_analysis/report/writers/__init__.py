"""Write a document in a format: one file for each."""
