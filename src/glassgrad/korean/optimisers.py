"""Korean twins of the messages of one topic: groups, L-BFGS, accumulation, recomputation, rates."""

MESSAGES: dict[str, str] = {
    # --- parameter groups ---
    "every parameter is frozen": "모든 매개변수가 고정되어 있습니다",
    "groups of {kind}": "{kind:은/는} 매개변수 그룹의 목록이 아닙니다",
    "{value!r} is no group": "{value!r:은/는} 매개변수 그룹이 아닙니다",
    "a group has both {a} and {b}": "한 그룹에 {a:과/와} {b:이/가} 함께 있습니다",
    "no parameter is called {pattern!r}": "이름이 {pattern!r}에 맞는 매개변수가 없습니다",
    "a group holds {names}, which is not trained": (
        "그룹에 학습하지 않는 {names:이/가} 들어 있습니다"
    ),
    "make the optimizer from all parameters": "최적화 기법을 모든 매개변수로 만드십시오",
    "a group has a rate of its own, the optimizer a schedule": (
        "최적화 기법은 학습률 스케줄을 쓰는데 그룹의 학습률이 따로 정해져 있습니다"
    ),
    "give the group lr_factor, a factor of the schedule": (
        "그룹에는 스케줄에 곱할 lr_factor를 주십시오"
    ),
    # --- L-BFGS ---
    "L-BFGS has no {option}": "L-BFGS에는 {option:이/가} 없습니다",
    "add such a term to the loss: the line search must see it": (
        "그런 항은 손실에 더하십시오. 직선 탐색이 그 항을 보아야 합니다"
    ),
    "a step of L-BFGS needs the loss at several points": (
        "L-BFGS의 한 스텝에는 여러 점에서 잰 손실이 필요합니다"
    ),
    "use gg.train_step(loss_fn, model, opt), or fit": (
        "gg.train_step(loss_fn, model, opt)나 fit을 쓰십시오"
    ),
    "L-BFGS has a line search, and no step that could be written down": (
        "L-BFGS는 직선 탐색을 하므로 글로 옮길 수 있는 스텝이 없습니다"
    ),
    "L-BFGS cannot share a step with other optimizers": (
        "L-BFGS는 다른 최적화 기법과 한 스텝을 나눌 수 없습니다"
    ),
    "L-BFGS needs all rows in one batch": "L-BFGS에는 모든 행이 한 배치로 있어야 합니다",
    "leave batch_size out (--batch-size full), and give (X, y)": (
        "batch_size를 빼고(--batch-size full) (X, y)를 주십시오"
    ),
    # --- accumulation ---
    "every array of a batch has a row a row": "배치의 모든 배열은 행의 수가 같습니다",
    "a result of {aval} has neither rows nor a mean": (
        "{aval} 결과는 행마다 있는 값도 아니고 평균을 낼 수도 없습니다"
    ),
    "return floats, or one number a row": "실수를 돌려주거나, 행마다 수를 하나씩 돌려주십시오",
    "accumulate is {n}, but one batch holds all rows": (
        "accumulate가 {n}인데 한 배치에 모든 행이 들어 있습니다"
    ),
    "with {option} rows count differently in the mean": (
        "{option:을/를} 쓰면 평균에서 행마다 무게가 다릅니다"
    ),
    'give the loss reduction="sum", or leave accumulate out': (
        '손실에 reduction="sum"을 주거나 accumulate를 빼십시오'
    ),
    "y is {kind}, not a target a row": "y는 행마다 있는 목표값이 아니라 {kind} 값입니다",
    "give batch_size, the rows of a part": "batch_size로 한 부분의 행의 수를 주십시오",
    # --- recomputation ---
    '"blocks", patterns such as ["layers.0"], or a number of bytes': (
        '"blocks", ["layers.0"] 같은 패턴, 또는 바이트 수'
    ),
    "no layer is called {pattern!r}": "이름이 {pattern!r}에 맞는 계층이 없습니다",
    "the step needs {least}, more than {budget}": (
        "스텝에 {least:이/가} 필요해서 {budget:으로/로} 모자랍니다"
    ),
    "give a larger budget, smaller batches, or accumulate=": (
        "한도를 늘리거나, 배치를 줄이거나, accumulate=를 주십시오"
    ),
    # --- learning rates ---
    "learning rate finder: {rate:.2g} to begin with": "학습률 찾기: {rate:.2g}에서 시작",
    "suggestion": "권하는 값",
    "rate, as a power of 10": "학습률 (10의 거듭제곱)",
    "{kind} is no name of an optimizer": "{kind:은/는} 최적화 기법의 이름이 아닙니다",
    'give a name, such as "adam": the finder makes its own': (
        '"adam" 같은 이름을 주십시오. 학습률 찾기는 자기 것을 만들어 씁니다'
    ),
    "the loss is not finite from the start": "손실이 처음부터 유한하지 않습니다",
    "give a smaller lowest rate, or scale the inputs": (
        "가장 낮은 학습률을 줄이거나 입력의 크기를 맞추십시오"
    ),
    "the rate of this run followed a score, which no single step tells": (
        "이 실행의 학습률은 점수를 따라 변했으므로 한 스텝만으로는 알 수 없습니다"
    ),
}
