"""Korean twins of the messages of one topic: io."""

MESSAGES: dict[str, str] = {}
