"""The chain rule, once: reverse, forward and batched evaluation of the primitives. Layer L4."""
