"""Graph -> Graph: small named rewrites, in an ordered list. Layer L5."""
