"""Korean twins of the messages of one topic: files, checkpoints, models, stored graphs."""

MESSAGES: dict[str, str] = {
    # files
    "it is not valid JSON: {reason}": "올바른 JSON이 아닙니다: {reason}",
    "a key stands twice in one object": "객체 하나에 같은 키가 두 번 나옵니다",
    "{name} is no JSON number": "{name:은/는} JSON의 수가 아닙니다",
    "{where} is damaged: {problem}": "{where:이/가} 손상되었습니다: {problem}",
    # weights
    "metadata are texts, not {value!r}": "메타데이터는 글자열이어야 합니다: {value!r}",
    "{name!r} cannot be the name of a stored array": (
        "{name!r:은/는} 저장할 배열의 이름이 될 수 없습니다"
    ),
    "{name}: an array of {dtype} cannot be stored": "{name}: {dtype} 배열은 저장할 수 없습니다",
    "it is {size} bytes long": "크기가 {size}바이트입니다",
    "it is {size} bytes long, its header alone should have {length}": (
        "크기가 {size}바이트인데 머리부만 해도 {length}바이트여야 합니다"
    ),
    "its header is no JSON object": "머리부가 JSON 객체가 아닙니다",
    "its header declares {a} bytes of data, it holds {b}": (
        "머리부에는 데이터가 {a}바이트라고 적혀 있는데 {b}바이트가 들어 있습니다"
    ),
    "{name} is of the kind {dtype}": "{name}의 종류가 {dtype}입니다",
    "{name} holds bytes that are no bool": "{name}에 참도 거짓도 아닌 바이트가 들어 있습니다",
    "{path} is no intact safetensors file: {problem}": (
        "{path:은/는} 온전한 safetensors 파일이 아닙니다: {problem}"
    ),
    # checkpoints
    "{path} is there and is no checkpoint": "{path:이/가} 이미 있는데 체크포인트가 아닙니다",
    "it is {a} bytes long instead of {b}": "크기가 {b}바이트가 아니라 {a}바이트입니다",
    "its sha256 is not the one that was stored": "sha256이 저장된 값과 다릅니다",
    "its checksum is not the one that was stored": "검사합이 저장된 값과 다릅니다",
    "a damaged checkpoint is passed over: {problem}": "손상된 체크포인트를 건너뜁니다: {problem}",
    "{where} is {value!r}, which JSON does not hold": (
        "{where}의 값 {value!r:은/는} JSON에 담을 수 없습니다"
    ),
    # run directories
    "the run directory {path} is in use by process {holder}": (
        "실행 폴더 {path:을/를} 프로세스 {holder:이/가} 쓰고 있습니다"
    ),
    "wait until it ends, or choose another directory": (
        "그 프로세스가 끝나기를 기다리거나 다른 폴더를 고르십시오"
    ),
    # models
    "{path} has the suffix of another kind of file": (
        "{path}의 확장자는 다른 종류의 파일에 쓰입니다"
    ),
    "models are saved as {name}, or in a folder": "모델은 {name}에 또는 폴더에 저장합니다",
    "{path} holds weights, but no model of this program": (
        "{path}에는 가중치만 있고 이 프로그램의 모델은 없습니다"
    ),
    "{path} holds a model with layers of its own": (
        "{path}에 든 모델에는 라이브러리에 없는 계층이 있습니다"
    ),
    "{name} is stored as {a} and described as {b}": (
        "{name:은/는} {a:으로/로} 저장되었는데 설명에는 {b:으로/로} 되어 있습니다"
    ),
    "build the model and give it: gg.load(path, into=model)": (
        "모델을 만들어 넘기십시오: gg.load(path, into=model)"
    ),
    # stored graphs
    "{text!r} is no expression": "{text!r:은/는} 식이 아닙니다",
    "{value!r} cannot be stored as a parameter": "{value!r:은/는} 매개변수로 저장할 수 없습니다",
    "an array of {dtype} cannot be stored in a graph": "{dtype} 배열은 그래프에 저장할 수 없습니다",
    "{a} characters hold no {b} bytes": "글자 {a}개에는 {b}바이트가 들어가지 않습니다",
}
