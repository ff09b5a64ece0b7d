"""Korean twins of the messages of one topic: cli."""

MESSAGES: dict[str, str] = {}
