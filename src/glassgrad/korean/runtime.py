"""Korean twins of the messages of one topic: machine code, its cache, BLAS and workers."""

MESSAGES: dict[str, str] = {
    # machine code
    "native code needs the package llvmlite, which is not installed": (
        "네이티브 코드에는 llvmlite 패키지가 필요한데 설치되어 있지 않습니다"
    ),
    "llvmlite {version} is too old, native code needs {oldest} or newer: {command}": (
        "llvmlite {version:은/는} 너무 오래되었습니다. "
        "네이티브 코드에는 {oldest} 이상이 필요합니다: {command}"
    ),
    "llvmlite {version} makes no working code here: {reason}": (
        "llvmlite {version:으로/로} 여기서 동작하는 코드를 만들지 못했습니다: {reason}"
    ),
    "a small program gave {got}": "작은 프로그램의 결과가 {got}입니다",
    "LLVM refuses a module: {reason}": "LLVM이 모듈을 거부했습니다: {reason}",
    "the compiled module has no function {name}": "컴파일한 모듈에 함수 {name:이/가} 없습니다",
    "a compiled module calls {name}, which is not part of it": (
        "컴파일한 모듈이 그 안에 없는 {name:을/를} 호출합니다"
    ),
    # cache
    "compiled code cannot be kept in {path}: {reason}; it is compiled again in every run": (
        "컴파일한 코드를 {path}에 보관할 수 없습니다: {reason}. 실행할 때마다 다시 컴파일합니다"
    ),
    "set GLASSGRAD_CACHE to a folder of your own, or to `off`": (
        "GLASSGRAD_CACHE에 자기 폴더나 `off`를 지정하십시오"
    ),
    "it belongs to another user": "다른 사용자의 것입니다",
    "its mode lets other users in; `chmod 700` makes it private": (
        "다른 사용자도 들어올 수 있는 권한입니다. `chmod 700`으로 막을 수 있습니다"
    ),
    # BLAS
    "matrix library": "행렬 라이브러리",
    "it is no OpenBLAS": "OpenBLAS가 아닙니다",
    "it was built without threads of its own": "자체 스레드 없이 빌드되었습니다",
    "it has no function for matrix products": "행렬 곱 함수가 없습니다",
    "it gives a wrong product of {dtype} matrices": "{dtype} 행렬의 곱이 틀립니다",
    # workers
    "only {count} threads work: {reason}": "스레드 {count}개만 일합니다: {reason}",
    "{name} is a whole number from 1 to {most}, not {text!r}": (
        "{name:은/는} 1부터 {most}까지의 정수여야 합니다: {text!r}"
    ),
    # doctor
    "native code": "네이티브 코드",
    "products": "행렬 곱",
    "workers": "작업 스레드",
    "compiled code": "컴파일한 코드",
    "no BLAS was found; kernels of our own serve": ("BLAS를 찾지 못해 자체 커널을 씁니다"),
    "is not kept (GLASSGRAD_CACHE=off)": "보관하지 않음 (GLASSGRAD_CACHE=off)",
    "{folder}: {count} programs, {size:.1f} MiB": "{folder}: 프로그램 {count}개, {size:.1f} MiB",
}
