"""Korean for the words of `backends/native/lower`."""

MESSAGES = {
    "{name} has no native form": "{name:은/는} 네이티브 코드로 옮길 수 없습니다",
    "no native form of {op} for {dtype}": (
        "{dtype}에 대한 {op:은/는} 네이티브 코드로 옮길 수 없습니다"
    ),
}
