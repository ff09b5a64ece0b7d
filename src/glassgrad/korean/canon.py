"""Korean twins of the messages of one topic: canon.

Long because each worked example brings its title and its notes.
"""

MESSAGES: dict[str, str] = {
    # --- words -----------------------------------------------------------------------------
    "needs the data set {name}: download it once with `glassgrad train {name}`, "
    "or name its folder in GLASSGRAD_DATA": (
        "데이터 세트 {name:이/가} 필요합니다: `glassgrad train {name}` 명령으로 한 번 내려받거나, "
        "그 폴더를 GLASSGRAD_DATA에 지정하십시오"
    ),
    "takes {wanted} inputs, got {got}": "입력은 {wanted}개여야 하는데 {got}개를 받았습니다",
    "quantity": "양",
    "value": "값",
    "node": "노드",
    "gradient": "기울기",
    "example": "예제",
    # --- CS231n ----------------------------------------------------------------------------
    "(x + y) z, the first circuit": "(x + y) z, 첫 번째 회로",
    "The sigmoid neuron, operation by operation": "시그모이드 뉴런을 연산 하나하나로",
    "With 2 decimals the gradients read 0.20, 0.39 and -0.59, as in the notes. The slides "
    "multiply the rounded 0.2 and get 0.4 and -0.6, which is checked as `rounded dx0`. "
    "Numbers are rounded for display only.": (
        "소수 둘째 자리까지 쓰면 기울기는 강의 노트처럼 0.20, 0.39, -0.59입니다. 강의 슬라이드는 "
        "반올림한 0.2를 곱해 0.4와 -0.6을 얻습니다. 그 값은 `rounded dx0` 등으로 확인합니다. "
        "여기서는 화면에 쓸 때만 반올림합니다."
    ),
    "The sigmoid neuron, its last five operations as one gate": (
        "시그모이드 뉴런, 마지막 다섯 연산을 게이트 하나로"
    ),
    "The gate's derivative is (1 - f) f = (1 - 0.73) 0.73, about 0.2. The gradients of the "
    "weights and inputs are those of the long circuit.": (
        "이 게이트의 미분은 (1 - f) f = (1 - 0.73) 0.73, 곧 약 0.2입니다. 가중치와 입력의 기울기는 "
        "긴 회로에서와 같습니다."
    ),
    "Add hands on, max routes, multiply swaps": (
        "덧셈은 그대로 넘기고, max는 길을 고르고, 곱셈은 서로 바꾼다"
    ),
    "A staged computation with forks": "갈림길이 있는 단계별 계산",
    "x and y are used in several places, so what comes back from each use is added: the += "
    "of the notes' hand-written backward pass.": (
        "x와 y는 여러 곳에서 쓰이므로, 각 곳에서 돌아온 것을 더합니다. 강의 노트에서 손으로 쓴 "
        "역전파의 +=가 이것입니다."
    ),
    "The squared length of a product of matrix and vector": "행렬과 벡터의 곱, 그 길이의 제곱",
    "The backward pass of a matrix product": "행렬 곱의 역전파",
    "For D = W X the rule is dW = dD X.T and dX = W.T dD: the only products whose shapes fit. "
    "Integers, so the differences are exactly 0.": (
        "D = W X이면 dW = dD X.T, dX = W.T dD입니다. 형상이 맞는 곱은 이것뿐입니다. 정수로 "
        "계산하므로 차이는 정확히 0입니다."
    ),
    "What the loss must be before training": "학습하기 전의 손실은 얼마여야 하는가",
    "With equal scores softmax gives every class 1/k, so the loss is ln k; the hinge loss "
    "counts k - 1 margins of 1. Another number at the start means a fault.": (
        "점수가 모두 같으면 소프트맥스는 클래스마다 1/k를 주므로 손실은 ln k입니다. 힌지 손실은 "
        "크기 1인 여백 k - 1개를 셉니다. 처음에 다른 수가 나오면 어딘가 틀린 것입니다."
    ),
    "The spiral with a linear classifier: about half is right": (
        "나선 데이터와 선형 분류기: 절반쯤 맞힌다"
    ),
    "200 full-batch steps, learning rate 1, weight decay 1e-3. The notes "
    "print loss 1.096956, then 0.786302 at iteration 190, and accuracy 0.49. The points of "
    "seed 0 are theirs; the weights they start from are not known: the first loss is a range.": (
        "전체 배치 경사 하강법 200단계, 학습률 1, 가중치 감소 1e-3. 강의 노트의 손실은 처음에 "
        "1.096956, 190번째에 0.786302, 정확도는 0.49입니다. 시드 0의 점은 노트와 같지만 가중치의 "
        "초깃값은 알려져 있지 않아, 첫 손실은 범위로 확인합니다."
    ),
    "The spiral with 100 hidden neurons: 98 % is right": (
        "나선 데이터와 은닉 뉴런 100개: 98 % 맞힌다"
    ),
    "10,000 full-batch steps, learning rate 1, weight decay 1e-3. The "
    "notes print loss 1.098744, 0.294946 at iteration 1000, 0.245292 at 9000, accuracy 0.98.": (
        "전체 배치 경사 하강법 10,000단계, 학습률 1, 가중치 감소 1e-3. 강의 노트의 손실은 처음에 "
        "1.098744, 1000번째에 0.294946, 9000번째에 0.245292이고 정확도는 0.98입니다."
    ),
    "The gradient of softmax and cross-entropy together": (
        "소프트맥스와 교차 엔트로피를 합친 것의 기울기"
    ),
    "The probabilities, minus 1 at the true class: p - [y = k].": (
        "확률에서 정답 클래스만 1을 뺀 것: p - [y = k]."
    ),
    # --- Mazur -----------------------------------------------------------------------------
    "A 2-2-2 network, forward and backward": "2-2-2 신경망의 순전파와 역전파",
    "The error is half the sum of squares, so its gradient has no factor 2. The biases are "
    "not trained. dnet_o1 is what the page calls delta_o1.": (
        "오차는 제곱합의 절반이어서 기울기에 2가 붙지 않습니다. 편향은 학습하지 않습니다. "
        "dnet_o1이 원문의 delta_o1입니다."
    ),
    "The 2-2-2 network after one step, and after 10,000": (
        "2-2-2 신경망: 한 단계 뒤와 10,000단계 뒤"
    ),
    "The page prints the error after one step as 0.291027924; in double precision it is "
    "0.29102777369359933.": (
        "원문은 한 단계 뒤의 오차를 0.291027924라고 적었지만, 배정밀도로는 "
        "0.29102777369359933입니다."
    ),
    "Updating a layer before the gradient has passed through it": (
        "기울기가 지나가기도 전에 계층을 갱신하는 실수"
    ),
    "All gradients belong to the weights of the forward pass. Whoever updates w5 ... w8 first "
    "and then goes on backward gets 0.00036472 instead of 0.00043857 for w1.": (
        "모든 기울기는 순전파 때의 가중치에서 구해야 합니다. w5 ... w8을 먼저 갱신하고 역전파를 "
        "계속하면 w1의 기울기가 0.00043857이 아니라 0.00036472가 됩니다."
    ),
    # --- the book --------------------------------------------------------------------------
    "Softmax of three scores": "점수 세 개의 소프트맥스",
    "The three-layer network with the book's trained weights": (
        "책이 학습해 둔 가중치를 쓰는 3층 신경망"
    ),
    "not reproducible here: 0.9352 belongs to the weights of the book's sample_weight.pkl. "
    "That file does not come with glassgrad, and a pickle is never loaded: it can run code.": (
        "여기서는 재현할 수 없습니다: 0.9352는 책의 sample_weight.pkl에 든 가중치의 값입니다. 그 "
        "파일은 glassgrad에 들어 있지 않고, 피클은 코드를 실행할 수 있어 절대 읽지 않습니다."
    ),
    "Two losses for two answers, where the truth is 2": "정답이 2일 때, 두 가지 답의 두 가지 손실",
    "The book's mean_squared_error is half the sum of squares, without a mean. Its "
    "cross_entropy_error adds 1e-7 inside the logarithm.": (
        "책의 mean_squared_error는 평균이 아니라 제곱합의 절반입니다. cross_entropy_error는 로그 "
        "안에 1e-7을 더합니다."
    ),
    "A central difference against the derivative": "중심 차분과 미분의 비교",
    "Both derivatives of 0.01 x^2 + 0.1 x: the difference quotient is off in the 12th digit, "
    "the chain rule is not.": (
        "0.01 x^2 + 0.1 x의 두 가지 미분: 차분은 열두째 자리에서 어긋나지만 연쇄 법칙은 그렇지 "
        "않습니다."
    ),
    "100 steps downhill from (-3, 4), and learning rates that fail": (
        "(-3, 4)에서 내려가는 100걸음, 그리고 실패하는 학습률"
    ),
    "With learning rate 10 each exact step multiplies x by -19, so 100 steps reach 1e128. The "
    "book prints -2.58983747e13 because its gradient is numerical: once x is near 1e13, h = "
    "1e-4 is lost in the rounding of x, the difference is 0 and the descent stands still.": (
        "학습률이 10이면 정확한 한 단계마다 x에 -19가 곱해져 100단계 뒤에는 1e128에 이릅니다. 책이 "
        "-2.58983747e13을 얻는 까닭은 기울기를 수치 미분으로 구하기 때문입니다. x가 1e13에 이르면 "
        "h = 1e-4는 x의 반올림에 묻혀 차가 0이 되고, 하강이 멈춥니다."
    ),
    "The gradient of a network of one weight matrix": "가중치 행렬이 하나인 신경망의 기울기",
    "printed_loss has the book's 1e-7 inside the logarithm and gives 0.92806829. The gradient "
    "that the book prints is that of the loss without it, 0.92806854.": (
        "printed_loss는 책처럼 로그 안에 1e-7을 더한 것으로 0.92806829입니다. 책에 인쇄된 기울기는 "
        "그것이 없는 손실 0.92806854의 기울기입니다."
    ),
    "Two apples and the tax": "사과 두 개와 소비세",
    "Two apples, three oranges and the tax": "사과 두 개, 귤 세 개와 소비세",
    "The book prints dorange as 3.3000000000000003: 3 times 1.1 in double precision.": (
        "책은 dorange를 3.3000000000000003으로 적습니다. 배정밀도로 계산한 3 곱하기 1.1입니다."
    ),
    "The affine layer: the bias is used by every row": "아핀 계층: 편향은 모든 행에 더해진다",
    "dB is the sum over the batch, because each row adds the same bias.": (
        "행마다 같은 편향을 더하므로 dB는 배치에 대한 합입니다."
    ),
    "Softmax and cross-entropy as one layer: y - t": (
        "소프트맥스와 교차 엔트로피를 계층 하나로: y - t"
    ),
    "In a batch everything is divided by its size. The book's layer ignores dout; this one "
    "multiplies by it.": (
        "배치에서는 모든 값을 배치의 크기로 나눕니다. 책의 계층은 dout을 무시하지만 "
        "여기서는 곱합니다."
    ),
    "The book's gradient check, and what it really found": (
        "책의 기울기 확인, 그리고 그것이 정말로 찾아낸 것"
    ),
    "The 1.4e-7 of b2 is no error of the difference quotients. The book's loss is log(y + "
    "1e-7), but its layer returns (y - t) / N, the gradient without the 1e-7. Row 2 is the "
    "layer against the derivative of the loss as written; row 3 checks the loss without 1e-7 "
    "and is a thousand times smaller. In the official run a ReLU kink was crossed as well: "
    "1.8e-6 for W1.": (
        "b2의 1.4e-7은 차분의 오차가 아닙니다. 책의 손실은 log(y + 1e-7)인데 계층은 1e-7이 없는 "
        "기울기 (y - t) / N을 돌려줍니다. 2행은 그 계층과, 적힌 그대로의 손실을 미분한 것의 "
        "차이입니다. 3행은 1e-7이 없는 손실을 확인한 것으로 천 배쯤 작습니다. 공식 실행에서는 "
        "ReLU의 꺾인 점도 지나갔습니다: W1이 1.8e-6."
    ),
    "The two-layer network on MNIST": "MNIST와 2층 신경망",
    "784-50-10 with ReLU, weights 0.01 randn, batches of 100 drawn with replacement, learning "
    "rate 0.1, 10,000 steps; the accuracy is printed every 600 steps.": (
        "784-50-10, ReLU, 가중치는 0.01 randn, 배치 100개를 복원 추출, 학습률 0.1, 10,000단계. "
        "정확도는 600단계마다 출력합니다."
    ),
    "The two-layer network of chapter 4, with sigmoid": "4장의 2층 신경망, 시그모이드",
    "The settings of the ReLU network. Numerical gradients are too slow for it: like the "
    "book's program, it trains with the backward pass of chapter 5.": (
        "설정은 ReLU 신경망과 같습니다. 수치 미분으로 기울기를 구하면 너무 느리므로, 책의 "
        "프로그램처럼 5장의 역전파로 학습합니다."
    ),
    # --- XOR -------------------------------------------------------------------------------
    "XOR from 30 starts in six ways": "초깃값 30가지, 여섯 방법으로 푼 XOR",
    "Without biases XOR is solvable, but the outputs stay near 0.12 0.82 0.82 0.23, and "
    "success depends on the start: all of np.random.rand, 3 of 30 of randn. (0, 0) always "
    "gives the hidden values 0.5, 0.5, because nothing but a bias can move sigmoid(0).": (
        "편향이 없어도 XOR은 풀리지만 출력은 0.12 0.82 0.82 0.23 근처에 머물고, 성공은 초깃값에 "
        "달렸습니다: np.random.rand는 모두, randn은 30번 가운데 3번. (0, 0)의 은닉값은 언제나 0.5, "
        "0.5입니다. sigmoid(0)을 움직일 수 있는 것은 편향뿐이기 때문입니다."
    ),
    "The first forward and backward pass of XOR": "XOR의 첫 순전파와 역전파",
    "The first row of hidden is 0.5, 0.5 whatever the weights are: without biases the input "
    "(0, 0) says nothing.": (
        "가중치가 무엇이든 hidden의 첫 행은 0.5, 0.5입니다. 편향이 없으면 입력 (0, 0)은 아무것도 "
        "말해 주지 못합니다."
    ),
    # --- micrograd -------------------------------------------------------------------------
    "The expression of micrograd's README": "micrograd README의 식",
    "The README prints four decimals: 24.7041, 138.8338, 645.5773.": (
        "README는 소수 넷째 자리까지 적습니다: 24.7041, 138.8338, 645.5773."
    ),
    "The lecture's first graph, (a b + c) f": "강의의 첫 그래프, (a b + c) f",
    "The lecture's tanh neuron": "강의의 tanh 뉴런",
    "The bias is chosen so that the derivative of tanh is one half.": (
        "편향은 tanh의 미분이 2분의 1이 되도록 골랐습니다."
    ),
    "The neuron of micrograd's picture": "micrograd 그림의 뉴런",
    "The moons: 337 parameters, hinge loss": "초승달 데이터: 매개변수 337개, 힌지 손실",
    # --- DeZero ----------------------------------------------------------------------------
    "square(exp(square(x)))": "square(exp(square(x)))",
    "The sphere function": "구 함수",
    "The Matyas function": "마차시 함수",
    "The Goldstein-Price function": "골드스타인-프라이스 함수",
    "The Rosenbrock function": "로젠브록 함수",
    "Newton's method on x^4 - 2 x^2": "x^4 - 2 x^2에 쓴 뉴턴 방법",
    "The second derivative is the gradient of the gradient; none is typed.": (
        "2차 미분은 기울기의 기울기입니다. 손으로 쓴 미분은 없습니다."
    ),
    "Derivatives of sin and tanh up to order 6": "sin과 tanh의 6차까지의 미분",
    "sin stays small, because its derivatives are sin and cos again. The graph of tanh grows "
    "with each order: the picture of step 35. The expected values are from mpmath, at x = 1.": (
        "sin은 미분해도 다시 sin과 cos이어서 작게 남습니다. tanh의 그래프는 차수마다 커집니다. "
        "35단계의 그림이 이것입니다. 기댓값은 x = 1에서 mpmath로 구했습니다."
    ),
    "A gradient inside the function that is differentiated": "미분할 함수 안에 들어 있는 기울기",
    "z = (2x)^3 + x^2, so dz/dx = 24 x^2 + 2 x, which is 100 at x = 2.": (
        "z = (2x)^3 + x^2이므로 dz/dx = 24 x^2 + 2 x이고, x = 2에서 100입니다."
    ),
    # --- gradients in depth, and kinks -----------------------------------------------------
    "The size of the gradient in ten layers": "열 개 계층에서 기울기의 크기",
    "The derivative of the sigmoid is at most 1/4, so each layer multiplies the gradient by at "
    "most a quarter of the weights' norm. A ratio of the first to the tenth layer below 1e-3 "
    "is called vanishing, above 1e3 exploding.": (
        "시그모이드의 미분은 많아야 1/4이므로, 계층마다 기울기에 많아야 가중치 노름의 4분의 1이 "
        "곱해집니다. 첫 계층과 열째 계층의 비가 1e-3보다 작으면 기울기 소실, 1e3보다 크면 기울기 "
        "폭발이라고 합니다."
    ),
    "Derivatives at kinks, in seven programs": "꺾인 점에서의 미분, 프로그램 일곱 가지",
    "At a kink every number between the one-sided derivatives is a subgradient; a program has "
    "to choose. glassgrad: two arrays share a tie evenly, a Python scalar wins it, so "
    "np.maximum(x, 0) has derivative 0 at 0 and relu is exactly that; |x| has 0.": (
        "꺾인 점에서는 좌우 미분 사이의 모든 수가 열기울기이므로 프로그램이 하나를 골라야 합니다. "
        "glassgrad에서는 두 배열이 같으면 똑같이 나누고, 상대가 파이썬 수이면 그 수가 이깁니다. "
        "그래서 np.maximum(x, 0)의 미분은 0에서 0이고 relu가 바로 그것입니다. |x|도 0입니다."
    ),
}
