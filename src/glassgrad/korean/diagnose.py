"""Korean twins of the messages of one topic: diagnosis, and its verdicts about data."""

MESSAGES: dict[str, str] = {
    # --- the command ---
    "a trained network on its training data": "학습한 신경망을 그 훈련 데이터로 진단합니다",
    "the run that was trained last": "마지막으로 학습한 실행",
    "your own network: build() returns (model, (X, y)), and a loss if it likes": (
        "직접 만든 신경망: build()가 (model, (X, y))를, 원하면 손실까지 돌려줍니다"
    ),
    "the verdicts for a program": "다른 프로그램이 읽을 판정",
    "Say what is wrong with a network and its data: vanishing and exploding gradients, saturated "
    "and dead units, starting weights, learning rate, labels, scales; each with its numbers, the "
    "law behind it and a remedy. A run that stopped at NaN is replayed to the operation that made "
    "it. The exit code is 1 if a fault is found.": (
        "신경망과 데이터에서 잘못된 곳을 찾습니다. 기울기 소실과 기울기 폭발, 포화되거나 죽은 "
        "뉴런, 가중치 초깃값, 학습률, 레이블, 입력의 크기를 살펴, 근거가 되는 수와 그 까닭과 "
        "처방을 함께 보여 줍니다. NaN 때문에 멈춘 실행은 그 NaN을 만든 연산까지 다시 돌려 "
        "봅니다. 잘못을 찾으면 종료 코드는 1입니다."
    ),
    "{name} returned {kind}": "{name:이/가} {kind:을/를} 돌려주었습니다",
    "a network to diagnose is (model, (X, y)) or (model, (X, y), loss)": (
        "진단할 신경망은 (model, (X, y)), 손실까지 주려면 (model, (X, y), loss)입니다"
    ),
    "the run has not ended: it is replayed from its last checkpoint": (
        "끝나지 않은 실행이므로 마지막 체크포인트부터 다시 돌려 봅니다"
    ),
    "the verdicts are about the network as it began": (
        "아래 판정은 학습을 시작할 때의 신경망에 대한 것입니다"
    ),
    # --- data ---
    "inputs that are no numbers": "수가 아닌 입력",
    "{count} input values are NaN or infinite, the first in row {row}, feature {feature}": (
        "입력값 {count}개가 NaN이거나 무한합니다. 처음 나오는 곳은 {row}번 행의 {feature}번 "
        "특성입니다."
    ),
    "NaN times a weight is NaN: one step spreads it to every weight": (
        "NaN에 가중치를 곱하면 NaN이므로, 한 번만 갱신해도 모든 가중치로 퍼집니다."
    ),
    "drop these rows, or fill in the missing values": "그 행을 빼거나 빈 값을 채우십시오.",
    "targets that are no numbers": "수가 아닌 정답",
    "{count} targets are NaN or infinite, the first in row {row}": (
        "정답 {count}개가 NaN이거나 무한합니다. 처음 나오는 곳은 {row}번 행입니다."
    ),
    "a loss with NaN in it is NaN, and so is every gradient": (
        "NaN이 하나라도 들어가면 손실이 NaN이 되고, 모든 기울기도 NaN이 됩니다."
    ),
    "drop these rows": "그 행을 빼십시오.",
    "unscaled inputs": "크기를 맞추지 않은 입력",
    "the inputs are of size {size:.3g} (root mean square), not about 1": (
        "입력의 크기(제곱평균제곱근)가 1 안팎이 아니라 {size:.3g}입니다."
    ),
    "dW = xᵀ·dz: weighted sums and gradients are as large or small as x": (
        "dW = xᵀ·dz이므로, 가중합과 기울기는 x가 큰 만큼 커지고 작은 만큼 작아집니다."
    ),
    "standardise: (X - X.mean(axis=0)) / X.std(axis=0); pixels: X / 255": (
        "표준화하십시오: (X - X.mean(axis=0)) / X.std(axis=0), 화솟값은 X / 255"
    ),
    "features of unlike scale": "크기가 서로 다른 특성",
    "feature {feature} has standard deviation {std:.3g}, the others about {typical:.3g}": (
        "{feature}번 특성의 표준편차는 {std:.3g}인데 다른 특성은 {typical:.3g} 안팎입니다."
    ),
    "one learning rate cannot suit directions that are curved so differently": (
        "방향마다 손실의 굽은 정도가 이만큼 다르면 학습률 하나로 모두에 맞출 수 없습니다."
    ),
    "standardise: (X - X.mean(axis=0)) / X.std(axis=0)": (
        "표준화하십시오: (X - X.mean(axis=0)) / X.std(axis=0)"
    ),
    "features that never change": "변하지 않는 특성",
    "{count} of {features} features never change, such as number {feature} = {value:.3g}": (
        "특성 {features}개 가운데 {count}개가 변하지 않습니다. 예를 들어 {feature}번은 늘 "
        "{value:.3g}입니다."
    ),
    "what does not vary tells nothing apart; it acts as a second bias": (
        "변하지 않는 값으로는 아무것도 가릴 수 없고, 편향이 하나 더 있는 것과 같습니다."
    ),
    "leave these features out": "그 특성을 빼십시오.",
    "unequal classes": "치우친 클래스",
    "class {label} has {share:.1%} of the rows, class {rarest} {rare:.1%}": (
        "행의 비율이 클래스 {label}에서는 {share:.1%}, 클래스 {rarest}에서는 {rare:.1%}입니다."
    ),
    "who always answers with the commonest class is right that often": (
        "늘 가장 흔한 클래스라고만 답해도 그만큼은 맞습니다."
    ),
    "class_weights=..., or draw rare classes more often; look at each class": (
        "class_weights=...를 주거나 드문 클래스를 더 자주 뽑고, 정확도를 클래스마다 따로 보십시오."
    ),
    "one class only": "하나뿐인 클래스",
    "all {count} labels are {label}": "레이블 {count}개가 모두 {label}입니다.",
    "a constant answer is right: there is nothing to learn": (
        "늘 같은 답이 정답이므로 배울 것이 없습니다."
    ),
    "labels outside the classes": "클래스를 벗어난 레이블",
    "{count} labels such as {label} lie outside {low:g} … {high:g}, which {loss} takes": (
        "{loss:이/가} 받는 {low:g} … {high:g}의 범위를 벗어난 레이블이 {count}개 있습니다(예: "
        "{label})."
    ),
    "k outputs stand for the classes 0 … k - 1": "출력 k개는 클래스 0 … k - 1을 나타냅니다.",
    "number the classes from 0: np.unique(y, return_inverse=True)[1]": (
        "클래스 번호를 0부터 매기십시오: np.unique(y, return_inverse=True)[1]"
    ),
    "labels that are no class numbers": "클래스 번호가 아닌 레이블",
    "{count} labels are fractions, such as {label:g}": (
        "레이블 {count}개가 정수가 아닙니다(예: {label:g})."
    ),
    "a loss over classes wants the number of the right class": (
        "클래스를 다루는 손실 함수는 정답 클래스의 번호를 받습니다."
    ),
    "outputs without a class": "클래스가 없는 출력",
    "the network has {outputs} outputs, the labels {classes} classes": (
        "신경망의 출력은 {outputs}개인데 레이블에 나오는 클래스는 {classes}개입니다."
    ),
    "an output that is never right only learns to stay small": (
        "한 번도 정답이 되지 않는 출력은 작은 값을 내는 것만 배웁니다."
    ),
    "give the network as many outputs as there are classes": (
        "출력의 수를 클래스의 수에 맞추십시오."
    ),
    "labels that have nothing to do with the inputs": "입력과 관계없는 레이블",
    "neither the nearest row ({near:.0%}) nor a straight line ({line:.0%}) guesses a label better "
    "than chance ({chance:.0%})": (
        "가장 가까운 행을 보고 맞혀도({near:.0%}), 직선으로 맞혀도({line:.0%}) 우연({chance:.0%})"
        "보다 낫지 않습니다."
    ),
    "where inputs and labels were shuffled apart, only memorising is left": (
        "입력과 레이블을 따로 섞으면 외우는 것 말고는 할 수 있는 일이 없습니다."
    ),
    "shuffle X and y by one permutation: p = rng.permutation(n); X[p], y[p]": (
        "X와 y를 같은 순열로 섞으십시오: p = rng.permutation(n); X[p], y[p]"
    ),
    "targets that have nothing to do with the inputs": "입력과 관계없는 정답",
    "neither near rows (R² {near:.2f}) nor a straight line (R² {line:.2f}) guess a target": (
        "가까운 행으로도(R² {near:.2f}) 직선으로도(R² {line:.2f}) 정답을 맞히지 못합니다."
    ),
    "where inputs and targets were shuffled apart, only memorising is left": (
        "입력과 정답을 따로 섞으면 외우는 것 말고는 할 수 있는 일이 없습니다."
    ),
    "equal rows with unequal labels": "입력은 같은데 레이블이 다른 행",
    "{count} of {rows} rows have a twin with another label": (
        "행 {rows}개 가운데 {count}개는 입력이 같고 레이블이 다른 짝이 있습니다."
    ),
    "a function gives one answer for one input": "함수는 한 입력에 한 가지 답만 냅니다.",
    "look for a feature that is missing, or for wrong labels": (
        "빠진 특성이나 틀린 레이블이 있는지 살펴보십시오."
    ),
    "unscaled targets": "크기를 맞추지 않은 정답",
    "the targets are of size {size:.3g} (root mean square), not about 1": (
        "정답의 크기(제곱평균제곱근)가 1 안팎이 아니라 {size:.3g}입니다."
    ),
    "the gradient of a squared error is 2 (y - t): it is as large as the targets": (
        "제곱 오차의 기울기는 2 (y - t)이므로 정답이 큰 만큼 커집니다."
    ),
    "standardise the targets, and undo it in predictions": (
        "정답을 표준화하고, 예측할 때 되돌리십시오."
    ),
    "data": "데이터",
    "{rows} rows, inputs of size {size:.3g}, nothing missing": (
        "행 {rows}개, 입력의 크기 {size:.3g}, 빠진 값 없음"
    ),
    # --- what is given ---
    "{kind} is no model": "{kind:은/는} 모델이 아닙니다",
    "give a gg.nn.Module, such as gg.nn.MLP((4, 8, 3))": (
        "gg.nn.Module을 주십시오. 예: gg.nn.MLP((4, 8, 3))"
    ),
    "the model has no parameters": "모델에 매개변수가 없습니다",
    "data of {kind}": "{kind:은/는} 데이터가 될 수 없습니다",
    "(X, y), a Dataset, or batches that can be iterated again": (
        "(X, y), Dataset, 또는 다시 반복할 수 있는 배치"
    ),
    "a batch of {n} arrays": "배열 {n}개로 된 배치입니다",
    # --- words ---
    "healthy: no fault was found": "이상 없음: 잘못된 곳을 찾지 못했습니다",
    "faults: {faults}, warnings: {warnings}": "이상 {faults}건, 주의 {warnings}건",
    "FAULT": "이상",
    "WARNING": "주의",
    "OK": "정상",
    "law": "법칙",
    "remedy": "처방",
    "std": "표준편차",
    "saturated": "포화",
    "dead": "죽음",
}
