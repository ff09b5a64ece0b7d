"""Korean twins of the messages of one topic: arrays."""

MESSAGES: dict[str, str] = {}
