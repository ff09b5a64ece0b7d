"""The Korean twins of every message, one table a topic; read only when Korean is spoken."""

TOPICS = (
    "core",
    "elementwise",
    "arrays",
    "linalg",
    "data",
    "nn",
    "optim",
    "train",
    "io",
    "gates",
    "canon",
    "cli",
    "subject",
    "view",
    "source",
    "inspect",
    "diagnose",
    "verdicts",
)
