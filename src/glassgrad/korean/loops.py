"""Korean twins of the messages of one topic: loops in native code."""

MESSAGES: dict[str, str] = {
    "a step of {count}:": "{count}단계 가운데 한 단계:",
    "if it holds:": "참이면:",
    "if not:": "거짓이면:",
}
