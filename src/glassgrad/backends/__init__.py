"""What a graph becomes: text and callables. Layer L6."""
