"""Korean twins of the messages of one topic: drawings of networks."""

MESSAGES: dict[str, str] = {
    # columns
    "network": "신경망",
    "labels": "레이블 방식",
    "neuron": "뉴런",
    "one neuron": "뉴런 하나",
    "neuron {index} of layer {layer}": "{layer}번째 계층의 {index}번 뉴런",
    "input layer": "입력층",
    "flattened": "한 줄로 편 값",
    # feature maps
    "what one number of the next map reads": "다음 맵의 값 하나가 읽는 곳",
    "1 map": "맵 1개",
    "{count} maps": "맵 {count}개",
    "convolution {window}": "합성곱 {window}",
    "transposed convolution {window}": "전치 합성곱 {window}",
    "max pool {window}": "최대 풀링 {window}",
    "mean pool {window}": "평균 풀링 {window}",
    "feature maps: {counts}": "특징 맵: {counts}",
    "feature maps are made of a layer that is not the last one": (
        "마지막이 아닌 계층의 값으로 특징 맵을 만듭니다"
    ),
    "feature maps, layers of neurons, feature maps: each once": (
        "특징 맵, 뉴런 계층, 특징 맵의 순서로 한 번씩"
    ),
    "hidden layer {number}": "은닉층 {number}",
    "1 input": "입력 1개",
    "1 neuron": "뉴런 1개",
    "{count} neurons": "뉴런 {count}개",
    "weighted sum": "가중합",
    "bias: an input that is always 1": "편향: 값이 항상 1인 입력",
    "one step later": "한 단계 뒤로",
    "initial state": "초기 상태",
    "gradients of {found} steps for {rows} layers of {total}": (
        "기울기의 단계 수는 {found}, 그림에는 {total}단계인 순환 계층 {rows}개가 있습니다"
    ),
    "`gradients` are nn.step_gradients of the model and inputs of the picture": (
        "`gradients`는 그림에 그린 모델과 입력의 nn.step_gradients 기울기입니다"
    ),
    # in a sentence
    "a network of {sizes} neurons, the first of them inputs": (
        "{sizes} 구조의 신경망 (첫 번째 수는 입력의 개수)"
    ),
    "activation functions: {names}": "활성화 함수: {names}",
    "with recurrent feedback": "출력이 되돌아오는 순환 연결이 있음",
    # legend
    "positive weight": "양의 가중치",
    "negative weight": "음의 가중치",
    "weight increased": "가중치가 커짐",
    "weight decreased": "가중치가 작아짐",
    "width: size of the weight": "굵기: 가중치의 크기",
    "width: size of the change": "굵기: 변화의 크기",
    "fill: how active a neuron is": "채움: 뉴런이 활성화된 정도",
    "input, computes nothing": "입력 (계산하지 않음)",
    "bias": "편향",
    # refused
    "no layer of neurons: the data are multiplied with no matrix of weights": (
        "뉴런 계층이 없습니다: 데이터에 곱해지는 가중치 행렬이 없습니다"
    ),
    "any graph has a picture: graph.svg(*inputs)": (
        "어떤 그래프든 그림으로 볼 수 있습니다: graph.svg(*inputs)"
    ),
    "a layer reads {count} layers at once": "한 계층이 계층 {count}개의 출력을 한꺼번에 받습니다",
    "a network drawing shows layers that each read the one before": (
        "신경망 그림에서는 각 계층이 바로 앞 계층의 출력을 받습니다"
    ),
    "{a} neurons become {b} before the next layer": (
        "다음 계층에 이르기 전에 뉴런 {a}개가 {b}개로 바뀝니다"
    ),
    "there is no layer {number} that computes": "계산하는 계층 가운데 {number}번은 없습니다",
    "there is no neuron {index}": "{index}번 뉴런은 없습니다",
    "{names} names for {layers} layers": "계층은 {layers}개인데 이름은 {names}개입니다",
    "one activation for each layer behind the inputs, one name for each": (
        "입력 뒤의 계층마다 활성화 함수 하나, 계층마다 이름 하나"
    ),
    "{sizes} are no sizes of layers": "{sizes:은/는} 계층의 크기가 될 수 없습니다",
    "at least two whole numbers from 1 on: inputs, then neurons": (
        "1 이상의 정수 두 개 이상: 입력의 개수, 이어서 뉴런의 개수"
    ),
    "before names none of the weights": "before에 이 신경망의 가중치가 하나도 없습니다",
    "weights of shape {a} before, {b} now": "전의 가중치는 형상이 {a}, 지금은 {b}입니다",
    "{kind} is no network that can be drawn": "{kind:은/는} 그릴 수 있는 신경망이 아닙니다",
    "a module, a graph, an object with a dictionary `layers`, a NetworkShape": (
        "모듈, 그래프, `layers` 딕셔너리가 있는 객체, NetworkShape"
    ),
    "{kind} holds no weights by name": "{kind}에는 이름이 붙은 가중치가 없습니다",
    "before: a state dictionary, or a model": "before: 상태 딕셔너리 또는 모델",
    "no layer with a matrix of weights W": "가중치 행렬 W가 있는 계층이 없습니다",
    "no matrix of weights says how many inputs there are": (
        "입력이 몇 개인지 알려 주는 가중치 행렬이 없습니다"
    ),
    "give a sample: network_svg(model, x)": "표본을 하나 주십시오: network_svg(model, x)",
    "nothing feeds back in this network, so there is nothing to unroll": (
        "이 신경망에는 되돌아오는 연결이 없어 펼칠 것이 없습니다"
    ),
    "unroll is {unroll!r}": "unroll이 {unroll!r}입니다",
    "this network cannot be recorded without a sample": (
        "이 신경망은 표본 없이 기록할 수 없습니다"
    ),
    "an empty batch has no sample to show": "빈 배치에는 보일 표본이 없습니다",
    "most is {most!r}": "most가 {most!r}입니다",
    # on the command line
    "its neurons and synapses, by weight": "그 신경망의 뉴런과 시냅스, 가중치에 따라",
    "neurons and synapses instead of operations (.svg)": (
        "연산 대신 뉴런과 시냅스를 그립니다 (.svg)"
    ),
    "--network draws an SVG": "--network는 SVG를 그립니다",
    # pictures of the worked examples
    "its picture": "그 예제의 그림",
    "draw the example as an SVG": "예제를 SVG 그림으로 그립니다",
    "the file of the picture": "그림 파일",
    "-o is for pictures: add --picture": "-o는 그림에만 씁니다: --picture를 함께 주십시오",
    "score {score}": "점수 {score}",
    "tangent at x = {x}": "x = {x}에서의 접선",
    "step": "단계",
    "steps of Newton's method": "뉴턴 방법의 단계",
    "order of the derivative": "미분 차수",
    "equations": "식의 개수",
    "size of dW (root mean square)": "dW의 크기 (제곱평균제곱근)",
    "with the old weights": "갱신 전의 가중치로",
    "with the updated weights": "갱신한 가중치로",
}
