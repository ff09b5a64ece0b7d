"""Korean twins of the messages of one topic: gates."""

MESSAGES: dict[str, str] = {
    "use .astype(int)": ".astype(int)를 쓰십시오",
    "a gradient of shape {a} for a result of shape {b}": (
        "기울기의 형상은 {a}인데 결과의 형상은 {b}입니다"
    ),
    "backward was called before forward": "forward보다 backward가 먼저 호출되었습니다",
    "derivatives are taken at the values of the forward pass": (
        "미분은 순전파에서 계산한 값에서 구합니다"
    ),
    "call forward(...) first": "먼저 forward(...)를 호출하십시오",
}
