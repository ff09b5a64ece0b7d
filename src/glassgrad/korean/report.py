"""Korean twins of the messages of one topic: costs, reports, the time machine."""

MESSAGES: dict[str, str] = {
    # cost
    "equation": "식",
    "operations": "연산",
    "result": "결과",
    "kept": "보관",
    "because of": "보관하는 까닭",
    "time": "시간",
    "forward": "순전파",
    "backward": "역전파",
    "update": "갱신",
    "results": "결과",
    "outside of layers": "계층 밖",
    "and {count} equations that cost less": "그 밖에 비용이 더 적은 식 {count}개",
    "read by the backward pass too, and there anyway:": (
        "역전파에서 함께 읽지만 따로 보관하지 않아도 되는 값:"
    ),
    # the command
    "into runs/digits/report.html": "runs/digits/report.html에 쓰기",
    "in Korean, into another file": "한국어로, 다른 파일에 쓰기",
    "Write the report of a trained run again: one HTML file with data, curves, mistakes, weights, "
    "graph, source, diagnosis and costs.": (
        "학습한 실행의 보고서를 다시 씁니다. 데이터, 곡선, 틀린 예, 가중치, 계산 그래프, 소스, "
        "진단, 비용을 HTML 파일 하나에 담습니다."
    ),
    "where to; RUN/report.html if not given": "쓸 곳; 주지 않으면 RUN/report.html",
    "write no report.html": "report.html을 쓰지 않음",
    "The training data are not there ({reason}).": "학습 데이터를 찾을 수 없습니다({reason}).",
    "the target": "목푯값",
    "the report could not be written: {reason}": "보고서를 쓰지 못했습니다: {reason}",
    "report: {path}": "보고서: {path}",
    # headings
    "What was trained": "무엇을 학습했는가",
    "Learning curves": "학습 곡선",
    "Right and wrong": "맞힌 것과 틀린 것",
    "Decision boundary": "결정 경계",
    "First layer": "첫 번째 계층",
    "Activations and gradients": "활성화값과 기울기",
    "Computational graph": "계산 그래프",
    "Training script": "학습 스크립트",
    "Diagnosis": "진단",
    "Cost": "비용",
    "How to repeat it": "다시 해 보려면",
    "This section could not be made: {reason}": "이 절을 만들지 못했습니다: {reason}",
    "Written by glassgrad; the page needs no network and runs no request.": (
        "glassgrad가 쓴 보고서입니다. 네트워크 없이 열리며 아무것도 요청하지 않습니다."
    ),
    # the head
    "A network of {parameters:,} parameters that tells {n} classes apart: {share} of "
    "{rows_count:,} {rows} are right.": (
        "매개변수 {parameters:,}개로 클래스 {n}개를 가려내는 신경망. {rows} {rows_count:,}개에서 "
        "정확도는 {share}입니다."
    ),
    "A network of {parameters:,} parameters that predicts {target}: on {rows_count:,} {rows} it "
    "explains {share} of the variance.": (
        "매개변수 {parameters:,}개로 {target:을/를} 예측하는 신경망. {rows} {rows_count:,}개에서 "
        "설명하는 분산의 비율은 {share}입니다."
    ),
    "{part}: accuracy": "{part} 정확도",
    "{part}: R²": "{part} R²",
    "steps": "스텝",
    "seconds": "초",
    # what was trained
    "test images": "시험 이미지",
    "test rows": "시험 행",
    "training images": "학습 이미지",
    "training rows": "학습 행",
    "rows that are not at hand": "지금은 없는 행",
    "{h} × {w} pixels": "{h} × {w} 픽셀",
    "{h} × {w} pixels in {c} channels": "채널 {c}개의 {h} × {w} 픽셀",
    "{n:,} numbers a row": "행마다 수 {n:,}개",
    "{n:,} {rows}": "{rows} {n:,}개",
    "{n} threads": "스레드 {n}개",
    "From {shape} the network tells {n} classes: {names}.": (
        "신경망은 {shape:을/를} 보고 클래스 {n}개를 가려냅니다: {names}."
    ),
    "From {shape} the network tells {name}.": (
        "신경망은 {shape:을/를} 보고 {name:을/를} 예측합니다."
    ),
    "The data set {name}: {counts}.": "데이터 세트 {name}: {counts}.",
    "What is tested was never trained on.": "시험 자료는 학습에 한 번도 쓰지 않았습니다.",
    "Training took {steps:,} steps in {epochs:,} epochs and {seconds} seconds.": (
        "{epochs:,}에폭, {steps:,}스텝을 학습하는 데 {seconds}초가 걸렸습니다."
    ),
    # curves
    "No epoch was completed, so there is no curve.": "끝난 에폭이 없어 곡선이 없습니다.",
    "training": "학습",
    "validation": "검증",
    "Loss by epoch": "에폭별 손실",
    "The axis is logarithmic: equal steps are equal ratios.": (
        "세로축은 로그 눈금이어서 같은 간격은 같은 비율을 뜻합니다."
    ),
    "loss ({name})": "손실 ({name})",
    "epoch": "에폭",
    "The mean loss of the one epoch is {value}.": "한 에폭의 평균 손실은 {value}입니다.",
    "The loss rises from {a} to {b}.": "손실이 {a}에서 {b}까지 커졌습니다.",
    "The training loss falls from {a} in the first epoch to {b} in the last; half of the way is "
    "done by epoch {epoch:,}.": (
        "학습 손실은 첫 에폭의 {a}에서 마지막 에폭의 {b}까지 줄었고, {epoch:,}번째 에폭에서 이미 "
        "절반을 내려왔습니다."
    ),
    "The validation loss is least at epoch {epoch:,} ({a}) and then rises to {b}: from there on "
    "the network learns the training rows by heart.": (
        "검증 손실은 {epoch:,}번째 에폭에서 가장 작고({a}) 그 뒤 {b}까지 다시 커집니다. 그때부터 "
        "신경망은 학습 자료를 외우는 과대적합에 들어섰습니다."
    ),
    "The validation loss ends at {b}, its least value or near it.": (
        "검증 손실은 가장 작은 값이거나 그에 가까운 {b}에서 끝났습니다."
    ),
    "{metric} by epoch": "에폭별 {metric}",
    "The {metric} ends at {b}.": "마지막 {metric:은/는} {b}입니다.",
    "The {metric} on the training rows rises from {a} to {b}, and is within a hundredth of that "
    "rise by epoch {epoch:,}.": (
        "학습 자료에서 {metric:이/가} {a}에서 {b}까지 올랐고, {epoch:,}번째 에폭에서 이미 그 "
        "상승의 99%를 마쳤습니다."
    ),
    "The learning rate is {rate} throughout.": "학습률은 처음부터 끝까지 {rate}입니다.",
    "The learning rate goes from {a} to {b}; its greatest value is {most}.": (
        "학습률은 {a}에서 시작하여 {b}에서 끝나며, 가장 클 때는 {most}입니다."
    ),
    "Learning rate by epoch": "에폭별 학습률",
    # right and wrong
    "The data are not at hand, so nothing is judged here.": (
        "데이터가 없어 여기서는 아무것도 평가하지 않았습니다."
    ),
    "Confusion matrix": "혼동 행렬",
    "true class": "실제 클래스",
    "predicted class": "예측한 클래스",
    "There is no mistake to show.": "보여 줄 틀린 예가 없습니다.",
    "{right:,} of {total:,} {rows} lie on the diagonal, where prediction and truth agree "
    "({share}).": (
        "{rows} {total:,}개 가운데 {right:,}개({share})가 예측과 실제가 같은 대각선에 놓입니다."
    ),
    "The most frequent mistake: {a} taken for {b}, {count} of {all} times.": (
        "가장 잦은 실수는 {a:을/를} {b:으로/로} 본 것으로, {all}번 가운데 {count}번입니다."
    ),
    "A cell is the stronger in colour, the greater its share of its row.": (
        "한 칸이 그 행에서 차지하는 비율이 클수록 색이 짙습니다."
    ),
    "true: {name}": "실제: {name}",
    "The {count} worst of {all} mistakes, the worst first: below each image its true class, then "
    "what the network said and how sure it was.": (
        "틀린 {all}개 가운데 가장 크게 틀린 {count}개를 차례로 보입니다. 이미지 아래에 실제 "
        "클래스를, 이어서 신경망의 답과 그 확신을 적었습니다."
    ),
    "In the first it was {share} sure of {b}, and it is {a}.": (
        "첫 이미지에서 신경망은 {share}의 확신으로 {b:이라고/라고} 답했지만 실제로는 {a}입니다."
    ),
    "The worst mistakes": "가장 크게 틀린 예",
    "row": "행",
    "sure": "확신",
    "The {count} worst of {all} mistakes, the one with the greatest loss first.": (
        "틀린 {all}개 가운데 손실이 가장 큰 {count}개를 차례로 보입니다."
    ),
    "Each point is one of {n:,} {rows}; on the line, prediction and truth agree. R² is {r2}; half "
    "of the predictions are off by less than {half}.": (
        "점 하나가 {rows} {n:,}개 가운데 하나이고, 직선 위에서는 예측과 실제가 같습니다. R²는 "
        "{r2:이고/고}, 예측의 절반은 오차가 {half}보다 작습니다."
    ),
    "Predicted against true {name}": "{name}의 예측값과 실젯값",
    "true {name}": "{name}의 실젯값",
    "predicted {name}": "{name}의 예측값",
    "true": "실제",
    "predicted": "예측",
    "off by": "오차",
    "The {count} rows that are furthest off.": "오차가 가장 큰 {count}행입니다.",
    # what was learnt
    "The network has no layer of weights.": "이 신경망에는 가중치가 있는 계층이 없습니다.",
    "unit {i}": "뉴런 {i}",
    "dark is a positive weight, light a negative one, grey is zero": (
        "어두우면 양의 가중치, 밝으면 음의 가중치, 회색은 0"
    ),
    "each colour channel is brighter where its weight is positive; grey is zero": (
        "색 채널마다 가중치가 양이면 밝고, 회색은 0"
    ),
    "The weights into {shown} of {all} units of the first layer, the longest first: {sign}. The "
    "longest is unit {i} (length {a}), {ratio} times the median.": (
        "첫 번째 계층의 뉴런 {all}개 가운데 {shown}개로 들어가는 가중치를 긴 것부터 보입니다"
        "({sign}). 가장 긴 것은 뉴런 {i}(길이 {a})로, 중앙값의 {ratio}배입니다."
    ),
    "Weights of the first layer": "첫 번째 계층의 가중치",
    "How strongly each input enters the first layer: the length of its {n} weights. {first} enters "
    "most, {ratio} times as strongly as the median.": (
        "각 입력이 첫 번째 계층에 얼마나 세게 들어가는지를 가중치 {n}개의 길이로 보입니다. 가장 "
        "세게 들어가는 {first:은/는} 중앙값의 {ratio}배입니다."
    ),
    "The {n} strongest are shown.": "가장 센 {n}개만 보였습니다.",
    "Weights of the first layer by input": "입력별 첫 번째 계층의 가중치",
    "length of the weights": "가중치의 길이",
    "The colour says which class the network gives each point, and is the deeper the surer it is; "
    "on the line between two regions it cannot tell.": (
        "색은 신경망이 그 점에 매기는 클래스이며 확신이 클수록 짙습니다. 두 영역을 가르는 선 "
        "위에서는 가려내지 못합니다."
    ),
    "Of {n:,} training rows {count:,} lie on the wrong side; they are ringed.": (
        "학습 행 {n:,}개 가운데 {count:,}개가 엉뚱한 쪽에 놓였고, 거기에는 동그라미를 쳤습니다."
    ),
    "All {n:,} training rows lie on their own side.": "학습 행 {n:,}개가 모두 제 쪽에 놓였습니다.",
    "output {i}": "출력 {i}",
    "Every row, and what the network puts out for it:": "모든 행과 그에 대한 신경망의 출력:",
    "All {all} mistakes, the one with the greatest loss first.": (
        "틀린 {all}개를 손실이 큰 것부터 모두 보입니다."
    ),
    # flow
    "mean {m}, deviation {s}": "평균 {m}, 표준 편차 {s}",
    "{share} are 0": "0의 비율 {share}",
    "What leaves each layer for {n:,} training rows: the axis goes from the least to the greatest "
    "value.": (
        "학습 행 {n:,}개에서 각 계층을 나서는 값의 분포입니다. 가로축은 최솟값부터 최댓값까지 "
        "나타냅니다."
    ),
    "Of what leaves {name}, {share} is exactly 0.": (
        "{name:을/를} 나서는 값 가운데 정확히 0인 것의 비율은 {share}입니다."
    ),
    "Activations by layer": "계층별 활성화값",
    "{layer}, before": "{layer}, 학습 전",
    "{layer}, after": "{layer}, 학습 후",
    "The size (root mean square) of the gradient that comes back to what leaves each layer, on a "
    "logarithmic axis.": (
        "각 계층을 나서는 값으로 되돌아온 기울기의 크기(제곱 평균 제곱근)입니다. 가로축은 로그 "
        "눈금입니다."
    ),
    "Gradients by layer": "계층별 기울기",
    "root mean square of the gradient": "기울기의 제곱 평균 제곱근",
    "Back at the first layer it is {ratio} of the last's: it vanishes.": (
        "첫 번째 계층에서는 마지막 계층의 {ratio}배밖에 남지 않으니 기울기 소실입니다."
    ),
    "Back at the first layer it is {ratio} times the last's: it explodes.": (
        "첫 번째 계층에서는 마지막 계층의 {ratio}배로 커지니 기울기 폭발입니다."
    ),
    "Before training, the first layer's is {ratio} times the last's: it neither vanishes nor "
    "explodes.": (
        "학습 전 첫 번째 계층의 기울기는 마지막 계층의 {ratio}배로, 기울기 소실도 폭발도 없습니다."
    ),
    "The first layer's is {ratio} times the last's.": (
        "첫 번째 계층의 기울기는 마지막 계층의 {ratio}배입니다."
    ),
    "Training has made them {ratio} times smaller, which is what a minimum means.": (
        "학습하면서 기울기가 {ratio}분의 1로 작아졌습니다. 최솟값에 다가간다는 것이 이런 뜻입니다."
    ),
    "Training has made them {ratio} times larger.": "학습하면서 기울기가 {ratio}배로 커졌습니다.",
    # the machine
    "The {count} operations from {n} training rows to their loss, folded by layer, with the values "
    "of the trained network in blue and the gradients in vermilion.": (
        "학습 행 {n}개에서 손실까지 이어지는 연산 {count}개를 계층별로 접어 그렸습니다. 학습한 "
        "신경망의 값은 파란색, 기울기는 주황색입니다."
    ),
    "The whole training as a script that needs nothing but NumPy: forward pass, backward pass, "
    "update and loop. It was run and compared with the graph before it was printed.": (
        "순전파, 역전파, 갱신, 반복까지 학습 전체를 NumPy만 있으면 돌아가는 스크립트로 "
        "나타냈습니다. 출력하기 전에 실행하여 계산 그래프와 견주어 보았습니다."
    ),
    "For {n} rows the forward pass takes {a:,} operations and the backward pass {b:,}, {ratio} "
    "times as many; {layer} alone takes {share} of both. Until the backward pass has read them, "
    "{kept} of results are kept.": (
        "{n}행에 대해 순전파는 연산 {a:,}번, 역전파는 그 {ratio}배인 {b:,}번이 듭니다. 그 가운데 "
        "{layer} 하나의 몫이 {share}입니다. 역전파에서 읽을 때까지 결과 {kept:을/를} 보관합니다."
    ),
    "The same command on the same versions gives the same numbers bit for bit: rows, starting "
    "weights and dropout are drawn from the seed {seed}.": (
        "같은 버전에서 같은 명령을 내리면 비트까지 같은 수가 나옵니다. 행의 순서, 가중치의 초깃값, "
        "드롭아웃은 모두 시드 {seed}에서 뽑습니다."
    ),
    "Command": "명령",
    "Data: {origin}": "데이터: {origin}",
    "What the numbers say of the network and {n:,} of its training rows:": (
        "신경망과 학습 자료 {n:,}개를 재어 본 결과입니다."
    ),
    "`glassgrad diagnose` also tries out whether it learns a few rows by heart.": (
        "`glassgrad diagnose`는 몇 행만 외울 수 있는지도 실제로 학습시켜 봅니다."
    ),
    # the time machine
    "{path} has no step {step}": "{path}에는 스텝 {step:이/가} 없습니다",
    "{run}, step {step:,}": "{run}, 스텝 {step:,}",
    "step {step:,} of {last:,}: epoch {epoch:,}, batch {batch:,}": (
        "{last:,}스텝 가운데 {step:,}번째 스텝: 에폭 {epoch:,}, 미니배치 {batch:,}"
    ),
    "loss {loss:.9g}, learning rate {rate:.6g}": "손실 {loss:.9g}, 학습률 {rate:.6g}",
    "change": "변화",
    "change / value": "변화 / 값",
    "(root mean squares, before the update)": "(갱신하기 전 값의 제곱 평균 제곱근)",
    "least": "최솟값",
    "greatest": "최댓값",
    # the network
    "The first of the {rows} passes through the network from left to right; the fuller a neuron, "
    "the larger what it passes on.": (
        "첫 번째 {rows:이/가} 신경망을 왼쪽에서 오른쪽으로 지나갑니다. 많이 채워진 뉴런일수록 더 "
        "큰 값을 넘깁니다."
    ),
    "Of a long layer the first and last neurons are drawn, and dots for those between.": (
        "긴 계층은 처음과 끝의 뉴런만 그리고 그 사이는 점으로 나타냈습니다."
    ),
    "what this step of a run computed": "실행의 이 스텝에서 계산한 값",
    "print JSON, for --time-machine and --native": (
        "--time-machine과 --native의 결과를 JSON으로 출력"
    ),
    "what step 120 of its training computed, bit for bit": (
        "학습의 120번째 스텝에서 계산한 값을 비트까지 똑같이"
    ),
    "a step is written as a page: -o FILE.html": "스텝은 페이지로 씁니다: -o FILE.html",
}
