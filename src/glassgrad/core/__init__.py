"""What a primitive is, what a value is, and how the two meet in `bind`. Layer L1."""
