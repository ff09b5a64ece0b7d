"""Korean twins of the messages of one topic: what becomes of a graph in native code."""

MESSAGES = {
    # what is computed
    "a copy of {name}": "{name}의 복사본",
    "{name} of each tile": "타일별 {name}",
    "{name} of each row": "행별 {name}",
    "{equation}: each tile's rows": "{equation}: 타일의 행마다",
    "{equation}: the tiles' results": "{equation}: 타일의 결과를 모아",
    "{equation}: each row": "{equation}: 행마다",
    # why something is not fused
    "{name} is made in one piece": "{name:은/는} 통째로 만들어집니다",
    "{equation} does not go row by row": "{equation} 식은 행 단위로 계산할 수 없습니다",
    "{equation} needs all its rows: a barrier": "{equation} 식에 모든 행이 필요합니다: 배리어",
    "{equation} has another number of rows": "{equation} 식은 행의 수가 다릅니다",
    "what the tiles give is put together behind a barrier": "타일의 결과를 배리어 뒤에서 모읍니다",
    "the tiles' results are put together in memory": "타일의 결과를 메모리에서 모읍니다",
    "every worker computes {equation} behind a barrier": (
        "모든 작업자가 배리어 뒤에서 {equation} 식을 계산합니다"
    ),
    "{equation} waits for another operand, behind a barrier": (
        "{equation} 식이 배리어 뒤에서 다른 피연산자를 기다립니다"
    ),
    "a later stage of the row reads it again: {equation}": (
        "같은 행의 뒤 단계에서 다시 읽습니다: {equation}"
    ),
    "a product writes it to memory": "행렬 곱이 메모리에 씁니다",
    "a product reads it from memory: {equation}": "행렬 곱이 메모리에서 읽습니다: {equation}",
    "{name} is lowered on its own": "{name:은/는} 따로 코드로 옮깁니다",
    "{equation} begins other loops: it reads an operand in another order": (
        "{equation} 식에서 새 루프를 시작합니다: 피연산자를 다른 순서로 읽습니다"
    ),
    "{equation} begins other loops: it reduces other axes": (
        "{equation} 식에서 새 루프를 시작합니다: 다른 축을 줄입니다"
    ),
    "{equation} begins other loops: its inner axes differ": (
        "{equation} 식에서 새 루프를 시작합니다: 안쪽 축이 다릅니다"
    ),
    "other work comes between {name} and {equation}": (
        "{name:과/와} {equation} 식 사이에 다른 일이 있습니다"
    ),
    "no strides say what {name} makes of it": (
        "{name:이/가} 만드는 배치는 보폭으로 나타낼 수 없습니다"
    ),
    "BLAS cannot read it as it lies: neither rows nor columns are side by side": (
        "BLAS가 이 배치를 읽지 못합니다: 행도 열도 이어져 있지 않습니다"
    ),
    "Python reads only arrays that lie side by side": "파이썬은 이어진 배열만 읽습니다",
    "a result is an array of its own": "결과는 독립된 배열입니다",
    # the report
    "{name}: kernels {count}, phases {phases}": "{name}: 커널 {count}개, 단계 {phases}개",
    "one step {time}, workers {count}": "한 번에 {time}, 작업자 {count}명",
    "memory: arena {arena} for {values} of values; each worker {private}": (
        "메모리: 값 {values}에 공용 {arena}, 작업자마다 {private}"
    ),
    "inputs {inputs}, results {results}, constants {constants}": (
        "입력 {inputs}, 결과 {results}, 상수 {constants}"
    ),
    "in one place, {size}: {pairs}": "같은 자리에, {size}: {pairs}",
    "results that could be written over inputs: {size}": "입력 자리에 쓸 수 있는 결과: {size}",
    "no work, other strides on the same memory:": "일이 없음, 같은 메모리의 다른 보폭:",
    "values that go through memory, and why they are not fused:": (
        "메모리를 거치는 값, 그리고 융합하지 않은 까닭:"
    ),
    "loops: 50 × 10|16 is 50 times 10 elements in lanes of 16": (
        "루프: 50 × 10|16은 원소 10개를 레인 16개씩, 50번"
    ),
    "part": "부분",
    "form": "형식",
    "loops or call": "루프 또는 호출",
    "read": "읽기",
    "written": "쓰기",
    "phase {number}": "단계 {number}",
    "every worker for itself": "작업자마다 따로",
    "in one piece": "통째로",
    "one tile, rows {rows}": "타일 1개, 행 {rows}개",
    "tiles {count}, rows of each {rows}": "타일 {count}개, 타일마다 행 {rows}개",
    "flat": "한 줄",
    "columns": "열",
    "rows": "행",
    "plain loops": "단순 루프",
    "of the tiles": "타일 모음",
    "scalars": "스칼라",
    "arena": "공용",
    "of a tile": "타일 안",
    "bytes": "바이트",
    "made": "만든 곳",
    "because": "까닭",
    # the command
    "the native report is text: -o FILE.txt": "네이티브 보고서는 글입니다: -o FILE.txt",
    "without times: {reason}": "시간은 재지 않습니다: {reason}",
    "the function": "함수",
    "its gradients": "그 기울기",
    "the training step": "학습 단계",
    "the forward pass": "순전파",
    "the kernels of its training step in native code, and their times": (
        "네이티브 코드가 된 학습 단계의 커널과 걸린 시간"
    ),
    "kernels, loops, memory and times in native code": ("네이티브 코드의 커널, 루프, 메모리, 시간"),
    # the cost
    "native code plans {arena} for what its kernels hand on and {private} for each worker; "
    "{over} of results could be written over inputs": (
        "네이티브 코드는 커널 사이에 {arena}, 작업자마다 {private:을/를} 씁니다. "
        "결과 {over:은/는} 입력 자리에 쓸 수 있습니다"
    ),
    # debugging
    "// {name} as C": "// C로 본 {name}",
    "; {name} as LLVM IR": "; LLVM IR로 본 {name}",
}
