"""Korean twins of the messages of one topic: optim."""

MESSAGES: dict[str, str] = {
    # --- words that `unknown_option` names ---
    "optimizer": "최적화 기법",
    "schedule": "학습률 스케줄",
    # --- numbers ---
    "{name} is {value!r}, not an integer": "{name:이/가} 정수가 아니라 {value!r}입니다",
    "{name} is {value!r}, not a number": "{name:이/가} 수가 아니라 {value!r}입니다",
    "{name} is {value!r}, not a finite number": "{name:이/가} 유한한 수가 아니라 {value!r}입니다",
    "a learning rate of 0 changes nothing; below 0 it climbs": (
        "학습률이 0이면 아무것도 바뀌지 않고, 0보다 작으면 손실을 키우는 쪽으로 갑니다"
    ),
    "a chain of schedules is empty": "이어 붙일 학습률 스케줄이 없습니다",
    # --- what is trained ---
    "there is no parameter to train": "학습할 매개변수가 없습니다",
    "give a Module with parameters, or a list of gg.parameter(...)": (
        "매개변수가 있는 Module이나 gg.parameter(...)의 목록을 주십시오"
    ),
    "{kind} cannot be trained": "{kind:은/는} 학습할 수 있는 것이 아닙니다",
    # --- updates ---
    "no gradient reaches {names}: left unchanged": (
        "{names}에 닿는 기울기가 없어 값을 그대로 둡니다"
    ),
    "update {number} is skipped: the length of its gradients is {norm}": (
        "{number}번째 갱신을 건너뜁니다. 기울기의 길이가 {norm}입니다"
    ),
    "{name} has shape {a}, the optimizer {b}": (
        "{name}의 형상이 {a}인데 최적화 기법의 것은 {b}입니다"
    ),
}
