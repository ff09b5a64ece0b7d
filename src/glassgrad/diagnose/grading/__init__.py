"""A backward pass written by hand, graded against the derived one. Layer L9."""
