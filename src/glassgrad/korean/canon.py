"""Korean twins of the messages of one topic: canon."""

MESSAGES: dict[str, str] = {}
