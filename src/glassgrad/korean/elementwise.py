"""Korean twins of the messages of one topic: elementwise and random primitives."""

MESSAGES: dict[str, str] = {
    "{found} is not a random key": "{found:은/는} 난수 키가 아닙니다",
    "a seed from 0 to 2**64 - 1, or a uint32 array of shape (2,)": (
        "0부터 2**64 - 1까지의 시드, 또는 형상이 (2,)인 uint32 배열"
    ),
    "a step is an integer, not {dtype}": "스텝은 정수여야 하는데 {dtype}입니다",
    "a random draw without a key": "키 없이 난수를 뽑으려 했습니다",
    "draw inside `with random_key(0):`, or pass `key=0`": (
        "`with random_key(0):` 안에서 뽑거나 `key=0`을 넘기십시오"
    ),
    "{p} is not a probability": "{p:은/는} 확률이 아닙니다",
    "p of shape {own} does not broadcast to {shape}": (
        "형상이 {own}인 p는 {shape:으로/로} 브로드캐스트되지 않습니다"
    ),
    "a size of {shape} is negative": "형상 {shape}에 음수 크기가 있습니다",
    "random numbers are float32 or float64, not {dtype}": (
        "난수는 float32나 float64여야 하는데 {dtype}입니다"
    ),
}
