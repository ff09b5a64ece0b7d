"""The tables of primitives: one record an operation. Layer L2."""
