"""Korean twins of the messages of one topic: attention."""

MESSAGES: dict[str, str] = {
    "norm": "정규화",
    "normalises {wanted} features, got {shape}": (
        "특성 {wanted}개를 정규화하는 계층에 형상 {shape:이/가} 들어왔습니다"
    ),
    # --- attention ---
    "queries, keys and values have at least two axes": (
        "쿼리, 키, 값에는 축이 둘 이상 있어야 합니다"
    ),
    "queries have {a} features, keys {b}": "쿼리의 특성은 {a}개인데 키의 특성은 {b}개입니다",
    "there are {a} keys and {b} values": "키는 {a}개인데 값은 {b}개입니다",
    "a mask is boolean, not {dtype}": "마스크는 {dtype:이/가} 아니라 불리언이어야 합니다",
    "True: the query may look at the key": "True: 쿼리가 그 키를 볼 수 있습니다",
    "write `mask == 1`, or `mask == 0` where ones mark what is hidden": (
        "`mask == 1`로 쓰십시오. 1이 가릴 곳을 뜻한다면 `mask == 0`입니다"
    ),
    "a mask of shape {a} for scores of shape {b}": (
        "마스크의 형상은 {a}인데 점수의 형상은 {b}입니다"
    ),
    "a mask of the keys alone, {shape}, is given as `key_mask`": (
        "키만 가리는 마스크 {shape:은/는} `key_mask`로 주십시오"
    ),
    "a width of {width} does not divide into {heads} heads": (
        "너비 {width:은/는} 헤드 {heads}개로 나누어떨어지지 않습니다"
    ),
    "heads that fit: {numbers}": "맞는 헤드 수: {numbers}",
    "{size} features a head are no pairs that could be turned": (
        "헤드마다 특성이 {size}개라서 회전할 쌍을 지을 수 없습니다"
    ),
    "x and the context have at least two axes, time and features": (
        "x와 문맥에는 시간과 특성, 두 축 이상이 있어야 합니다"
    ),
    "the batches of x and of the context differ": "x와 문맥의 배치가 다릅니다",
    "a key mask is boolean, of shape {wanted}": "키 마스크는 형상이 {wanted}인 불리언이어야 합니다",
    "False: padding, which no query sees": "False: 어느 쿼리도 보지 않는 패딩",
    # --- positions ---
    "a width of {width} is odd": "너비 {width:은/는} 홀수입니다",
    "{steps} steps do not fit into a context of {context}": (
        "시점 {steps}개는 길이 {context}인 문맥에 들어가지 않습니다"
    ),
    "keep the last ones: `x[:, -{context}:]`": "마지막 것만 남기십시오: `x[:, -{context}:]`",
    # --- its picture ---
    "needs {wanted} axes, got shape {shape}": ("축이 {wanted}개여야 하는데 형상이 {shape}입니다"),
    "{a} and {b} names for weights of shape {shape}": (
        "가중치의 형상은 {shape}인데 이름은 {a}개와 {b}개입니다"
    ),
    "head {number}": "헤드 {number}",
    # --- GPT ---
    "a prompt holds integers, at least one": "프롬프트에는 정수가 하나 이상 들어 있어야 합니다",
}
