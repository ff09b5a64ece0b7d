"""Graph → loop IR. Layer L6."""
