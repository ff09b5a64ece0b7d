"""Korean twins of the messages of one topic: pictures of graphs."""

MESSAGES: dict[str, str] = {
    # refused
    "{precision!r} is no number of decimals": "{precision!r:은/는} 소수점 아래 자릿수가 아닙니다",
    "reduce the result with .sum() or .mean(), or draw it with backward=None": (
        ".sum()이나 .mean()으로 줄이거나, backward=None으로 그리십시오"
    ),
    "a backward pass of {count} equations is asked for": (
        "식 {count}개만큼의 역전파를 요청했습니다"
    ),
    "the level {level} needs numbers to show": "{level} 수준에는 보일 수가 필요합니다",
    "pass the inputs: graph.svg(*inputs, level='numbers')": (
        "입력을 함께 주십시오: graph.svg(*inputs, level='numbers')"
    ),
    "the picture does not agree with the graph at {name}": (
        "그림이 그래프와 {name}에서 서로 다릅니다"
    ),
    # nodes
    "level": "수준",
    "{count} operations": "연산 {count}개",
    "{count} inputs": "입력 {count}개",
    "{count} outputs": "출력 {count}개",
    "{count} parameters": "매개변수 {count}개",
    "backward pass": "역전파",
    "{count} nodes": "노드 {count}개",
    "{count} nodes, with values": "노드 {count}개와 그 값",
    "{count} nodes, with values and gradients": "노드 {count}개와 그 값, 기울기",
    # legend
    "value (forward)": "값 (순전파)",
    "gradient (backward)": "기울기 (역전파)",
    "local derivative (1 is not drawn)": "국소적 미분 (1은 그리지 않음)",
    "local derivatives": "국소적 미분",
    "gradient not computed yet": "기울기를 아직 계산하지 않음",
    "positive, negative, by area; minimum, mean, maximum": (
        "양수, 음수를 넓이로; 최솟값, 평균, 최댓값"
    ),
    "constant": "상수",
    "region": "영역",
    "the gradient of {aval} is asked for": "{aval}의 기울기를 구하려고 했습니다",
}
