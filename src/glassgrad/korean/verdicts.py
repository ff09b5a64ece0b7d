"""Korean twins of the messages of one topic: verdicts about a network."""

MESSAGES: dict[str, str] = {
    # --- outputs and loss ---
    "softmax twice": "두 번 취한 소프트맥스",
    "the outputs of every row are positive and sum to 1; {loss} takes their softmax again": (
        "행마다 출력이 양수이고 더하면 1인데, {loss:이/가} 소프트맥스를 한 번 더 취합니다."
    ),
    "the softmax of numbers between 0 and 1 stays below e / (e + k - 1): the loss never comes "
    "near 0": (
        "0과 1 사이의 수에 소프트맥스를 취하면 e / (e + k - 1)을 넘지 못하므로, 손실이 0에 "
        "다가가지 못합니다."
    ),
    "leave out the softmax behind the last layer; the loss takes logits": (
        "마지막 계층 뒤의 소프트맥스를 빼십시오. 이 손실 함수는 로짓을 받습니다."
    ),
    "sigmoid twice": "두 번 취한 시그모이드",
    "the outputs lie in {least:.3g} … {most:.3g}; {loss} wants logits": (
        "출력의 범위는 {least:.3g} … {most:.3g}인데 {loss:은/는} 로짓을 받습니다."
    ),
    "sigmoid(sigmoid(z)) stays between 0.5 and 0.73: the loss never comes near 0": (
        "sigmoid(sigmoid(z))는 0.5와 0.73 사이에 머무르므로, 손실이 0에 다가가지 못합니다."
    ),
    "leave out the sigmoid behind the last layer, or use binary_cross_entropy": (
        "마지막 계층 뒤의 시그모이드를 빼거나 binary_cross_entropy를 쓰십시오."
    ),
    "scores that are cut off": "잘려 나간 점수",
    "the last layer ends in {activation}; {loss} wants any real number": (
        "마지막 계층 뒤에 {activation:이/가} 있는데 {loss:은/는} 모든 실수를 받습니다."
    ),
    "a score that cannot be negative, or cannot grow, cannot say what it must": (
        "음수가 될 수 없거나 커질 수 없는 점수로는 필요한 것을 나타낼 수 없습니다."
    ),
    "no activation behind the last layer": "마지막 계층 뒤에는 활성화 함수를 두지 마십시오.",
    "targets out of reach": "닿을 수 없는 정답",
    "the targets lie in {low:.3g} … {high:.3g}, the outputs behind {activation} in {least:.3g} … "
    "{most:.3g}": (
        "정답의 범위는 {low:.3g} … {high:.3g}인데, {activation:을/를} 지난 출력의 범위는 "
        "{least:.3g} … {most:.3g}입니다."
    ),
    "no weights make an activation leave its range": (
        "가중치를 어떻게 고르더라도 활성화 함수는 제 범위를 벗어나지 못합니다."
    ),
    "no activation behind the last layer, or scale the targets into its range": (
        "마지막 계층 뒤의 활성화 함수를 빼거나, 정답을 그 범위에 맞추십시오."
    ),
    "outputs that are no probabilities": "확률이 아닌 출력",
    "the outputs lie in {least:.3g} … {most:.3g}; {loss} wants {wanted}": (
        "출력의 범위는 {least:.3g} … {most:.3g}인데 {loss:은/는} {wanted:을/를} 받습니다."
    ),
    "the logarithm of a number that is no probability is no likelihood": (
        "확률이 아닌 수의 로그는 가능도가 아닙니다."
    ),
    "use the loss that takes logits: cross_entropy, binary_cross_entropy_with_logits": (
        "로짓을 받는 손실 함수를 쓰십시오: cross_entropy, binary_cross_entropy_with_logits"
    ),
    "one output for several classes": "여러 클래스에 하나뿐인 출력",
    "the network has one output; its {loss} is always {value:.3g}": (
        "신경망의 출력이 하나뿐이어서 {loss:은/는} 늘 {value:.3g}입니다."
    ),
    "the softmax of one number is 1, whatever the number": (
        "수 하나에 소프트맥스를 취하면 그 수가 무엇이든 1입니다."
    ),
    "one output per class, or binary_cross_entropy_with_logits": (
        "클래스마다 출력을 하나씩 두거나 binary_cross_entropy_with_logits를 쓰십시오."
    ),
    "a loss that grows with the batch": "배치와 함께 커지는 손실",
    "twice the rows give {ratio:.3g} times the loss": (
        "행을 두 배로 늘리면 손실이 {ratio:.3g}배가 됩니다."
    ),
    "the gradient of a sum grows with the batch, and with it every step": (
        "합의 기울기는 배치와 함께 커지고, 갱신하는 폭도 그만큼 커집니다."
    ),
    "scores that are too large": "너무 큰 점수",
    "the loss is {loss:.3g}; guessing costs {chance:.3g}": (
        "손실은 {loss:.3g}인데, 아무거나 골라도 {chance:.3g}입니다."
    ),
    "guessing among k classes costs ln k; more is being sure and wrong": (
        "k개 클래스에서 아무거나 고르면 손실은 ln k입니다. 그보다 크다면 틀린 답을 확신하고 있는 "
        "것입니다."
    ),
    "smaller weights in the last layer, scaled inputs": (
        "마지막 계층의 가중치를 줄이고 입력의 크기를 맞추십시오."
    ),
    "nothing learned": "배운 것이 없음",
    "after training the loss is {loss:.4g}; guessing by the shares of the classes costs "
    "{chance:.4g}": (
        "학습한 뒤의 손실이 {loss:.4g}인데, 클래스의 비율대로 답하기만 해도 {chance:.4g}입니다."
    ),
    "ln k for k equally frequent classes: the outputs ignore the inputs": (
        "고르게 나오는 k개 클래스라면 ln k입니다. 출력이 입력을 보지 않고 있습니다."
    ),
    "see the other verdicts: gradients, learning rate, data": (
        "기울기, 학습률, 데이터에 대한 다른 판정을 보십시오."
    ),
    "loss value": "손실 값",
    "the loss is {loss:.4g}; guessing costs {chance:.4g}": (
        "손실은 {loss:.4g}, 아무거나 고를 때의 손실은 {chance:.4g}"
    ),
    "NaN or infinity": "NaN 또는 무한대",
    "NaN never goes away again: every step spreads it": (
        "NaN은 한 번 생기면 사라지지 않고, 갱신할 때마다 퍼집니다."
    ),
    "see the rewrite above; else scale the inputs, take a smaller learning rate": (
        "위의 고쳐 쓰기를 따르거나, 입력의 크기를 맞추고 학습률을 줄이십시오."
    ),
    "weights that are no numbers": "수가 아닌 가중치",
    "{count} of {size} weights are NaN or infinite": (
        "가중치 {size}개 가운데 {count}개가 NaN이거나 무한합니다."
    ),
    "start again from the last finite checkpoint, with a smaller learning rate": (
        "모두 유한했던 마지막 체크포인트에서 학습률을 줄여 다시 시작하십시오."
    ),
    "outputs that ignore the inputs": "입력을 보지 않는 출력",
    "over {rows} rows the outputs vary by {spread:.1e} of their size": (
        "행 {rows}개에서 출력은 제 크기의 {spread:.1e}만큼만 달라집니다."
    ),
    "what does not depend on x cannot tell rows apart": (
        "x에 따라 달라지지 않는 값으로는 행을 가릴 수 없습니다."
    ),
    "see the layer where the signal ends in the table below": (
        "아래 표에서 신호가 끊기는 계층을 찾으십시오."
    ),
    # --- layers ---
    "vanishing gradient": "기울기 소실",
    "RMS {what} falls from {last:.1e} in {last_layer} to {first:.1e}: a ratio of {ratio:.1e}": (
        "{what}의 제곱평균제곱근이 {last_layer}의 {last:.1e}에서 {first:.1e}까지 줄어듭니다(비율 "
        "{ratio:.1e})."
    ),
    "the chain rule multiplies by W and by the activation's slope in each layer; for the sigmoid "
    "σ′ ≤ ¼, so by at most ¼·‖W‖": (
        "연쇄 법칙에 따라 계층마다 W와 활성화 함수의 미분을 곱합니다. 시그모이드는 σ′ ≤ ¼이므로 한 "
        "계층에서 곱하는 값은 커야 ¼·‖W‖입니다."
    ),
    'ReLU with init="he", or tanh with init="xavier"; fewer layers; nn.Residual': (
        'ReLU에 init="he"를, tanh라면 init="xavier"를 쓰십시오. 계층을 줄이거나 nn.Residual을 쓰는 '
        "방법도 있습니다."
    ),
    "exploding gradient": "기울기 폭발",
    "RMS {what} grows from {last:.1e} in {last_layer} to {first:.1e}: a ratio of {ratio:.1e}": (
        "{what}의 제곱평균제곱근이 {last_layer}의 {last:.1e}에서 {first:.1e}까지 커집니다(비율 "
        "{ratio:.1e})."
    ),
    "each layer multiplies the gradient by up to ‖W‖: large weights, large powers": (
        "계층마다 기울기에 많게는 ‖W‖를 곱하므로, 가중치가 크면 거듭제곱으로 커집니다."
    ),
    'init="he" or init="xavier"; clip_norm=1.0': (
        'init="he"나 init="xavier"를 쓰고, clip_norm=1.0을 주십시오.'
    ),
    "gradient flow": "기울기의 흐름",
    "RMS dW is {first:.1e} in {first_layer} and {last:.1e} in {last_layer}: a ratio of "
    "{ratio:.2g}": (
        "dW의 제곱평균제곱근이 {first_layer}에서 {first:.1e}, {last_layer}에서 {last:.1e}(비율 "
        "{ratio:.2g})"
    ),
    "saturated units": "포화된 뉴런",
    "{share:.0%} of the outputs of {activation} lie where its slope is below a tenth of the "
    "steepest": (
        "{activation}의 출력 가운데 기울기가 가장 가파른 곳의 10분의 1도 안 되는 구간에 있는 것이 "
        "{share:.0%}입니다."
    ),
    "dz = f′(z)·da: where f is flat, no gradient passes": (
        "dz = f′(z)·da이므로, f가 평평한 곳에서는 기울기가 지나가지 못합니다."
    ),
    'smaller weights (init="xavier"), scaled inputs, or ReLU': (
        '가중치를 줄이고(init="xavier") 입력의 크기를 맞추거나, ReLU를 쓰십시오.'
    ),
    "dead units": "죽은 뉴런",
    "{share:.0%} of the {units} units behind {activation} have slope 0 for each of {rows} rows": (
        "{activation}의 뉴런 {units}개 가운데 행 {rows}개 모두에서 미분이 0인 것이 "
        "{share:.0%}입니다."
    ),
    "relu′(z) = 0 for z ≤ 0: such a unit gets no gradient and stays as it is": (
        "z ≤ 0이면 relu′(z) = 0이므로, 이런 뉴런은 기울기를 받지 못하고 그대로 머무릅니다(죽은 "
        "ReLU)."
    ),
    'biases of 0, a smaller learning rate, init="he", or leaky_relu': (
        '편향을 0에서 시작하고, 학습률을 줄이고, init="he"나 leaky_relu를 쓰십시오.'
    ),
    "activations": "활성화",
    "at most {saturated:.0%} saturated and {dead:.0%} dead in a layer; their standard deviation "
    "goes from {first:.2g} to {last:.2g}": (
        "한 계층에서 포화된 것은 많아야 {saturated:.0%}, 죽은 것은 {dead:.0%}이고, 표준편차는 "
        "{first:.2g}에서 {last:.2g}까지"
    ),
    "weights that do not fit the activation": "활성화 함수에 맞지 않는 가중치 초깃값",
    "the standard deviation of the activations goes from {first:.2g} to {last:.2g} in {depth} "
    "layers; the weights of {layer} have {std:.2g}, {activation} wants {wanted:.2g}": (
        "{depth}개 계층을 지나면서 활성화 값의 표준편차가 {first:.2g}에서 {last:.2g}까지 "
        "달라집니다. {layer}의 가중치는 표준편차가 {std:.2g}인데, {activation}에 알맞은 값은 "
        "{wanted:.2g}입니다."
    ),
    "Var z = n·Var W·E[x²]: only 2/n (ReLU, He) or 1/n (tanh, Xavier) keeps the size of the "
    "signals": (
        "Var z = n·Var W·E[x²]이므로, W의 분산이 2/n(ReLU, He)이나 1/n(tanh, Xavier)일 때만 신호의 "
        "크기가 유지됩니다."
    ),
    'init="he" for ReLU and its kin, init="xavier" for tanh and sigmoid': (
        'ReLU 계열에는 init="he"를, tanh와 시그모이드에는 init="xavier"를 쓰십시오.'
    ),
    "units that are all alike": "모두 똑같은 뉴런",
    "all {units} units have equal weights ({value:.3g} …) and equal gradients": (
        "뉴런 {units}개의 가중치({value:.3g} …)가 모두 같고 기울기도 모두 같습니다."
    ),
    "equal weights get equal gradients and stay equal: many units act as one": (
        "가중치가 같으면 기울기도 같아서 끝까지 같은 값으로 남습니다. 뉴런이 여럿이어도 하나와 "
        "다름없습니다."
    ),
    'random weights: init="auto"; only biases may start at 0': (
        '가중치는 무작위로 정하십시오: init="auto". 0에서 시작해도 되는 것은 편향뿐입니다.'
    ),
    "no activation between two layers": "활성화 함수 없이 이어진 두 계층",
    "nothing but a weighted sum stands between {layer} and {next}": (
        "{layer:과/와} {next} 사이에 가중합 말고는 아무것도 없습니다."
    ),
    "(x·W1)·W2 = x·(W1·W2): two linear layers are one": (
        "(x·W1)·W2 = x·(W1·W2)이므로, 선형 계층 둘은 하나와 같습니다."
    ),
    "put an activation between them: nn.ReLU()": ("그 사이에 활성화 함수를 넣으십시오: nn.ReLU()"),
    "a parameter that no gradient reaches": "기울기가 닿지 않는 매개변수",
    "no path leads from the loss to {name}, so {size} numbers never change": (
        "손실에서 {name:으로/로} 이어지는 길이 없어서, 수 {size}개가 끝내 바뀌지 않습니다."
    ),
    "gradients flow back along the operations that made the loss, and no others": (
        "기울기는 손실을 만든 연산을 거슬러서만 흐릅니다."
    ),
    "use the layer in forward(), without .detach() or stop_gradient on the way": (
        "그 계층을 forward()에서 쓰고, 도중에 .detach()나 stop_gradient를 두지 마십시오."
    ),
    "everything is frozen": "모두 고정됨",
    "none of the {count} parameters asks for a gradient": (
        "매개변수 {count}개 가운데 기울기를 구하는 것이 하나도 없습니다."
    ),
    "a frozen parameter is never updated": "고정된 매개변수는 갱신되지 않습니다.",
    "chance in evaluation mode": "평가할 때의 무작위성",
    "two evaluations of the same rows differ by up to {gap:.2g}": (
        "같은 행을 두 번 평가했는데 많게는 {gap:.2g}만큼 다릅니다."
    ),
    "dropout belongs to training; a prediction must not depend on a draw": (
        "드롭아웃은 학습할 때만 씁니다. 예측이 뽑은 난수에 따라 달라져서는 안 됩니다."
    ),
    "nn.Dropout, or nn.dropout(x, p, training=self.training)": (
        "nn.Dropout이나 nn.dropout(x, p, training=self.training)을 쓰십시오."
    ),
    # --- trials ---
    "cannot learn a few rows by heart": "몇 행도 외우지 못함",
    "a copy trained on {rows} rows for {steps} steps at rates {rates} comes down to loss "
    "{loss:.3g}; a constant answer costs {baseline:.3g}": (
        "복사본을 행 {rows}개로 {steps}스텝씩 학습률 {rates:으로/로} 학습했는데 손실이 "
        "{loss:.3g}까지만 내려갑니다. 늘 같은 답을 내도 {baseline:.3g}입니다."
    ),
    "a sound network memorises a handful of rows; one that cannot has a fault": (
        "제대로 된 신경망이라면 몇 행쯤은 외웁니다. 외우지 못한다면 어딘가 잘못된 것입니다."
    ),
    "see the other verdicts; more hidden units if there are none": (
        "다른 판정을 보십시오. 다른 판정이 없다면 은닉 뉴런을 늘리십시오."
    ),
    "learns a few rows by heart": "몇 행을 외움",
    "a copy trained on {rows} rows comes down to loss {loss:.2g} in {steps} steps": (
        "행 {rows}개로 학습한 복사본의 손실이 {steps}스텝 만에 {loss:.2g}까지 내려감"
    ),
    "learning rate too high": "너무 큰 학습률",
    "{steps} steps at {lr:g} take the loss from {before:.3g} to {after:.3g}, at {other:g} to "
    "{better:.3g}": (
        "{steps}스텝 뒤의 손실이 {before:.3g}에서 학습률 {lr:g}일 때 {after:.3g}, "
        "{other:g}일 때 {better:.3g}입니다."
    ),
    "beyond 2 / curvature each step overshoots by more than the last": (
        "학습률이 2 / 곡률을 넘으면 갱신할 때마다 더 크게 지나칩니다."
    ),
    "a tenth of the rate, or clip_norm=1.0": (
        "학습률을 10분의 1로 줄이거나 clip_norm=1.0을 주십시오."
    ),
    "learning rate too low": "너무 작은 학습률",
    "{steps} steps at {lr:g} take the loss from {before:.4g} to {after:.4g}, at {other:g} to "
    "{better:.4g}": (
        "{steps}스텝 뒤의 손실이 {before:.4g}에서 학습률 {lr:g}일 때 {after:.4g}, "
        "{other:g}일 때 {better:.4g}입니다."
    ),
    "the loss falls by about lr·‖gradient‖² a step": (
        "한 스텝에 손실은 대략 학습률 × ‖기울기‖²만큼 줄어듭니다."
    ),
    "ten times the rate, as long as the loss still falls": (
        "손실이 줄어드는 한, 학습률을 10배씩 늘려 보십시오."
    ),
    "{steps} steps at {lr:g} take the loss from {before:.4g} to {after:.4g}": (
        "학습률 {lr:g}에서 {steps}스텝 뒤에 손실이 {before:.4g}에서 {after:.4g}까지"
    ),
    "updates as large as the weights": "가중치만큼 큰 갱신",
    "one step changes the weights by {ratio:.2g} of their size": (
        "한 스텝에 가중치가 제 크기의 {ratio:.2g}배만큼 바뀝니다."
    ),
    "about 1/1000 a step is healthy: more forgets, far less learns nothing": (
        "한 스텝에 1/1000쯤이 알맞습니다. 그보다 훨씬 크면 배운 것을 잊고, 훨씬 작으면 배우지 "
        "못합니다."
    ),
    "a smaller learning rate": "학습률을 줄이십시오.",
    "updates": "갱신",
    "one step changes the weights by {least:.1e} to {most:.1e} of their size": (
        "한 스텝에 가중치가 제 크기의 {least:.1e}배에서 {most:.1e}배만큼 바뀜"
    ),
}
