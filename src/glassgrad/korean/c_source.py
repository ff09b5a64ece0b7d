"""Korean for emitted C: the head of the file, and what has no C form."""

MESSAGES = {
    "`{name}` as C99, printed from its graph by glassgrad.": (
        "C99로 쓴 `{name}`. glassgrad가 계산 그래프에서 출력했습니다."
    ),
    "Arrays lie row after row, and results apart from operands.": (
        "배열은 행 순서로 이어져 있고, 결과는 피연산자와 겹치지 않아야 합니다."
    ),
    "Only these may be one array: {pairs}.": "같은 배열이어도 되는 것은 이것뿐입니다: {pairs}.",
    "Booleans are bytes of 0 or 1.": "참거짓 값은 0이나 1인 바이트입니다.",
    "Returns 1 if an index lay outside its array: results mean nothing then.": (
        "인덱스가 배열의 범위를 벗어나면 1을 반환합니다. 그때의 결과는 의미가 없습니다."
    ),
    "Returns -1 if the loss was not finite: nothing was updated then.": (
        "손실이 유한하지 않으면 -1을 반환합니다. 그때는 아무것도 갱신하지 않습니다."
    ),
    "Memory: {memory:,} bytes for values, {constants:,} bytes of constants; nothing is "
    "allocated.": (
        "메모리: 값 {memory:,}바이트, 상수 {constants:,}바이트. 따로 할당하지 않습니다."
    ),
    "One call at a time: all calls share that memory.": (
        "한 번에 하나씩만 호출할 수 있습니다. 모든 호출이 이 메모리를 함께 씁니다."
    ),
    "Needs {headers} and nothing else.": "{headers}만 있으면 됩니다.",
    "Compile with -std=c99 or -ffp-contract=off: each operation is rounded by itself.": (
        "-std=c99나 -ffp-contract=off로 컴파일하십시오. 연산마다 따로 반올림합니다."
    ),
    "Fastest with -O3 and -march for the machine that runs it.": (
        "-O3와 실행할 기계에 맞는 -march를 쓰면 가장 빠릅니다."
    ),
    "{name!r} cannot name a C function": "{name!r:은/는} C 함수의 이름이 될 수 없습니다",
    "a letter, then letters, digits and underscores; no word that C has taken": (
        "문자로 시작하고 문자, 숫자, 밑줄로 이어지는 이름. C가 쓰는 낱말은 안 됨"
    ),
    "{name} has no C form: Python computes it": (
        "{name}에 대응하는 C 코드가 없습니다. Python이 계산합니다"
    ),
    "g.source() prints it as NumPy": "g.source()는 NumPy 코드로 출력합니다",
    "has no C type for {dtype}": "{dtype}에 대응하는 C 자료형이 없습니다",
    "has no C function {name} for {dtype}": "{dtype}에 쓸 C 함수 {name:이/가} 없습니다",
}
