"""Korean twins of the messages of one topic: optim."""

MESSAGES: dict[str, str] = {}
