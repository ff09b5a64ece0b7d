"""Korean twins of the messages of one topic: nn."""

MESSAGES: dict[str, str] = {}
