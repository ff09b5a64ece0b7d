"""Korean twins of the messages of one topic: texts, sounds, pictures, series, streams."""

MESSAGES: dict[str, str] = {
    # --- words that `unknown_option` names ---
    "unit of text": "글의 단위",
    # --- data frames ---
    "the Arrow stream holds no table": "Arrow 스트림에 표가 없습니다",
    "the Arrow stream failed: {reason}": "Arrow 스트림을 읽지 못했습니다: {reason}",
    "column {column} is of the Arrow kind {kind!r}": "{column} 열은 Arrow 종류 {kind!r}입니다",
    "column {column} is of the exchange kind {kind}": "{column} 열은 교환 규약의 종류 {kind}입니다",
    "numbers, booleans, texts": "수, 참거짓, 글자열",
    "convert the column, or leave it out": "열을 변환하거나 빼십시오",
    # --- augmentation ---
    "labels that are not 0 … {last} cannot be mixed": (
        "0 … {last:이/가} 아닌 레이블은 섞을 수 없습니다"
    ),
    "images of {dtype} cannot be augmented": "{dtype} 이미지는 증강할 수 없습니다",
    "convert them to floats first": "먼저 실수로 바꾸십시오",
    "{name} takes images, not shape {shape}": ("{name:은/는} 이미지를 받는데 형상이 {shape}입니다"),
    "{kind} is no augmentation": "{kind:은/는} 데이터 증강이 아닙니다",
    "give such as gg.data.Flip(), or a list of them": (
        "gg.data.Flip() 같은 것이나 그 목록을 주십시오"
    ),
    # --- files in data folders ---
    "{file} is in none of the data folders": "{file:이/가} 어느 데이터 폴더에도 없습니다",
    # --- sounds ---
    "a sound of shape {shape}": "소리의 형상이 {shape}입니다",
    "one channel: samples (n,)": "채널 하나: samples (n,)",
    "a NaN or an infinity is among the samples": "표본 가운데 NaN이나 무한대가 있습니다",
    "a window of {size} and a hop of {step} samples": (
        "창은 표본 {size}개, 이동은 표본 {step}개입니다"
    ),
    "{bands} bands from {low} to {high} Hz": "{low} Hz에서 {high} Hz까지 대역 {bands}개",
    "no bin of {points} points lies in band {band}": (
        "점 {points}개짜리 스펙트럼의 칸이 {band}번 대역에 하나도 없습니다"
    ),
    "take fewer bands or a longer window": "대역을 줄이거나 창을 늘리십시오",
    "it declares {n} bytes of sound": "소리가 {n}바이트라고 적혀 있습니다",
    "it has samples of {n} bytes": "표본이 {n}바이트씩입니다",
    "it is no intact WAV file: {reason}": "온전한 WAV 파일이 아닙니다: {reason}",
    "its sounds have rates {rates}": "소리들의 표본율이 {rates}입니다",
    "{name} in it is no recording of a digit": "그 안의 {name:은/는} 숫자를 녹음한 파일이 아닙니다",
    # --- pictures ---
    "it is no intact picture: {reason}": "온전한 그림 파일이 아닙니다: {reason}",
    "it is of no known format": "아는 형식이 아닙니다",
    "the picture has {a} pixels, the first one {b}": (
        "그림은 {a} 픽셀인데 첫 그림은 {b} 픽셀입니다"
    ),
    "give size=(height, width), to which all are scaled": (
        "size=(height, width)를 주면 모두 그 크기로 맞춥니다"
    ),
    "pictures are read by Pillow, which is not installed": (
        "그림은 Pillow로 읽는데 설치되어 있지 않습니다"
    ),
    "the folder {name} has no folders of classes": "{name} 폴더에 클래스별 폴더가 없습니다",
    "one folder a class, the pictures in it": "클래스마다 폴더 하나, 그 안에 그림",
    "the class {name} has no pictures": "{name} 클래스에 그림이 없습니다",
    "the picture is too large to be decoded: {found}": "그림이 너무 커서 풀지 않습니다: {found}",
    "at most {n} pixels": "많아야 {n} 픽셀",
    # --- prefetch and streams ---
    "{kind} cannot be addressed by epoch": "{kind:은/는} 에폭 번호로 가리킬 수 없습니다",
    "give Batches or windows; for anything else use gg.data.ahead_of(iterable)": (
        "Batches 같은 배치나 창을 주십시오. 그 밖의 것에는 gg.data.ahead_of(iterable)을 쓰십시오"
    ),
    "it is {size} bytes long, by its header it should be {expected}": (
        "길이가 {size}바이트인데 머리글에 따르면 {expected}바이트여야 합니다"
    ),
    "it is stored column by column, so that a row cannot be read alone": (
        "열 순서로 저장되어 있어서 행 하나만 읽을 수 없습니다"
    ),
    "it holds {dtype}, not numbers": "수가 아니라 {dtype:이/가} 들어 있습니다",
    "a block of {a} follows one of {b}": "{b} 블록 다음에 {a} 블록이 옵니다",
    "what is scaled is no {dtype}": "나눈 값은 {dtype:이/가} 아닙니다",
    "no array of a known version: {version}": "아는 버전의 배열이 아닙니다: {version}",
    "it does not begin as .npy: {reason}": ".npy 파일의 시작이 아닙니다: {reason}",
    "its header declares the shape {shape}": "머리글에 적힌 형상이 {shape}입니다",
    # --- series ---
    "the series": "주어진 시계열",
    "a series of {n} steps has no window of {length}": (
        "{n}단계짜리 시계열에는 길이 {length}의 창이 없습니다"
    ),
    "{n} training steps have no window of {length}": (
        "학습 부분 {n}단계에는 길이 {length}의 창이 없습니다"
    ),
    "forecasts have shape {shape}": "예측의 형상이 {shape}입니다",
    "what is no finite number ({count}): {places}": "유한한 수가 아닌 칸 {count}개: {places}",
    "{place} is {value!r}, which does not come after {before!r}": (
        "{place}의 {value!r:은/는} {before!r} 다음에 올 수 없습니다"
    ),
    "sort the rows by time": "행을 시간 순서로 정렬하십시오",
    # --- texts ---
    "its first line is not {header!r}": "첫 줄이 {header!r:이/가} 아닙니다",
    "line {number} is no id, text and label 0 or 1": (
        "{number}번째 줄이 번호, 글, 레이블 0이나 1로 되어 있지 않습니다"
    ),
    "sizes {sizes} in {buckets} buckets": "길이 {sizes}, 통 {buckets}개",
    "bytes need no list of symbols": "바이트에는 기호 목록이 필요 없습니다",
    "the symbols are none, or one stands twice": "기호가 없거나 같은 기호가 두 번 있습니다",
    "least={least} and most={most} keep nothing": (
        "least={least}, most={most}이면 남는 것이 없습니다"
    ),
    "the text has no symbols to keep": "글에 남길 기호가 없습니다",
    "id {value} is outside the {count} symbols": "번호 {value:은/는} 기호 {count}개 밖에 있습니다",
    "{symbol!r} at position {place} is not in the vocabulary": (
        "{place}번째의 {symbol!r:이/가} 어휘에 없습니다"
    ),
    "{count} symbols of this text are not; Vocabulary.of(…, unknown=True) has a number for them": (
        "이 글의 기호 {count}개가 없습니다. Vocabulary.of(…, unknown=True)에는 그런 기호의 번호가 "
        "있습니다"
    ),
    "a text is one axis of integers, not {shape} {dtype}": (
        "글은 정수로 된 축 하나여야 하는데 {shape} {dtype}입니다"
    ),
    "encode it: vocabulary.encode(text)": "먼저 부호화하십시오: vocabulary.encode(text)",
    "{n} symbols are too few, at least {least} are needed": (
        "기호 {n}개로는 모자라며 적어도 {least}개가 있어야 합니다"
    ),
    "take shorter windows or smaller batches": "창을 줄이거나 배치를 줄이십시오",
    # --- weights of PyTorch, summaries ---
    "the model has no module {path!r}": "모델에 {path!r} 모듈이 없습니다",
    "{count} parameters, {trained} of them trained; weights {bytes}": (
        "매개변수 {count}개 가운데 {trained}개를 학습합니다. 가중치 {bytes}"
    ),
}
