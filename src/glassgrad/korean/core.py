"""Korean for the words of `errors`, `core`, `graph`, `autodiff`, `backends` and `tensor`."""

MESSAGES = {
    "rule": "규칙",
    "there is none here to choose from": "여기에는 고를 것이 없습니다",
    "hint": "도움말",
    "offered: {names}": "가능한 값: {names}",
    "did you mean {names}?": "혹시 {names}입니까?",
    "unknown {what} {word!r}": "알 수 없는 {what} {word!r}",
    "{purpose} needs the package {package}, which is not installed": (
        "{purpose}에는 {package} 패키지가 필요하지만 설치되어 있지 않습니다"
    ),
    "the containers do not have the same structure": "두 컨테이너의 구조가 다릅니다",
    # --- tensors -------------------------------------------------------------------------
    "requires_grad of a computed tensor cannot be set": (
        "계산으로 얻은 텐서의 requires_grad는 바꿀 수 없습니다"
    ),
    "use .detach()": ".detach()를 쓰십시오",
    "a tensor outside the tape has no gradient": "기록되지 않은 텐서에는 기울기가 없습니다",
    "a gradient of shape {a} for a tensor of shape {b}": (
        "형상이 {b}인 텐서에 형상이 {a}인 기울기가 주어졌습니다"
    ),
    "no gradient path leads to this tensor": "이 텐서로 이어지는 기울기 경로가 없습니다",
    "gradients flow from gg.parameter and requires_grad=True": (
        "기울기는 gg.parameter와 requires_grad=True에서 시작됨"
    ),
    "was it made under no_grad() or by .detach()?": (
        "no_grad() 안에서 만들었거나 .detach()로 만든 것은 아닙니까?"
    ),
    "a tensor of shape {shape} is not a scalar": "형상이 {shape}인 텐서는 스칼라가 아닙니다",
    "a gradient belongs to one real number": "기울기는 실수 하나에 대한 것",
    "reduce it with .sum() or .mean(), or give backward(gradient=...)": (
        ".sum()이나 .mean()으로 줄이거나 backward(gradient=...)로 기울기를 주십시오"
    ),
    "an update of {a} for a tensor of {b}": "{b} 텐서를 {a:으로/로} 고칠 수 없습니다",
    "an in-place update keeps the shape": "제자리에서 고칠 때 형상은 그대로",
    "an in-place update keeps the kind of number": "제자리에서 고칠 때 수의 종류는 그대로",
    "write t = t + v for a new tensor, or make this one with floats": (
        "t = t + v로 새 텐서를 만들거나, 이 텐서를 처음부터 실수로 만드십시오"
    ),
    "a tensor that requires a gradient is turned into an array": (
        "기울기가 필요한 텐서를 배열로 바꾸려고 합니다"
    ),
    "an array cannot carry the gradient on": "배열은 기울기를 이어 줄 수 없음",
    "use .detach(), .data, or `with gg.no_grad():`": (
        ".detach()나 .data, 또는 `with gg.no_grad():`를 쓰십시오"
    ),
    "shape {a} is assigned to a parameter of shape {b}": (
        "형상이 {b}인 매개변수에 형상이 {a}인 값을 넣으려고 합니다"
    ),
    "{data} is not an array of numbers": "{data:은/는} 수의 배열이 아닙니다",
    "rows of one length, and numbers only": "행의 길이는 모두 같게, 원소는 모두 수로 쓰십시오",
    "an array of dtype {dtype} cannot require a gradient": (
        "dtype이 {dtype}인 배열에는 기울기가 있을 수 없습니다"
    ),
    "gradients belong to floating-point numbers": "기울기는 부동소수점 수에 대한 것",
    "the gradients of {old} are replaced by those of {new}; backward(accumulate=True) adds them": (
        "{old}의 기울기를 {new}의 기울기로 바꿉니다. 더하려면 backward(accumulate=True)를 쓰십시오"
    ),
    "the parameter {name}, used at {used}, was overwritten at {written}": (
        "{used}에서 쓰인 매개변수 {name:이/가} {written}에서 덮어쓰였습니다"
    ),
    "the backward pass needs the value of the forward pass": ("역전파에는 순전파 때의 값이 필요함"),
    "call backward() before the update, or run the forward pass again": (
        "고치기 전에 backward()를 부르거나 순전파를 다시 하십시오"
    ),
    "nothing was recorded for this tensor": "이 텐서에 대해 기록된 것이 없습니다",
    "start from gg.parameter, or from gg.tensor(..., requires_grad=True)": (
        "gg.parameter나 gg.tensor(..., requires_grad=True)에서 시작하십시오"
    ),
    # --- recording -----------------------------------------------------------------------
    "a traced value has no {wanted}": "추적 중인 값에는 {wanted:을/를} 쓸 수 없습니다",
    "a traced value has a shape and a dtype, but no number": (
        "추적 중인 값에는 형상과 dtype만 있고 수는 없음"
    ),
    "choose with np.where(condition, a, b), or call gg.grad, which runs on numbers": (
        "np.where(condition, a, b)로 고르거나, 실제 수로 계산하는 gg.grad를 쓰십시오"
    ),
    "returned {value!r}, which is not an array": "배열이 아닌 {value!r:을/를} 돌려주었습니다",
    "returned nothing": "아무것도 돌려주지 않았습니다",
    "end the function with `return value`": "함수를 `return value`로 끝내십시오",
    "the function uses a value of an outer trace, which cannot outlive it": (
        "바깥 추적의 값을 쓰는 함수인데, 그 값은 바깥 추적이 끝나면 사라집니다"
    ),
    "pass the value as an argument": "그 값을 인수로 넘기십시오",
    "takes {wanted} arrays, got {got}": "배열 {wanted}개를 받는데 {got}개가 주어졌습니다",
    "recorded for {wanted}, got {got}": "{wanted}에 대해 기록했는데 {got:이/가} 주어졌습니다",
    "a graph has fixed shapes and dtypes": "그래프의 형상과 dtype은 정해져 있음",
    "trace the function again with arguments like these": (
        "이런 인수로 함수를 다시 추적하십시오 (gg.trace)"
    ),
    # --- graphs that break their own rules -----------------------------------------------
    "a constant does not have the shape and dtype it declares": (
        "상수의 형상이나 dtype이 선언과 다릅니다"
    ),
    "an output is never computed": "계산되지 않는 출력이 있습니다",
    "the primitive {name} is not registered": "등록되지 않은 기본 연산 {name}",
    "{name} reads a value before it is computed": "{name:이/가} 아직 계산되지 않은 값을 읽습니다",
    "{name} declares {found}, its rule gives {expected}": (
        "{name:은/는} {found:을/를} 선언했지만 규칙에 따르면 {expected}입니다"
    ),
    "it takes {n} operands": "피연산자는 {n}개입니다",
    "{name} does not fit its operands: {problem}": (
        "{name:이/가} 피연산자에 맞지 않습니다: {problem}"
    ),
    "{name} is assigned twice": "{name}에 값이 두 번 대입됩니다",
    # --- gradients -----------------------------------------------------------------------
    "the result is {aval}, not a scalar": "결과가 스칼라가 아니라 {aval}입니다",
    "reduce the result with .sum() or .mean(), or use gg.jacobian": (
        "결과를 .sum()이나 .mean()으로 줄이거나 gg.jacobian을 쓰십시오"
    ),
    "an argument of dtype {dtype} has no gradient": "dtype이 {dtype}인 인수에는 기울기가 없습니다",
    "a value that is being differentiated is turned into an array": (
        "미분 중인 값을 배열로 바꾸려고 합니다"
    ),
    "compute with np functions of the value itself, or use .detach()": (
        "값 자체를 np 함수에 넣어 계산하거나 .detach()를 쓰십시오"
    ),
    "argnums {n} names no argument": "argnums {n}에 해당하는 인수가 없습니다",
    "the state {path} is written inside a transform": "변환 안에서 상태 {path:을/를} 고칩니다",
    "return the new state, call model.eval(), or use gg.train_step": (
        "새 상태를 돌려주거나, model.eval()을 부르거나, gg.train_step을 쓰십시오"
    ),
    "results: {n}, cotangents: {m}": "결과는 {n}개인데 상류에서 온 기울기는 {m}개입니다",
    "arrays: {n}, tangents: {m}": "배열은 {n}개인데 접벡터는 {m}개입니다",
    "cotangent": "상류에서 온 기울기",
    "tangent": "접벡터",
    "the {what} has shape {given}, its value {wanted}": (
        "{what}의 형상은 {given}인데 값의 형상은 {wanted}입니다"
    ),
    "an integer result has no Jacobian": "정수 결과에는 야코비 행렬이 없습니다",
    "input": "입력",
    "{name} has no forward-mode derivative": "{name}에는 전진 모드 미분이 없습니다",
    # --- batches -------------------------------------------------------------------------
    "arguments: {n}, axes: {m}": "인수는 {n}개인데 축은 {m}개입니다",
    "vmap needs an axis to map over, got a scalar": "vmap에는 축이 필요한데 스칼라가 주어졌습니다",
    "vmap got batch sizes {sizes}": "vmap에 주어진 배치 크기가 {sizes:으로/로} 서로 다릅니다",
    "all mapped arguments have one batch size": "vmap의 인수는 배치 크기가 모두 같음",
    "a value mapped by vmap has no single number": "vmap이 펼친 값은 수 하나가 아닙니다",
    "the elements of a batch may disagree": "배치의 원소마다 값이 다를 수 있음",
    "choose with np.where(condition, a, b), and compute with np functions": (
        "np.where(condition, a, b)로 고르고 np 함수로 계산하십시오"
    ),
    "{name} cannot be mapped over a batch": "{name:은/는} 배치에 대해 펼칠 수 없습니다",
    # --- loops, branches, hand-written backward passes ------------------------------------
    "a step returns a carry of another structure": "한 단계가 다른 구조의 상태를 돌려줍니다",
    "carry {i} enters as {a} and leaves as {b}": (
        "이어지는 값 {i:이/가} {a:으로/로} 들어와 {b:으로/로} 나갑니다"
    ),
    "a step returns a carry of the same shapes and dtypes": (
        "한 단계가 돌려주는 값의 형상과 dtype은 받은 것과 같음"
    ),
    "the loop has lengths {sizes}": "반복의 길이가 {sizes:으로/로} 하나가 아닙니다",
    "every array of xs has one length on axis 0, or length= is given": (
        "xs의 배열은 모두 축 0의 길이가 같거나, 없으면 length=를 줌"
    ),
    "the condition has shape {shape}": "조건의 형상이 {shape}입니다",
    "a condition is one true or false": "조건은 참 또는 거짓 하나",
    "choose element by element with np.where(condition, a, b)": (
        "원소마다 고르려면 np.where(condition, a, b)를 쓰십시오"
    ),
    "the branches return {a} and {b}": "두 갈래가 {a:과/와} {b:을/를} 돌려줍니다",
    "both branches return the same shapes and dtypes": "두 갈래의 결과는 형상과 dtype이 같음",
    "the backward pass returns gradients: {n}, for arrays: {m}": (
        "역전파가 배열 {m}개에 기울기 {n}개를 돌려줍니다"
    ),
    "the backward pass returns shape {a} for an input of shape {b}": (
        "역전파가 형상이 {b}인 입력에 형상이 {a}인 기울기를 돌려줍니다"
    ),
    # --- gradient check ------------------------------------------------------------------
    "argument": "인수",
    "shape": "형상",
    "order": "차수",
    "method": "방법",
    "checked": "확인",
    "kinks": "꺾인 점",
    "max rel. error": "최대 상대 오차",
    "worst at": "가장 나쁜 곳",
    "ok": "맞음",
    "complex step": "복소수 한 걸음",
    "differences": "차분",
    "all gradients agree": "모든 기울기가 맞습니다",
    "GRADIENTS DIFFER": "기울기가 다릅니다",
    "forward against reverse mode: {error:.1e}": "전진 모드와 역 모드의 차이: {error:.1e}",
    "order must be 1 or 2, not {order}": "order는 1이나 2여야 하는데 {order}입니다",
}
