"""Graph -> NumPy source: as the runner executes it, and as a book would print it. Layer L6."""
