"""Korean twins of the messages of one topic: train, and `jit`, which it runs on."""

MESSAGES: dict[str, str] = {
    # --- words that `unknown_option` names ---
    "backend": "백엔드",
    "metric": "평가 지표",
    # --- back ends and recording ---
    "the back end {name} is not part of this version": (
        "이 버전에는 {name} 백엔드가 들어 있지 않습니다"
    ),
    'backend="auto" runs on NumPy meanwhile': (
        '그동안 backend="auto"로 NumPy에서 실행할 수 있습니다'
    ),
    "its native code would be {mib} MiB of text, too much": (
        "네이티브 코드의 텍스트가 {mib} MiB나 되어 너무 깁니다"
    ),
    'backend="auto" runs such a graph by NumPy': (
        'backend="auto"를 주면 이런 그래프는 NumPy로 실행합니다'
    ),
    "the system has no memory for this: {mib} MiB of arguments and intermediate values": (
        "메모리가 모자랍니다. 인수와 중간값에 {mib} MiB가 필요합니다"
    ),
    "nothing is lost; smaller batches need less": (
        "잃은 것은 없습니다. 배치를 줄이면 메모리가 덜 듭니다"
    ),
    "{n} row numbers are no whole batches of {size}": (
        "행 번호 {n}개는 {size}개짜리 배치로 나누어떨어지지 않습니다"
    ),
    "an order of shape {shape}": "순서의 형상이 {shape}입니다",
    "row numbers (steps, rows a step); or (n,) with batch_size": (
        "(스텝 수, 스텝마다 행 수) 형상의 행 번호, 또는 (n,)과 batch_size"
    ),
    "the order of the rows is missing": "행의 순서가 빠져 있습니다",
    "the order holds what is no row number": "순서에 행 번호가 아닌 것이 있습니다",
    "training natively is several times faster, but: {reason}": (
        "네이티브 코드로 학습하면 몇 배 빠르지만 쓸 수 없습니다: {reason}"
    ),
    "an argument is neither an array nor hashable: {names}": (
        "배열도 아니고 해시할 수도 없는 인수가 있습니다: {names}"
    ),
    "the model does not hold {names}": "모델에 {names:이/가} 없습니다",
    "make the optimizer from the model that is trained": ("최적화 기법을 학습할 모델로 만드십시오"),
    "no gradient path leads from the loss to a parameter": (
        "손실에서 매개변수로 이어지는 기울기의 길이 없습니다"
    ),
    "gradients flow through operations on the model's parameters": (
        "기울기는 모델의 매개변수에 대한 연산을 따라 흐릅니다"
    ),
    "compute the loss from model(x); do not freeze every parameter": (
        "손실을 model(x)로 계산하고, 매개변수를 모두 고정하지는 마십시오"
    ),
    "the loss is {found}, not one real number": "손실이 실수 하나가 아니라 {found}입니다",
    "reduce it with .mean() or .sum(), and return it or `(loss, aux)`": (
        ".mean()이나 .sum()으로 줄여서 그 값이나 `(loss, aux)`를 돌려주십시오"
    ),
    "a state of shape {a} is given shape {b}": "형상이 {a}인 상태에 형상 {b}의 값을 넣었습니다",
    # --- numbers that are not finite ---
    "step {step}": "스텝 {step}",
    "the loss": "손실",
    "the new value of {name}": "{name}의 새 값",
    "{what} is not finite; the first operation to leave the finite numbers is {operation}": (
        "{what:이/가} 유한하지 않습니다. 유한한 수를 처음 벗어난 연산은 {operation}입니다"
    ),
    "{what} is not finite, because {names} is not": (
        "{names:이/가} 유한하지 않아서 {what:이/가} 유한하지 않습니다"
    ),
    "look for missing values in the data, or load finite parameters": (
        "데이터에 빈 값이 있는지 살피거나 유한한 매개변수를 불러오십시오"
    ),
    "an operand lies at the edge of where {name} is defined; use a loss that takes logits, "
    "or keep the operand away from it, before the operation": (
        "피연산자가 {name:이/가} 정의된 범위의 끝에 있습니다. 로짓을 받는 손실 함수를 쓰거나, "
        "연산하기 전에 피연산자를 그 끝에서 떼어 놓으십시오"
    ),
    "a smaller learning rate, or clip_norm=1.0, keeps the numbers in range": (
        "학습률을 줄이거나 clip_norm=1.0을 주면 수가 범위를 벗어나지 않습니다"
    ),
    # --- data ---
    "there are no batches": "배치가 없습니다",
    "training data of {kind}": "{kind:은/는} 학습 데이터가 될 수 없습니다",
    "(X, y), a Dataset, or batches that can be iterated": (
        "(X, y), Dataset, 또는 반복할 수 있는 배치"
    ),
    "validation data of {kind}": "{kind:은/는} 검증 데이터가 될 수 없습니다",
    "(X, y), a Dataset, or a share between 0 and 1": "(X, y), Dataset, 또는 0과 1 사이의 비율",
    "{name} has no test part": "{name}에는 시험용 데이터가 없습니다",
    "batches cannot be parted": "배치로 받은 데이터는 나눌 수 없습니다",
    "give validation=(X, y)": "validation=(X, y)를 주십시오",
    "the batches are used up after {epoch} epochs": "{epoch}에폭 뒤에 배치가 다 떨어졌습니다",
    "an iterator runs once: give a list, or data that can be iterated again": (
        "이터레이터는 한 번만 돕니다. 목록이나 다시 반복할 수 있는 데이터를 주십시오"
    ),
    "a batch of {n} arrays has no target": "배열이 {n}개뿐인 배치에는 목표값이 없습니다",
    "a batch is (X, y), or (X1, X2, …, y)": "배치는 (X, y)나 (X1, X2, …, y)입니다",
    "{name} of {kind} is no array of numbers": "{kind}인 {name:은/는} 수의 배열이 아닙니다",
    "{name} holds {value} at {place}, and {count} such values in all": (
        "{name}의 {place}에 {value}, 그런 값이 모두 {count}개 있습니다"
    ),
    "drop these rows, or fill in the missing values, before training": (
        "학습하기 전에 그 행을 빼거나 빈 값을 채우십시오"
    ),
    "all {n} labels are {label}: there is one class only": (
        "레이블 {n}개가 모두 {label}입니다. 클래스가 하나뿐입니다"
    ),
    "is the target the right column, and are the rows of all classes there?": (
        "목표 열이 맞는지, 모든 클래스의 행이 있는지 살펴보십시오"
    ),
    # --- models, losses, metrics ---
    "the model returns {kind}, not one array": "모델이 배열 하나가 아니라 {kind:을/를} 돌려줍니다",
    "for other models use train_step with a loss function of your own": (
        "다른 모델에는 직접 쓴 손실 함수와 함께 train_step을 쓰십시오"
    ),
    "the inputs have {lengths} rows": "입력의 행 수가 {lengths:으로/로} 서로 다릅니다",
    "the loss is {kind}, which cannot be called": (
        "손실 함수로 받은 {kind:은/는} 부를 수 없습니다"
    ),
    "give a name, or a function of prediction and target": (
        "이름이나, 예측값과 목표값을 받는 함수를 주십시오"
    ),
    "predictions {a} and labels {b} do not match": (
        "예측값의 형상 {a:과/와} 레이블의 형상 {b:이/가} 맞지 않습니다"
    ),
    "integer labels, or one score a class for the predictions": (
        "정수 레이블, 또는 예측값이라면 클래스마다 점수 하나"
    ),
    "a label is outside the {k} classes": "클래스 {k}개를 벗어난 레이블이 있습니다",
    "a metric without a name": "이름이 없는 평가 지표입니다",
    "define it with def, or give a Metric": "def로 정의하거나 Metric을 주십시오",
    # --- options of fit ---
    "{kind} is no optimizer": "{kind:은/는} 최적화 기법이 아닙니다",
    "give a name, or gg.optim.Adam(model, lr=1e-3)": (
        "이름이나 gg.optim.Adam(model, lr=1e-3)을 주십시오"
    ),
    "the schedule {name} needs the length of the run": (
        "학습률 스케줄 {name:은/는} 학습의 길이를 알아야 합니다"
    ),
    "give steps=, or a Schedule such as gg.optim.Cosine(lr, steps)": (
        "steps=를 주거나 gg.optim.Cosine(lr, steps) 같은 Schedule을 주십시오"
    ),
    "{kind} is no callback": "{kind:은/는} 콜백이 아닙니다",
    "give a Callback, or a function of the run": "Callback이나, 실행을 받는 함수를 주십시오",
    "{name} did not reach {value} in {epoch} epochs": (
        "{epoch}에폭 동안 {name:이/가} {value}에 이르지 못했습니다"
    ),
    # --- checkpoints ---
    "there is no checkpoint to resume from": "이어서 학습할 체크포인트가 없습니다",
    "give checkpoint=folder, the same as before": "전과 같은 폴더를 checkpoint=로 주십시오",
    "the checkpoint was made with {name} {old}, this run has {new}": (
        "체크포인트의 {name:은/는} {old}인데 이번 실행의 것은 {new}입니다"
    ),
    "give the same settings, or another checkpoint folder": (
        "같은 설정을 주거나 다른 체크포인트 폴더를 쓰십시오"
    ),
    # --- progress ---
    "{speed}/s": "초당 {speed}개",
    "epoch {epoch}": "에폭 {epoch}",
}
