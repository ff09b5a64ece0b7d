"""Korean twins of the messages of one topic: costs, reports, the time machine."""

MESSAGES: dict[str, str] = {
    # cost
    "equation": "식",
    "operations": "연산",
    "result": "결과",
    "kept": "보관",
    "because of": "보관하는 까닭",
    "time": "시간",
    "forward": "순전파",
    "backward": "역전파",
    "update": "갱신",
    "results": "결과",
    "outside of layers": "계층 밖",
    "and {count} equations that cost less": "그 밖에 비용이 더 적은 식 {count}개",
    "read by the backward pass too, and there anyway:": (
        "역전파에서 함께 읽지만 따로 보관하지 않아도 되는 값:"
    ),
}
