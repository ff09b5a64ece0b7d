"""Korean twins of the messages of one topic: nn."""

MESSAGES: dict[str, str] = {
    # --- words that `unknown_option` names ---
    "activation": "활성화 함수",
    "initialiser": "초깃값 방법",
    "loss": "손실 함수",
    "option": "옵션",
    "reduction": "축약 방법",
    # --- numbers given to layers ---
    "{name} must be an integer, not {value!r}": (
        "{name:은/는} {value!r:이/가} 아니라 정수여야 합니다"
    ),
    "{name} is {value!r}": "{name:이/가} {value!r}입니다",
    "{n} sizes do not make a layer": "크기 {n}개로는 계층을 만들 수 없습니다",
    "a finite number": "유한한 수",
    # --- layers ---
    "takes {wanted} features, got {size}": "특성 {wanted}개를 받는 계층에 {size}개가 들어왔습니다",
    "put nn.Flatten() in front of this layer": "이 계층 앞에 nn.Flatten()을 두십시오",
    "x looks transposed: rows are samples, columns are features": (
        "x가 전치된 것 같습니다. 행이 표본, 열이 특성입니다"
    ),
    "give x a column axis: `x[:, None]`": "x에 열 축을 더하십시오: `x[:, None]`",
    "id {value} is outside the {count} rows": "번호 {value:은/는} {count}개 행을 벗어납니다",
    "an axis of size {size} has no halves": "크기가 {size}인 축은 절반으로 나눌 수 없습니다",
    "x and body(x) of one shape": "x와 body(x)의 형상이 같아야 합니다",
    "give a shortcut: {call}": "지름길을 주십시오: {call}",
    "layer {position} is {name}, not a module": "{position}번 계층이 모듈이 아니라 {name}입니다",
    "a container holds modules, so that it can be saved": (
        "컨테이너는 저장할 수 있도록 모듈만 담습니다"
    ),
    "write `{call}`": "`{call}`처럼 쓰십시오",
    "functions have module twins: nn.ReLU() for nn.relu": (
        "함수마다 짝이 되는 모듈이 있습니다: nn.relu에는 nn.ReLU()"
    ),
    # --- modules ---
    "the parameter {name} is replaced by {kind}": (
        "매개변수 {name:을/를} {kind:으로/로} 바꾸려 했습니다"
    ),
    "write the numbers with .assign(array), or wrap them in gg.parameter(array)": (
        ".assign(배열)로 수를 쓰거나 gg.parameter(배열)로 감싸십시오"
    ),
    "missing {name}": "{name:이/가} 없습니다",
    "unexpected {name}": "예상하지 않은 {name}",
    "{name} has shape {a}, the model {b}": "{name}의 형상은 {a}인데 모델에서는 {b}입니다",
    "{name} is another tensor, the model has one for both": (
        "{name:은/는} 다른 텐서인데, 모델에서는 둘이 하나입니다"
    ),
    # --- losses ---
    "pred and target of one shape; a loss does not broadcast": (
        "pred와 target의 형상이 같아야 합니다. 손실은 브로드캐스트하지 않습니다"
    ),
    "give the target a column axis: `target[:, None]`": (
        "target에 열 축을 더하십시오: `target[:, None]`"
    ),
    "take the target's last axis away: `target[..., 0]`": (
        "target의 마지막 축을 없애십시오: `target[..., 0]`"
    ),
    "for class labels use cross_entropy or hinge": (
        "클래스 레이블에는 cross_entropy나 hinge를 쓰십시오"
    ),
    "{label} holds {value}": "{label}에 {value:이/가} 들어 있습니다",
    "logits go to binary_cross_entropy_with_logits": (
        "로짓은 binary_cross_entropy_with_logits에 넣으십시오"
    ),
    "labels of shape {a} for scores of shape {b}": (
        "레이블의 형상은 {a}인데 점수의 형상은 {b}입니다"
    ),
    "take the labels' last axis away: `labels[..., 0]`": (
        "레이블의 마지막 축을 없애십시오: `labels[..., 0]`"
    ),
    'there are scores of every step; take the last: scores[..., -1, :], or output="last"': (
        '시점마다 점수가 있습니다. 마지막 시점만 쓰십시오: scores[..., -1, :] 또는 output="last"'
    ),
    "convert them before the traced function: `labels.astype(int)`": (
        "기록되는 함수에 넣기 전에 변환하십시오: `labels.astype(int)`"
    ),
    "label {label} is not an integer": "레이블 {label:은/는} 정수가 아닙니다",
    "quantities are fitted with mse or huber": "연속된 양에는 mse나 huber를 쓰십시오",
    "classes are numbered from 0": "클래스 번호는 0부터 시작합니다",
    "row {row} of the probabilities sums to {total:.6g}": (
        "{row}번 확률 행의 합이 {total:.6g}입니다"
    ),
    "row {row} of the labels is not one-hot": "레이블의 {row}번 행이 원-핫이 아닙니다",
    "each row is non-negative and sums to 1": "각 행은 음수가 없고 합이 1이어야 합니다",
    "a number has no axis of classes": "수 하나에는 클래스의 축이 없습니다",
    "{a} class weights for {b} classes": "클래스는 {b}개인데 클래스 가중치는 {a}개입니다",
    "`ignore_index` needs integer labels": "`ignore_index`에는 정수 레이블이 필요합니다",
    "for labels of 1 and -1: binary_hinge": "1과 -1인 레이블에는 binary_hinge를 쓰십시오",
    "labels of 0 and 1 become `2 * y - 1`": "0과 1인 레이블은 `2 * y - 1`로 바꾸십시오",
    # --- starting weights ---
    "an orthogonal matrix needs two axes, not shape {shape}": (
        "직교 행렬에는 축이 둘 필요한데 형상이 {shape}입니다"
    ),
    "{name} does not take {given}": "{name:은/는} {given:을/를} 받지 않습니다",
    "weights that start equal get equal gradients and stay equal": (
        "같은 값으로 시작한 가중치는 기울기도 같아서 계속 같은 값입니다"
    ),
    "{activation} wants {wanted}": "{activation}에는 {wanted:이/가} 맞습니다",
    "initialiser and activation do not fit: {layers}": (
        "초깃값과 활성화 함수가 맞지 않습니다: {layers}"
    ),
    # --- descriptions of networks ---
    "{name} is not a layer of the library": "{name:은/는} 라이브러리의 계층이 아닙니다",
    "a saved network holds names of layers, never code": (
        "저장한 신경망에는 코드가 아니라 계층의 이름만 들어갑니다"
    ),
    "save its weights, and load them into a new {name}()": (
        "가중치를 저장하고 새 {name}()에 불러오십시오"
    ),
    "the description has more weights than the {limit} expected": (
        "설명에 담긴 가중치가 예상한 {limit}개보다 많습니다"
    ),
    "parameters {paths} cannot be tied": "매개변수 {paths:을/를} 하나로 공유할 수 없습니다",
    "a layer is described by {kind}, not by an object": (
        "계층의 설명이 객체가 아니라 {kind}입니다"
    ),
    "unknown layer {name!r}": "알 수 없는 계층 {name!r}",
    "the options of {name} are not an object": "{name} 계층의 옵션이 객체가 아닙니다",
    "the options of {name} do not fit: {error}": "{name} 계층의 옵션이 맞지 않습니다: {error}",
    "there is no layer number {number!r} before this one": (
        "이 계층 앞에 {number!r}번 계층이 없습니다"
    ),
    "the children of a layer are not a list": "계층의 하위 계층이 목록이 아닙니다",
}
