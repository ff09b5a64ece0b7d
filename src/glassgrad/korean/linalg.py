"""Korean twins of the messages of one topic: linear algebra, operators, NumPy's functions."""

MESSAGES: dict[str, str] = {
    # linalg
    "a number has no axis to multiply over": "수 하나에는 곱해서 더할 축이 없습니다",
    "write `x * y`": "`x * y`로 쓰십시오",
    "inner sizes differ, {a} and {b}": "안쪽 크기가 {a:과/와} {b:으로/로} 다릅니다",
    "`{name}` looks transposed: `{product}` fits": (
        "{name:이/가} 전치된 것 같습니다: `{product}` 꼴이면 맞습니다"
    ),
    "expected `y` of shape {expected}": "`y`의 형상은 {expected}이어야 합니다",
    "`x @ y.T` does not fit either, expected `y` of shape {expected}": (
        "`x @ y.T` 꼴도 맞지 않습니다. `y`의 형상은 {expected}이어야 합니다"
    ),
    "{count} axes to sum over, operands have {a} and {b}": (
        "더할 축은 {count}개인데 피연산자의 축은 {a}개와 {b}개입니다"
    ),
    "{a} axes of `x` are paired with {b} of `y`": "`x`의 축 {a}개를 `y`의 축 {b}개와 짝지었습니다",
    "needs square matrices, not {shape}": "정사각 행렬이 필요하지만 형상이 {shape}입니다",
    "needs at least one array": "배열이 하나 이상 필요합니다",
    # einsum
    "{a} operands are named, {b} were given": "첨자는 피연산자 {a}개를 말하지만 {b}개를 받았습니다",
    "{term!r} is not made of letters and one `...`": (
        "{term!r}에는 영문자와 `...` 하나만 쓸 수 있습니다"
    ),
    "the result must name `...` too": "결과에도 `...`를 써야 합니다",
    "the result's label {label!r} must occur once in it and in an operand": (
        "결과의 첨자 {label!r:은/는} 결과에 한 번만, 그리고 피연산자에도 나와야 합니다"
    ),
    "{term!r} names {a} axes, the operand has {b}": (
        "{term!r:은/는} 축 {a}개를 말하지만 피연산자의 축은 {b}개입니다"
    ),
    "label {label!r} has sizes {a} and {b}": (
        "첨자 {label!r}의 크기가 {a:과/와} {b:으로/로} 다릅니다"
    ),
    "one label, one size": "첨자 하나에 크기 하나",
    # norm
    "a norm is over one axis or two, not {count}": (
        "노름은 축 하나나 둘에 대한 것입니다. {count}개를 받았습니다"
    ),
    "`vector_norm` takes any number": "`vector_norm`은 축이 몇 개든 받습니다",
    "{ord!r} is a norm of matrices, not of vectors": (
        "{ord!r:은/는} 벡터가 아니라 행렬의 노름입니다"
    ),
    "order {ord!r} of a matrix is not offered": "행렬의 {ord!r} 노름은 제공하지 않습니다",
    # compositions, operators
    "needs vectors of three elements, not shape {shape}": (
        "원소가 세 개인 벡터가 필요하지만 형상이 {shape}입니다"
    ),
    "an array without axes has no length": "축이 없는 배열에는 길이가 없습니다",
    # NumPy's functions
    "{name} is not recorded, so it would have no gradient": (
        "{name:은/는} 기록되지 않으므로 기울기를 갖지 못합니다"
    ),
    "`.detach()` gives the plain values": "`.detach()`로 값만 꺼낼 수 있습니다",
    "recorded: {names}": "기록되는 것: {names}",
    "{name} is recorded without the option `{option}=`": (
        "{name:은/는} `{option}=` 옵션 없이 기록됩니다"
    ),
    "write `y = {name}(...)`: a recorded array is never overwritten": (
        "`y = {name}(...)`로 쓰십시오. 기록된 배열은 덮어쓰지 않습니다"
    ),
    "choose with np.where(mask, x, y)": "np.where(mask, x, y)로 고르십시오",
    "convert with .astype(dtype)": ".astype(dtype)로 변환하십시오",
}
