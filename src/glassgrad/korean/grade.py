"""Korean twins of the messages of one topic: backward passes written by hand, graded."""

MESSAGES: dict[str, str] = {
    # the command
    "Grade a backward pass that was written by hand: value by value next to the derived one, "
    "with the first wrong line and what is wrong with it. The first file holds the function, in "
    "plain NumPy; the second the backward pass: a function of the same arguments, forward and "
    "backward with a cache, a class with both, or a training step. The exit code is 1 if a "
    "gradient is wrong.": (
        "손으로 쓴 역전파를 채점합니다. 유도한 역전파와 값을 하나씩 견주어, 처음으로 틀린 줄과 그 "
        "까닭을 알려 줍니다. 첫째 파일에는 NumPy로 쓴 함수가, 둘째 파일에는 역전파가 있습니다. "
        "역전파는 같은 인수를 받는 함수, 캐시를 주고받는 forward와 backward, 두 메서드를 갖춘 "
        "클래스, 학습 한 단계 가운데 어느 것이든 됩니다. 기울기가 하나라도 틀리면 종료 코드는 "
        "1입니다."
    ),
    "at what example_inputs() returns": "example_inputs()가 돌려주는 입력에서",
    "at random arrays; affine_forward is found beside it": (
        "무작위 배열에서; 짝이 되는 affine_forward는 같은 파일에서 찾습니다"
    ),
    "a method of an object": "객체의 메서드",
    "a training step: gradients are read off the updated weights": (
        "학습 한 단계: 갱신된 가중치에서 기울기를 읽어 냅니다"
    ),
    # the table
    "{name} against the derivative of {f}": "{name}: {f}의 미분과 견준 결과",
    "line": "줄",
    "verdict": "판정",
    "rel. error": "상대 오차",
    "right": "맞음",
    "right line": "맞는 줄",
    "WRONG": "틀림",
    "follows from it": "앞의 잘못 때문",
    "another meaning": "다른 뜻으로 씀",
    "First wrong:": "처음으로 틀린 곳:",
    "Then:": "그다음:",
    "All gradients are right.": "기울기가 모두 맞습니다.",
    "note": "참고",
    "your line": "쓴 줄",
    "forward line": "순전파의 줄",
    "gradients are read off the updates: step / {rate:.6g}": (
        "기울기는 갱신량에서 읽었습니다: 갱신량 / {rate:.6g}"
    ),
    "the step is {k:.6g} × learning rate × gradient: the same direction": (
        "갱신량이 {k:.6g} × 학습률 × 기울기입니다. 방향은 같습니다"
    ),
    "the loss is {own:.9g}, the reference gives {wanted:.9g}": (
        "손실이 {own:.9g}인데 기준 함수는 {wanted:.9g}입니다"
    ),
    "not given: {names}": "내지 않은 기울기: {names}",
    # how much
    "{k} times what it should be": "맞는 값의 {k}배",
    "{k} times too large": "{k}배 큼",
    "{k} times too small": "{k}배 작음",
    "the sign is wrong": "부호가 반대",
    "{name} is {k} times what it should be": "{name:이/가} 맞는 값의 {k}배입니다",
    "the sign is wrong: minus is missing, or there is one too many": (
        "부호가 반대입니다. 빼기가 빠졌거나 하나 더 있습니다"
    ),
    "the step goes uphill: subtract the gradient, or add it and start from target − output": (
        "손실이 커지는 쪽으로 갱신합니다. 기울기를 빼거나, 목표 − 출력에서 시작해 더하십시오"
    ),
    "the division by the batch size {n} is missing": "배치 크기 {n:으로/로} 나누지 않았습니다",
    "the division by {number} is missing": "{number:으로/로} 나누지 않았습니다",
    "the factor {number} is missing": "{number:을/를} 곱하지 않았습니다",
    "cut to whole numbers: the array has an integer dtype": (
        "정수로 잘렸습니다. 배열의 dtype이 정수형입니다"
    ),
    "0 everywhere: nothing was put in": "모두 0입니다. 아무 값도 넣지 않았습니다",
    "holds NaN or infinity": "NaN이나 무한대가 들어 있습니다",
    # shapes and sums
    "transposed": "전치되어 있습니다",
    "{name} is not transposed": "{name:을/를} 전치하지 않았습니다",
    "the sum over axis {axis} is missing": "축 {axis:을/를} 따라 더하지 않았습니다",
    ": shape {found} instead of {wanted}": " (맞는 형상은 {wanted}인데 {found}입니다)",
    "mean over axis {axis} instead of the sum": (
        "축 {axis:을/를} 따라 더해야 하는데 평균을 냈습니다"
    ),
    "summed over axis {instead} instead of axis {axis}": (
        "축 {axis:이/가} 아니라 축 {instead:을/를} 따라 더했습니다"
    ),
    "only the diagonal p(1 − p) of softmax's Jacobian: each output depends on all inputs": (
        "softmax 야코비 행렬의 대각 성분 p(1 − p)만 있습니다. 출력 하나하나가 모든 입력에 "
        "달려 있습니다"
    ),
    "only the last sample of the batch counts: the others were overwritten": (
        "배치의 마지막 표본만 반영되었습니다. 나머지는 덮어써졌습니다"
    ),
    "only the first sample of the batch counts": "배치의 첫 표본만 반영되었습니다",
    # the chain rule
    "the part of the penalty on {weight} is missing: regularisation has a gradient too": (
        "{weight}에 매긴 벌점의 몫이 빠졌습니다. 가중치 감소 항에서도 기울기가 나옵니다"
    ),
    "a value used twice gets the sum of both gradients; one of them is missing": (
        "두 군데에 쓰인 값은 두 기울기의 합을 받는데, 그 하나가 빠졌습니다"
    ),
    "the penalty on {weight} counts {k} times (the derivative of ½ reg W² is reg W)": (
        "{weight}에 매긴 벌점이 {k}배로 들어갔습니다 (½ reg W²의 미분은 reg W입니다)"
    ),
    "one of the gradients that meet here counts {k} times": (
        "여기서 만나는 기울기 가운데 하나가 {k}배로 들어갔습니다"
    ),
    "shape {found}, but the gradient has {wanted}": (
        "형상이 {found}인데, 기울기의 형상은 {wanted}입니다"
    ),
    "{found} instead of {wanted}": "맞는 값은 {wanted}인데 {found}입니다",
    "no known mistake gives these numbers; worst at {element}: {found} instead of {wanted}": (
        "이 수가 나오는 잘못을 찾지 못했습니다. 가장 다른 곳은 {element}: 맞는 값은 {wanted}인데 "
        "{found}입니다"
    ),
    "uses the updated {name}: gradients belong to the weights of the forward pass "
    "(the step was {k} times the gradient)": (
        "이미 갱신한 {name:을/를} 썼습니다. 기울기는 순전파 때의 가중치로 구합니다 (갱신량은 "
        "기울기의 {k}배)"
    ),
    "the upstream gradient is not multiplied in: only the local derivative is left": (
        "상류에서 온 기울기를 곱하지 않아 국소적 미분만 남았습니다"
    ),
    "the input": "입력",
    "the output": "출력",
    "a factor of the local derivative is missing": "국소적 미분의 일부를 곱하지 않았습니다",
    "the derivative of {name}·{name} is 2 {name}: the 2 is missing": (
        "{name}·{name}의 미분은 2 {name:이지만/지만}, 2를 곱하지 않았습니다"
    ),
    "the factor {name} of the local derivative is missing": (
        "국소적 미분에 들어갈 {name:을/를} 곱하지 않았습니다"
    ),
    "the gradient that came first was overwritten: where a value is used twice, write += "
    "instead of =": ("먼저 온 기울기를 덮어썼습니다. 두 군데에 쓰인 값에는 = 대신 +=를 씁니다"),
    "the operands are swapped": "피연산자가 바뀌었습니다",
    "{instead} stands where another value belongs": "다른 값이 올 자리에 {instead:이/가} 있습니다",
    "computed from {instead}, which is not the upstream gradient here": (
        "상류에서 온 기울기가 아닌 {instead:으로/로} 계산했습니다"
    ),
    "{instead} stands where {name} belongs": "{name:이/가} 올 자리에 {instead:이/가} 있습니다",
    "computed from {instead} instead of {name}": (
        "{name:이/가} 아니라 {instead:으로/로} 계산했습니다"
    ),
    "a gradient was overwritten in place before it was used a second time: write into a copy": (
        "두 번 쓸 기울기를 두 번째로 쓰기 전에 그 자리에서 덮어썼습니다. 사본에 쓰십시오"
    ),
    # activation functions and losses
    "the derivative of {out} by {inner} is missing: the gradient went through unchanged": (
        "{out:을/를} {inner:으로/로} 미분한 값을 곱하지 않고 기울기를 그대로 흘려보냈습니다"
    ),
    "the derivative is written for the output {out}, but {inner} was put in: it is {out} that "
    "belongs there": (
        "출력 {out:으로/로} 적은 미분에 {inner:을/를} 넣었습니다. 거기에는 {out:이/가} 와야 합니다"
    ),
    "the derivative is taken at {out} instead of at {inner}: the function was applied twice": (
        "미분을 {inner:이/가} 아니라 {out}에서 구했습니다. 함수가 두 번 적용되었습니다"
    ),
    "the derivative of {out} by {inner} is multiplied in twice": (
        "{out:을/를} {inner:으로/로} 미분한 값을 두 번 곱했습니다"
    ),
    "multiplied by {out} itself instead of by its derivative": (
        "미분이 아니라 {out} 자체를 곱했습니다"
    ),
    "the factor {out} of the derivative is missing": "미분에 들어갈 {out:을/를} 곱하지 않았습니다",
    "the mask is missing: where the input is not positive, the gradient is 0": (
        "마스크가 빠졌습니다. 입력이 양수가 아닌 곳의 기울기는 0입니다"
    ),
    "the mask is the wrong way round": "마스크가 거꾸로입니다",
    "the mask was taken of {instead}": "마스크를 {instead:으로/로} 만들었습니다",
    "the mask was taken of the sign of the gradient instead of the forward value": (
        "마스크를 순전파의 값이 아니라 기울기의 부호로 만들었습니다"
    ),
    "the mask of the forward pass is not applied": "순전파의 마스크를 적용하지 않았습니다",
    "another mask than in the forward pass: it must be reused": (
        "순전파와 다른 마스크입니다. 같은 마스크를 다시 써야 합니다"
    ),
    "the one-hot labels are not subtracted: softmax with cross-entropy gives p − t": (
        "원-핫 레이블을 빼지 않았습니다. softmax와 교차 엔트로피를 합친 미분은 p − t입니다"
    ),
    # conventions and state
    "explained by the {number} inside {function}, which the gradient leaves out": (
        "{function} 안에 더한 {number} 때문입니다. 쓴 기울기에는 그 상수가 없습니다"
    ),
    "tiny mismatch {error} explained by the {number} inside {function}, which the gradient "
    "leaves out": (
        "{error}의 아주 작은 차이는 {function} 안에 더한 {number} 때문입니다. 쓴 기울기에는 그 "
        "상수가 없습니다"
    ),
    "another convention exactly at a kink, such as relu at 0": (
        "꺾인 점(0에서의 relu 따위)에서 다른 약속을 따랐습니다"
    ),
    "a second call adds to the gradient of the first: set it to zero, or write =": (
        "두 번째로 호출하면 첫 번째 기울기에 더해집니다. 먼저 0으로 되돌리거나, += 대신 =를 "
        "쓰십시오"
    ),
    "a second call with other numbers returns the gradient of the first": (
        "다른 수로 다시 호출해도 첫 번째 기울기를 그대로 돌려줍니다"
    ),
    "{name} was changed in place by the backward pass": (
        "역전파가 {name:을/를} 그 자리에서 바꾸었습니다"
    ),
    "the forward pass differs here already": "순전파가 여기서 이미 다릅니다",
    # refused
    "the result does not depend on the arguments": "결과가 인수에 달려 있지 않습니다",
    "{found} cannot be called": "{found:은/는} 호출할 수 없습니다",
    "takes ({own}), the reference takes ({wanted})": (
        "({own})을 받는데, 기준 함수는 ({wanted})을 받습니다"
    ),
    "give the parameters the names of the reference's, or their number and order": (
        "매개변수의 이름을, 아니면 개수와 순서를 기준 함수와 같게 하십시오"
    ),
    "a pair is (forward, backward), two functions": "짝은 (forward, backward), 두 함수입니다",
    "{name} takes a cache, but there is no {wanted}": (
        "{name:은/는} 캐시를 받는데 {wanted:이/가} 없습니다"
    ),
    "hand over both: compare_backward(f, (forward, backward), *args)": (
        "둘 다 주십시오: compare_backward(f, (forward, backward), *args)"
    ),
    "the constructor's {name} is not known": "생성자의 {name:이/가} 무엇인지 알 수 없습니다",
    "hand over an object instead of the class": "클래스 대신 객체를 주십시오",
    "returned no gradient of {names}": "{names}의 기울기를 돌려주지 않았습니다",
    "return variables that are named so, `return dW, db`, or a dict of them": (
        "그 이름의 변수로 돌려주거나(`return dW, db`) 사전에 담아 돌려주십시오"
    ),
    "the updated {name} is {got}, it was {wanted}": (
        "갱신된 {name}의 형상이 {got}인데, 원래는 {wanted}입니다"
    ),
    "{word!r} is the gradient of no argument": (
        "{word!r}에 해당하는 인수가 없어 어느 기울기인지 알 수 없습니다"
    ),
    "returned {got} gradients for {wanted} arguments": (
        "인수는 {wanted}개인데 기울기 {got}개를 돌려주었습니다"
    ),
    "the gradient of {name} is None": "{name}의 기울기가 None입니다",
    "the gradient of {name} is no array but {kind}": (
        "{name}의 기울기가 배열이 아니라 {kind}입니다"
    ),
}
