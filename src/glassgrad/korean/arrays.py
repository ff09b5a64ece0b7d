"""Korean twins of the messages of one topic: arrays (shape, indices, reductions)."""

MESSAGES = {
    # --- shape and axes ------------------------------------------------------------------
    "sizes {a} and {b} do not broadcast": "크기 {a:과/와} {b:은/는} 브로드캐스트되지 않습니다",
    "aligned from the right, sizes equal or 1": "오른쪽부터 맞추어 크기가 같거나 1",
    "axis {axis} is outside an array of {ndim} axes": (
        "축 {axis:은/는} 축이 {ndim}개인 배열의 밖입니다"
    ),
    "an axis is named twice in {axes}": "{axes}에 같은 축이 두 번 나옵니다",
    "at most one size of {shape} may be -1": "{shape}에서 -1은 한 번만 쓸 수 있습니다",
    "{size} elements do not fill shape {shape}": (
        "원소 {size}개로는 형상 {shape:을/를} 채울 수 없습니다"
    ),
    "the number of elements stays the same": "원소의 수는 그대로",
    "needs real numbers, not {dtype}": "실수가 필요하지만 {dtype}입니다",
    "needs floating-point numbers, not {dtype}": "부동소수점 수가 필요하지만 {dtype}입니다",
    "write 3.0 instead of 3, or use .astype(float)": (
        "3 대신 3.0이라고 쓰거나 .astype(float)를 쓰십시오"
    ),
    "{count} axes are named for an array of {ndim}": (
        "축 {count}개를 말했지만 배열의 축은 {ndim}개입니다"
    ),
    "every axis once": "모든 축을 한 번씩",
    "needs at least {count} axes, not {ndim}": "축이 {count}개 이상 필요하지만 {ndim}개입니다",
    "needs a vector or a matrix, not {ndim} axes": "벡터나 행렬이 필요하지만 축이 {ndim}개입니다",
    "{a} axes cannot move to {b} places": "축 {a}개를 자리 {b}개로 옮길 수 없습니다",
    "axis {axis} has size {size}, not 1": "축 {axis}의 크기는 1이 아니라 {size}입니다",
    "only axes of size 1 can be dropped": "크기가 1인 축만 없앨 수 있음",
    "shape {a} does not broadcast to {b}": "형상 {a:은/는} {b:으로/로} 브로드캐스트되지 않습니다",
    # --- joining, cutting, padding -------------------------------------------------------
    "shapes {a} and {b} differ outside axis {axis}": (
        "형상 {a:과/와} {b:이/가} 축 {axis} 밖에서 다릅니다"
    ),
    "equal sizes on all axes but one": "한 축을 뺀 모든 축에서 같은 크기",
    "shapes {a} and {b} differ": "형상 {a:과/와} {b:이/가} 다릅니다",
    "all arrays of a stack have one shape": "쌓는 배열은 모두 같은 형상",
    "arrays without axes cannot be joined": "축이 없는 배열은 이어 붙일 수 없습니다",
    "use stack for single numbers": "수 하나하나에는 stack을 쓰십시오",
    "size {size} cannot be cut into {n} equal parts": (
        "크기 {size:을/를} 똑같이 {n}개로 나눌 수 없습니다"
    ),
    "array_split makes parts of nearly equal size": "array_split은 거의 같은 크기로 나눕니다",
    "{name} must be at least {least}, not {value}": (
        "{name:은/는} {least} 이상이어야 하는데 {value}입니다"
    ),
    "{a} counts for an axis of size {b}": "크기가 {b}인 축에 횟수가 {a}개입니다",
    "one count, or one per place": "횟수는 하나, 또는 자리마다 하나",
    "axis {axis} is empty and has nothing to repeat": (
        "축 {axis:은/는} 비어 있어 되풀이할 것이 없습니다"
    ),
    "widths {widths} do not fit an array of {ndim} axes": (
        "너비 {widths:은/는} 축이 {ndim}개인 배열에 맞지 않습니다"
    ),
    "one (before, after) for each axis": "축마다 (앞, 뒤) 하나",
    "negative widths {widths}": "너비 {widths}에 음수가 있습니다",
    "cut with a slice: x[1:-1]": "x[1:-1]처럼 슬라이스로 자르십시오",
    "mode": "모드",
    "ties": "동점 처리",
    "indexing": "격자 순서",
    # --- indices -------------------------------------------------------------------------
    "{count} indices for an array of {ndim} axes": (
        "축이 {ndim}개인 배열에 인덱스가 {count}개입니다"
    ),
    "index {index} is outside axis {axis} of size {size}": (
        "인덱스 {index:은/는} 크기가 {size}인 축 {axis}의 밖입니다"
    ),
    "an index array does not fit: {problem}": "인덱스 배열이 맞지 않습니다: {problem}",
    "an index takes one ellipsis at most": "인덱스에는 `...`를 한 번만 쓸 수 있습니다",
    "an index is made of integers, slices and masks, not {kind}": (
        "인덱스는 정수, 슬라이스, 마스크로 이루어지는데 {kind}입니다"
    ),
    "write x[i.astype(int)] for indices that were computed as floats": (
        "실수로 계산된 인덱스라면 x[i.astype(int)]로 쓰십시오"
    ),
    "the step of a slice is 0": "슬라이스의 간격이 0입니다",
    "the mask has size {a} along axis {axis} of size {b}": (
        "크기가 {b}인 축 {axis}에서 마스크의 크기는 {a}입니다"
    ),
    "a mask has the sizes of the axes it stands for": "마스크의 크기는 그것이 가리키는 축의 크기",
    "the shape of the result depends on the values of a traced mask": (
        "결과의 형상이 추적 중인 마스크의 값에 달려 있습니다"
    ),
    "the shapes of a graph are known when it is recorded": "그래프의 형상은 기록할 때 정해짐",
    "keep the shape and choose with np.where(mask, x, 0)": (
        "형상은 그대로 두고 np.where(mask, x, 0)로 고르십시오"
    ),
    "a value of shape {a} does not fit into {b}": "형상이 {a}인 값은 {b}에 맞지 않습니다",
    "the value broadcasts to the shape of x[index]": "값은 x[index]의 형상으로 브로드캐스트됨",
    "{a} axes and indices of {b} axes": "배열의 축은 {a}개인데 인덱스의 축은 {b}개입니다",
    "indices have as many axes as the array": "인덱스와 배열은 축의 수가 같음",
    "indices must be integers, not {dtype}": "인덱스는 정수여야 하는데 {dtype}입니다",
    "id {value} is outside [0, {count})": "번호 {value:은/는} [0, {count})의 밖입니다",
    "label {label} is outside [0, {n})": "레이블 {label:은/는} [0, {n})의 밖입니다",
    "{a} conditions and {b} choices": "조건은 {a}개인데 선택지는 {b}개입니다",
    "one choice per condition": "조건마다 선택지 하나",
    # --- reductions ----------------------------------------------------------------------
    "no elements to choose from in shape {shape}": "형상 {shape}에는 고를 원소가 없습니다",
    "at least one element along each reduced axis": "줄이는 축마다 원소가 하나 이상",
    "weights of shape {a} for an array of shape {b}": (
        "형상이 {b}인 배열에 가중치의 형상이 {a}입니다"
    ),
    "the shape of x, or of its axis": "x의 형상, 또는 그 축의 형상",
}
