"""Korean for the words of `errors`, `core`, `primitives`, `graph`, `autodiff` and `tensor`."""

MESSAGES = {
    "rule": "규칙",
    "hint": "도움말",
    "offered: {names}": "가능한 값: {names}",
    "did you mean {names}?": "혹시 {names}입니까?",
    "unknown {what} {word!r}": "알 수 없는 {what} {word!r}",
    "{purpose} needs the package {package}, which is not installed": (
        "{purpose}에는 {package} 패키지가 필요하지만 설치되어 있지 않습니다"
    ),
}
