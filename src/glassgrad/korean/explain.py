"""Korean twins of the messages of one topic: explanations of gradients."""

MESSAGES: dict[str, str] = {
    # --- what a gradient means ---
    "If {target} grows by {step}, {of} rises by about {amount}.": (
        "{target:이/가} {step}만큼 커지면 {of:은/는} 약 {amount}만큼 커집니다."
    ),
    "If {target} grows by {step}, {of} falls by about {amount}.": (
        "{target:이/가} {step}만큼 커지면 {of:은/는} 약 {amount}만큼 작아집니다."
    ),
    "Tried: it moves by {moved}; the gradient holds for smaller steps.": (
        "실제로 해 보면 {moved}만큼 움직입니다. 기울기는 더 작은 변화에서 맞습니다."
    ),
    "{of} does not depend on {target}: no path leads there.": (
        "{of:은/는} {target}에 따라 달라지지 않습니다. 이어지는 경로가 없습니다."
    ),
    "{of} does not move with {target}: no operation on the way hands a derivative on.": (
        "{target:이/가} 변해도 {of:은/는} 움직이지 않습니다. "
        "그 사이의 연산이 미분을 전달하지 않습니다."
    ),
    "{of} does not move with {target}: what the paths carry cancels.": (
        "{target:이/가} 변해도 {of:은/는} 움직이지 않습니다. 경로들이 나르는 값이 서로 상쇄됩니다."
    ),
    "{of} does not move with {target}: every path has a local derivative of 0.": (
        "{target:이/가} 변해도 {of:은/는} 움직이지 않습니다. "
        "모든 경로에 값이 0인 국소적 미분이 있습니다."
    ),
    "closed at {label}, where {operand} = {value}: the local derivative {formula} is 0": (
        "막힌 곳: {label} ({operand} = {value}). 국소적 미분 {formula:이/가} 0입니다"
    ),
    "size of the gradient": "기울기의 크기",
    # --- paths ---
    "1 path": "경로 1개",
    "{count} paths": "경로 {count}개",
    "{count} paths, the {shown} strongest listed": (
        "경로 {count}개 가운데 기여가 큰 순서로 {shown}개"
    ),
    "they carry {share} % of what all paths carry": "이들이 나르는 양은 모든 경로의 {share} %",
    "1 more path is closed by a local derivative of 0": (
        "그 밖에 국소적 미분이 0이어서 막힌 경로 1개"
    ),
    "{count} more are closed by a local derivative of 0": (
        "그 밖에 국소적 미분이 0이어서 막힌 경로 {count}개"
    ),
    "local derivative": "국소적 미분",
    "product": "곱",
    "path {number}": "경로 {number}",
    "sum of all paths": "모든 경로의 합",
    "sum": "합",
    "{count} steps": "{count}단계",
    "{count} factors": "인수 {count}개",
    # --- refused ---
    "{k!r} paths cannot be listed": "경로를 {k!r}개 보일 수는 없습니다",
    "{kind} cannot be explained": "{kind:은/는} 설명할 수 있는 대상이 아닙니다",
    "a tensor that was computed, a graph with inputs, or a function with arguments": (
        "계산해서 얻은 텐서, 입력을 갖춘 그래프, 또는 인수를 갖춘 함수"
    ),
    "a tensor holds its inputs already": "텐서에는 입력이 이미 들어 있습니다",
    "this tensor is no input of what is explained": "이 텐서는 설명하려는 계산의 입력이 아닙니다",
    "name a value instead: gg.explain(y, 'w1')": (
        "텐서 대신 값의 이름을 주십시오: gg.explain(y, 'w1')"
    ),
    "{name} was overwritten after it was used": "{name:은/는} 계산에 쓰인 뒤에 값이 바뀌었습니다",
    "explain it before the parameters are updated, or compute it again": (
        "매개변수를 갱신하기 전에 설명하거나, 다시 계산하십시오"
    ),
    "{name} holds {kind}: nothing can grow by a little": (
        "{name}의 자료형은 {kind}: 조금만 커질 수 없습니다"
    ),
    "a derivative belongs to real numbers": "미분은 실수에 대해서만 정의됩니다",
    "{name} has {count} elements": "{name}에는 원소가 {count}개 있습니다",
    "one element is explained at a time": "한 번에 원소 하나를 설명합니다",
    "name one, such as {name}": "원소를 하나 고르십시오. 예: {name}",
    "name one, such as {name}, which has the largest gradient: {value}": (
        "원소를 하나 고르십시오. 예를 들어 기울기가 가장 큰 것은 {name}: {value}"
    ),
    "variable": "변수",
    "{word} names no element": "{word:은/는} 원소의 이름이 아닙니다",
    "there is no element {index}": "원소 {index:은/는} 없습니다",
    "the result {name} is {aval}, not one real number": (
        "결과 {name:은/는} {aval}이며, 실수 하나가 아닙니다"
    ),
    "one number is explained by another": "수 하나를 다른 수 하나로 설명합니다",
    "reduce it, or say which element: of={name!r}": (
        "하나의 수로 줄이거나, 어느 원소인지 밝히십시오: of={name!r}"
    ),
    "by which input?": "어느 입력에 대해 설명할지 정하지 않았습니다",
    "name one: {names}": "하나를 고르십시오: {names}",
    "the gradient of {of} by {target} is {value}": "{target}에 대한 {of}의 기울기가 {value}입니다",
    "gg.diagnose says where it first appears": (
        "어디에서 처음 나타나는지는 gg.diagnose가 알려 줍니다"
    ),
    "the paths sum to {total}, but the gradient is {gradient}": (
        "경로의 합은 {total}인데 기울기는 {gradient}입니다"
    ),
    "a gradient is the sum over all paths": "기울기는 모든 경로의 합입니다",
    # --- one step of training ---
    "{rule}, learning rate {rate}": "{rule}, 학습률 {rate}",
    "output layer": "출력층",
    "hidden layer": "은닉층",
    "hidden layer, {number} before the output": "은닉층, 출력층에서 {number}번째 앞",
    "weight": "가중치",
    "weights": "가중치",
    "mean size {mean}, largest {largest}": "크기의 평균 {mean}, 최댓값 {largest}",
    "{count} more": "그 밖에 {count}개",
    "|gradient|": "|기울기|",
    "mean sizes; name an element for its own line": (
        "크기의 평균입니다. 원소의 이름을 주면 그 원소를 따로 보여 줍니다"
    ),
    "{name} is no parameter, so nothing updates it": (
        "{name:은/는} 매개변수가 아니므로 갱신되지 않습니다"
    ),
    "state of the optimizer: after {count} updates": "최적화 기법의 상태: {count}번 갱신한 뒤",
    "state of the optimizer: before its first update": "최적화 기법의 상태: 첫 갱신을 하기 전",
    "no input is called like a weight": "이름으로 보아 가중치인 입력이 없습니다",
    "the error signals give {total}, but the gradient is {gradient}": (
        "오차로 구한 값은 {total}인데 기울기는 {gradient}입니다"
    ),
    # --- the command ---
    "Explain a gradient: the paths from the result to one input or parameter, as products of "
    "local derivatives with their numbers, the strongest first, and their sum. WHAT is a "
    "worked example (canon:NAME), a function in a Python file, a run, or a model that gg.save "
    "wrote. With --update: a weight, its error signal, its change and its new value, layer by "
    "layer, the output layer first.": (
        "기울기가 왜 그 값인지 설명합니다. 결과에서 입력이나 매개변수 하나에 이르는 경로를 국소적 "
        "미분의 곱으로 나타내어 수와 함께, 기여가 큰 것부터 그 합과 함께 보여 줍니다. WHAT은 "
        "예제(canon:NAME), Python 파일의 함수, 실행 결과 폴더, 또는 gg.save로 저장한 모델입니다. "
        "--update를 주면 가중치와 그 오차, 변화량, 새 값을 출력층부터 계층별로 보여 줍니다."
    ),
    "why the gradient of f by x1 is −0.5898": "x1에 대한 f의 기울기가 왜 −0.5898인지",
    "a weight of a trained network, on rows of its training data": (
        "학습한 신경망의 가중치 하나를 훈련 데이터의 몇 행에서"
    ),
    "each weight's error signal and update, output layer first": (
        "가중치마다 오차와 갱신을, 출력층부터"
    ),
    "the same for one weight of a run, by the run's own optimizer": (
        "학습한 신경망의 가중치 하나를, 학습에 쓴 최적화 기법 그대로"
    ),
    "what one step of training does to the weights": "학습 한 단계가 가중치에 하는 일",
    "what is explained, if not the result: E_o1, scores[0,3]": (
        "결과가 아닌 다른 값을 설명하려면: E_o1, scores[0,3]"
    ),
    "how many paths are listed; 10 by default": "보일 경로의 수. 기본값은 10",
    "decimals of the numbers shown": "수를 보일 소수점 아래 자릿수",
    "learning rate of --update; a run has its own, else 0.1": (
        "--update의 학습률. 실행 결과 폴더에는 제 것이 있고, 그 밖에는 0.1"
    ),
    "print LaTeX": "LaTeX로 출력합니다",
    "print a page": "웹 페이지로 출력합니다",
    "write to a file": "파일에 씁니다",
    "--latex, --html and --json exclude each other": (
        "--latex, --html, --json은 함께 쓸 수 없습니다"
    ),
    "--update goes with --lr, --precision and --json only": (
        "--update와 함께 쓸 수 있는 것은 --lr, --precision, --json뿐입니다"
    ),
    "--lr is for --update": "--lr은 --update와 함께 씁니다",
}
