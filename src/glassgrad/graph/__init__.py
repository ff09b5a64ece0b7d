"""The recorded program: one typed, single-assignment graph with many readers. Layer L3."""
