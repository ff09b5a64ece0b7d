"""Korean twins of the messages of one topic: gates."""

MESSAGES: dict[str, str] = {}
