"""Korean twins of the messages of one topic: train."""

MESSAGES: dict[str, str] = {}
