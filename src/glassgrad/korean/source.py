"""Korean for emitted source: its head, and the comments over backward lines."""

MESSAGES = {
    "Value and gradients of `{name}`{where}, derived by the chain rule.": (
        "`{name}`{where}의 값과 기울기. 연쇄 법칙으로 유도했습니다."
    ),
    "`{name}`{where} as NumPy.": "NumPy로 쓴 `{name}`{where}.",
    "Checked before it was written: equal to the graph bit for bit.": (
        "쓰기 전에 확인했습니다. 계산 그래프와 비트까지 같습니다."
    ),
    "Checked before it was written: equal to the graph bit for bit; largest relative difference "
    "from finite differences {error:.1e}.": (
        "쓰기 전에 확인했습니다. 계산 그래프와 비트까지 같고, 수치 미분과의 상대 차이는 최대 "
        "{error:.1e}입니다."
    ),
    "Not run before it was written: no inputs drawn gave results.": (
        "쓰기 전에 실행하지 못했습니다. 뽑은 입력 가운데 결과가 나온 것이 없습니다."
    ),
    "Rewritten for reading ({laws}): at most {gap:.1e} from the derived form.": (
        "읽기 쉽게 고쳐 썼습니다({laws}). 유도한 식과의 차이는 최대 {gap:.1e}입니다."
    ),
    "Written by glassgrad {version} with NumPy {numpy}.": (
        "glassgrad {version}, NumPy {numpy}에서 만들었습니다."
    ),
    "Written for the shapes that were recorded.": "기록할 때의 형상에 맞춘 코드입니다.",
    "Works for any batch size {n}; fixed sizes: {sizes}.": (
        "배치 크기 {n:은/는} 아무 값이나 됩니다. 고정된 크기: {sizes}."
    ),
    "Works for any batch size {n}.": "배치 크기 {n:은/는} 아무 값이나 됩니다.",
    "Works for arrays of other sizes; fixed sizes: {sizes}.": (
        "배열의 크기가 달라져도 됩니다. 고정된 크기: {sizes}."
    ),
    "Works for arrays of any size.": "배열의 크기는 아무 값이나 됩니다.",
    "style": "양식",
    "detail": "상세 수준",
    "the constant {name} holds {count} numbers": "상수 {name}에 수가 {count}개 들어 있습니다",
    "at most {count} are printed": "최대 {count}개까지 출력함",
    "pass the array as an argument of the function": "배열을 함수의 인수로 넘기십시오",
    # rules
    "each factor gets the other one, transposed": "각 인수에는 다른 인수의 전치를 곱함",
    "each factor gets the other one": "각 인수에는 다른 인수를 곱함",
    "passes where {condition}": "{condition}인 곳만 통과",
    "only the chosen side gets it": "선택된 쪽만 받음",
    "times the sign": "부호를 곱함",
    "eˣ is its own derivative": "eˣ의 미분은 eˣ",
    "its own gradient, less p times the sum of all": "자신의 기울기에서 p × 전체 기울기의 합을 뺌",
    "only the largest get it": "가장 큰 원소만 받음",
    "only the smallest get it": "가장 작은 원소만 받음",
    "goes back to the places that were read": "읽은 자리로 돌아감",
    "each part gets its own piece": "부분마다 제 몫을 받음",
    "every term of the sum gets the same": "합의 모든 항이 같은 값을 받음",
    "summed over what was repeated": "되풀이된 축을 따라 합함",
    "the same numbers in the old shape": "같은 수를 원래 형상으로",
    "turned back": "축의 순서를 되돌림",
    "a sum passes its gradient on": "덧셈은 기울기를 그대로 흘려보냄",
    "every element gets its share 1/n": "모든 원소가 1/n씩 받음",
    "the distance from the mean, over n times the deviation": "평균과의 차이를 n × 표준편차로 나눔",
    "twice the distance from the mean, over n": "평균과의 차이의 2배를 n으로 나눔",
    "probabilities minus one-hot, averaged": "확률에서 원-핫을 뺀 값의 평균",
    "probability minus target, averaged": "확률에서 정답을 뺀 값의 평균",
    "y times its own gradient less the mean of all, weighted by y": (
        "y × (자신의 기울기 - y로 가중한 기울기의 평균)"
    ),
    "{name} was broadcast over the {n} rows": "{name:이/가} {n}개 행에 브로드캐스트되었음",
    "{name} was broadcast along axis {axis}": (
        "{name:이/가} 축 {axis:을/를} 따라 브로드캐스트되었음"
    ),
    # laws
    "quotients": "나눗셈",
    "means": "평균",
    "constants": "상수",
    "softmax": "소프트맥스",
    "log-softmax": "로그 소프트맥스",
    "softmax with cross-entropy": "소프트맥스와 교차 엔트로피",
    "sigmoid with cross-entropy": "시그모이드와 교차 엔트로피",
    # layers
    "Checked before it was written: value and gradients differ by at most {gap:.1e} from the "
    "graph's.": (
        "쓰기 전에 확인했습니다. 값과 기울기는 계산 그래프의 것과 최대 {gap:.1e}만큼 다릅니다."
    ),
    "Checked before it was written: value and gradients differ by at most {gap:.1e} from the "
    "graph's, and the gradients by at most {error:.1e} from finite differences.": (
        "쓰기 전에 확인했습니다. 값과 기울기는 계산 그래프의 것과 최대 {gap:.1e}만큼 다르고, "
        "기울기와 수치 미분의 상대 차이는 최대 {error:.1e}입니다."
    ),
    "the result is not computed by layers": "결과가 계층으로 계산되지 않습니다",
    'style="plain" prints any function': 'style="plain"은 어떤 함수든 출력합니다',
    # gg.source
    "{kind} has no source": "{kind:은/는} 소스로 쓸 수 없습니다",
    "a Graph, a Tensor, a function, a Module or a training step": (
        "그래프(Graph), 텐서(Tensor), 함수, 모듈(Module), 학습 단계 가운데 하나"
    ),
    "the loss of the model is missing": "모델의 손실 함수가 빠졌습니다",
    'give it by name, loss="cross_entropy", or as loss(outputs, targets)': (
        'loss="cross_entropy"처럼 이름으로 주거나 loss(출력, 정답) 함수를 주십시오'
    ),
    "a script is made of a training step, not of a graph alone": (
        "스크립트는 계산 그래프만으로는 만들 수 없고 학습 단계가 있어야 합니다"
    ),
    'call gg.source(step, x, t, style="script"), or gg.source(model, x, t, ...)': (
        'gg.source(step, x, t, style="script")나 gg.source(model, x, t, ...)를 부르십시오'
    ),
    "a script takes arrays as arguments, not containers of them": (
        "스크립트로 쓸 함수의 인수는 배열을 담은 컨테이너가 아니라 배열이어야 합니다"
    ),
    "A training script: forward and backward pass, update and loop. Run it as `python FILE.py "
    "[DATA.npz]`.": (
        "학습 스크립트: 순전파와 역전파, 갱신, 반복. `python 파일.py [자료.npz]`로 실행합니다."
    ),
    "The parameters before training, and the state of the optimiser.": (
        "학습하기 전의 매개변수와 옵티마이저의 상태."
    ),
    "The arrays {names} of an .npz file; without a file they are made up.": (
        ".npz 파일에 든 배열 {names}. 파일이 없으면 지어냅니다."
    ),
    "Train, and print the mean loss of each epoch; all losses are returned.": (
        "학습하면서 에폭마다 평균 손실을 출력하고, 모든 손실을 돌려줍니다."
    ),
    "only the batch may have another size": "배치의 크기만 달라질 수 있습니다",
    "a value of an inner transform is written into an outer one": (
        "안쪽 변환의 값을 바깥쪽 변환의 값에 써넣었습니다"
    ),
    # glassgrad source
    "Print the value and the gradients of a function, a worked example or a run, or the outputs "
    "of a model that gg.save wrote, as NumPy source that runs alone. It was run "
    "and compared with the graph before it is shown.": (
        "함수나 예제, 실행 결과의 값과 기울기, 또는 gg.save로 저장한 모델의 출력을 NumPy만으로 "
        "실행되는 소스로 출력합니다. 출력하기 전에 실행하여 계산 그래프와 비교합니다."
    ),
    "the function and its gradients, as a book has them": (
        "함수와 그 기울기를 교과서에 실린 모습으로 보여 줍니다"
    ),
    "at arrays of these shapes; only the gradient of W1": (
        "이 형상의 배열로 기록하고, W1의 기울기만 보여 줍니다"
    ),
    "a worked example": "널리 알려진 예제",
    "a trained network as classes with forward and backward": (
        "학습한 신경망을 forward와 backward가 있는 클래스로 보여 줍니다"
    ),
    "a training script that needs only NumPy": "NumPy만 있으면 되는 학습 스크립트",
    "plain, layers, script or steps; plain by default": (
        "plain(식), layers(계층), script(스크립트), steps(한 줄에 한 연산). 기본값은 plain"
    ),
    "regions (functions above the program) or open": (
        "regions(함수를 프로그램 위에 따로 씀) 또는 open(모두 펼침)"
    ),
    "the derived form, without the short forms of books": (
        "교과서의 짧은 꼴로 고치지 않고 유도한 식 그대로"
    ),
    "inputs whose gradients are printed: W1,b1": "기울기를 출력할 입력: W1,b1",
    "code alone": "주석 없이 코드만",
    "source written to {path}": "소스를 {path}에 썼습니다",
}
