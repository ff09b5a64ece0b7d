"""Korean twins of the messages of one topic: the search for the first NaN."""

MESSAGES: dict[str, str] = {
    # --- the NaN detective ---
    "infinity": "무한대",
    "the derivative of {operation} is the first to give {number}": (
        "{operation}의 미분에서 처음으로 {number:이/가} 나왔습니다"
    ),
    "{operation} is the first to give {number}": (
        "{operation} 연산에서 처음으로 {number:이/가} 나왔습니다"
    ),
    "{names} was not finite to begin with": "{names:은/는} 처음부터 유한하지 않았습니다",
    "where": "위치",
    "element": "원소",
    "the only one": "하나뿐",
    "path": "경로",
    "reason": "까닭",
    "rewrite": "고쳐 쓰기",
    "{reason}: write {instead}": "{reason} {instead}처럼 쓰십시오",
    "{kind} is neither a function nor a graph": "{kind:은/는} 함수도 계산 그래프도 아닙니다",
    "give a function and its arguments, a graph, or an eager tensor": (
        "함수와 그 인수, 계산 그래프, 또는 계산된 텐서를 주십시오"
    ),
    # --- why it happened ---
    "`where` discards the value of the branch that is not chosen, but its infinite derivative is "
    "still multiplied by 0": (
        "`where`는 고르지 않은 쪽의 값을 버리지만, 역전파에서는 그쪽의 무한한 미분에 0을 곱하게 "
        "됩니다."
    ),
    "a small probability is rounded to 0 before its logarithm is taken": (
        "작은 확률이 로그를 취하기도 전에 0으로 반올림됩니다."
    ),
    "a probability near 1 is rounded to 1, and 1 less that is 0": (
        "1에 가까운 확률이 1로 반올림되어, 1에서 빼면 0이 됩니다."
    ),
    "0 · log 0 is 0 in the limit, but 0 · (-inf) is NaN": (
        "극한에서 0 · log 0은 0이지만, 0 · (-inf)는 NaN입니다."
    ),
    "a product of many factors under- or overflows; their logarithms do not": (
        "많은 수를 곱하면 언더플로나 오버플로가 나지만, 로그를 더하면 그렇지 않습니다."
    ),
    "two large numbers that are nearly equal are subtracted: rounding leaves 0 or a negative "
    "number": "거의 같은 큰 두 수를 빼므로, 반올림 때문에 0이나 음수가 남습니다.",
    "the logarithm of 0 is -infinity, and its derivative there 1/0": (
        "0의 로그는 -무한대이고, 그곳에서의 미분은 1/0입니다."
    ),
    "a negative number has no real logarithm; how did it come to be negative?": (
        "음수에는 실수 로그가 없습니다. 어디에서 음수가 되었는지 살펴보십시오."
    ),
    "e^x overflows long before log(1 + e^x), which is nearly x": (
        "log(1 + e^x)는 거의 x와 같은데, 그보다 훨씬 먼저 e^x가 오버플로를 일으킵니다."
    ),
    "e^x overflows; less the maximum, the largest power is 1": (
        "e^x가 오버플로를 일으킵니다. 최댓값을 먼저 빼면 가장 큰 항이 1이 됩니다."
    ),
    "e^-x overflows where the sigmoid is merely close to 0": (
        "시그모이드는 0에 가까울 뿐인데, e^-x가 오버플로를 일으킵니다."
    ),
    "both powers overflow, and infinity / infinity is NaN": (
        "두 지수가 모두 오버플로를 일으키고, 무한대 / 무한대는 NaN입니다."
    ),
    "e^x is larger than any float32 beyond x = 88.7, any float64 beyond 709.8": (
        "e^x는 x가 88.7을 넘으면 float32의, 709.8을 넘으면 float64의 범위를 벗어납니다."
    ),
    "the length of a vector has a kink at 0: its derivative there is 0/0": (
        "벡터의 길이는 0에서 꺾이므로, 그곳에서의 미분은 0/0입니다."
    ),
    "a negative number has no real root; how did it come to be negative?": (
        "음수에는 실수 제곱근이 없습니다. 어디에서 음수가 되었는지 살펴보십시오."
    ),
    "the derivative of a root is infinite at 0": "제곱근의 미분은 0에서 무한합니다.",
    "a vector of zeros has length 0, and 0/0 is NaN": ("영벡터의 길이는 0이고, 0/0은 NaN입니다."),
    "0/0 is NaN": "0/0은 NaN입니다.",
    "a divisor is 0": "0으로 나눕니다.",
    "a negative number has no real power with a fractional exponent": (
        "음수를 정수가 아닌 수로 거듭제곱한 값은 실수가 아닙니다."
    ),
    "0 to a negative power is infinite; so is the derivative below power 1": (
        "0의 음수 거듭제곱은 무한하고, 지수가 1보다 작으면 미분도 무한합니다."
    ),
    "the derivative is infinite at the edge of the domain, and NaN beyond it": (
        "정의역의 끝에서 미분이 무한하고, 그 밖에서는 NaN입니다."
    ),
    "everything in this row is masked: -inf less -inf is NaN": (
        "이 행은 모두 가려져 있어서, -inf에서 -inf를 빼면 NaN이 됩니다."
    ),
    "the numbers have grown beyond their dtype": "수가 자료형의 범위를 넘어 커졌습니다.",
}
