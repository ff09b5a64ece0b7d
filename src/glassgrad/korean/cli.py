"""Korean twins of the messages of one topic: cli."""

MESSAGES: dict[str, str] = {
    # --- help pages ---
    "Usage": "사용법",
    "Commands": "명령",
    "Options": "선택 사항",
    "Examples": "예",
    "Data": "데이터",
    "Network": "신경망",
    "Training": "학습",
    "Run": "실행 결과 폴더",
    "show this page": "이 도움말을 보여 줍니다",
    "show the version": "버전을 보여 줍니다",
    "language: en or ko": "언어: en 또는 ko",
    "see: {command}": "참고: {command}",
    "Deep learning you can see through: train networks, check gradients, and run the famous "
    "worked examples to the digit.": (
        "속이 들여다보이는 딥러닝: 신경망을 학습시키고, 기울기를 확인하고, 널리 알려진 예제를 "
        "마지막 자리까지 재현합니다."
    ),
    "a network for real handwritten digits, in seconds": (
        "실제 손글씨 숫자를 알아보는 신경망을 몇 초 만에 학습시킵니다"
    ),
    "what it says of the user's own rows": "학습한 신경망으로 내 자료의 행을 예측합니다",
    "everything that can be chosen": "고를 수 있는 모든 것",
    "the same in Korean": "같은 내용을 한국어로",
    # --- usage ---
    "{name} needs a value": "{name}에 값을 주어야 합니다",
    "{name} is missing": "{name:이/가} 빠졌습니다",
    "unexpected argument {word!r}": "쓰이지 않는 인수 {word!r:이/가} 있습니다",
    "interrupted": "중단되었습니다",
    "warning": "주의",
    "a file": "파일",
    "command": "명령",
    "key": "키",
    "dtype": "자료형",
    "back end": "백엔드",
    # --- values of settings ---
    "{value!r} is not a text": "{value!r:은/는} 글자열이 아닙니다",
    "{value!r} is neither true nor false": "{value!r:은/는} 참도 거짓도 아닙니다",
    "{value!r} is not an integer": "{value!r:은/는} 정수가 아닙니다",
    "{value!r} is not a number": "{value!r:은/는} 수가 아닙니다",
    "{value} is outside what is allowed": "{value:은/는} 허용된 범위 밖입니다",
    "{value!r} is not an option": "{value!r:은/는} 올바른 선택 사항이 아닙니다",
    "{value!r} is not a goal": "{value!r:은/는} 올바른 목표가 아닙니다",
    "epochs and steps are both given": "에폭 수와 갱신 횟수를 둘 다 주었습니다",
    "{name} has no options": "{name}에는 선택 사항이 없습니다",
    "{name} takes no seed {seed}": "{name:은/는} 시드 {seed:을/를} 받지 않습니다",
    # --- settings: data ---
    "a data set's name, or a file of rows": "데이터셋 이름, 또는 행이 든 파일",
    "the column to predict, by name or position (-1: the last)": (
        "예측할 열의 이름이나 위치 (-1: 마지막 열)"
    ),
    "columns to leave out": "뺄 열",
    "missing cells: refuse them, drop their rows, or fill them in": (
        "빈 칸: 거부하거나, 그 행을 빼거나, 채웁니다"
    ),
    "classification or regression; by default text and few distinct integers are classes": (
        "classification(분류) 또는 regression(회귀). 정하지 않으면 글자와 가짓수가 적은 정수를 "
        "클래스로 봅니다"
    ),
    "of the file's text; UTF-8, else CP949, if not given": (
        "파일의 문자 인코딩. 정하지 않으면 UTF-8, 아니면 CP949"
    ),
    "what parts the cells; found out if not given": "칸을 나누는 문자. 정하지 않으면 알아냅니다",
    "cross-validation: train and test k times": "교차 검증: k번 학습하고 시험합니다",
    "share of the training rows that early stopping watches": (
        "조기 종료가 지켜볼 행이 학습 자료에서 차지하는 비율"
    ),
    "where data sets lie; else GLASSGRAD_DATA, else a download": (
        "데이터셋이 있는 폴더. 정하지 않으면 GLASSGRAD_DATA, 거기에도 없으면 내려받습니다"
    ),
    # --- settings: network ---
    "sizes of the hidden layers; none for no hidden layer": ("은닉층의 크기. 은닉층이 없으면 none"),
    "activation function of the hidden layers: relu, tanh, sigmoid, gelu …": (
        "은닉층의 활성화 함수: relu, tanh, sigmoid, gelu …"
    ),
    "layers with or without biases": "계층에 편향을 두거나 두지 않습니다",
    "starting weights: auto, he, xavier, normal:std=0.01, uniform:low=-1,high=1, rand …": (
        "가중치 초깃값: auto, he, xavier, normal:std=0.01, uniform:low=-1,high=1, rand …"
    ),
    "share of hidden activations that dropout sets to 0": (
        "드롭아웃이 0으로 만드는 은닉층 활성화 값의 비율"
    ),
    "float32 or float64": "float32 또는 float64",
    # --- settings: training ---
    "loss function: cross_entropy, mse, half_sse, huber …": (
        "손실 함수: cross_entropy, mse, half_sse, huber …"
    ),
    "learning rate": "학습률",
    "how often all rows are seen": "모든 행을 보는 횟수 (에폭 수)",
    "how many updates, instead of epochs": "에폭 수 대신 갱신 횟수",
    "rows of one update; full for all of them": "갱신 한 번에 쓰는 행의 수. 모두 쓰려면 full",
    "draw each batch from all rows, as the book does": (
        "책처럼 배치마다 모든 행에서 복원 추출합니다"
    ),
    "stop as soon as a column of the history reaches a number": (
        "기록의 한 항목이 정한 값에 이르면 곧 멈춥니다"
    ),
    "epochs without a better validation loss before it stops": (
        "검증 손실이 나아지지 않아도 기다리는 에폭 수"
    ),
    "weight decay": "가중치 감소",
    "longest gradient; longer ones are scaled down": (
        "기울기의 최대 길이. 더 길면 이 길이로 줄입니다"
    ),
    "of starting weights, batches and splits; 0 by default": (
        "가중치 초깃값, 배치, 분할의 시드. 정하지 않으면 0"
    ),
    "the book's own settings, and its gradient check": "책의 설정 그대로, 책의 기울기 확인과 함께",
    "what runs the training step: native code, numpy, or auto: native where it can be made": (
        "학습 스텝을 실행할 백엔드: native(네이티브 코드), numpy, 또는 만들 수 있으면 native인 auto"
    ),
    # --- settings: run ---
    "name of the run directory": "실행 결과 폴더의 이름",
    "where run directories are made; runs by default": (
        "실행 결과 폴더를 만들 곳. 정하지 않으면 runs"
    ),
    "go on with the run from its last checkpoint": "마지막 체크포인트에서 이어서 학습합니다",
    "print the result only": "결과만 출력합니다",
    "print JSON on stdout": "표준 출력에 JSON을 출력합니다",
    "print JSON": "JSON을 출력합니다",
    # --- config.toml ---
    "it is not valid TOML: {reason}": "올바른 TOML이 아닙니다: {reason}",
    "# How this run was trained; `glassgrad train config.toml` repeats it.": (
        "# 이 학습의 설정. `glassgrad train config.toml`로 되풀이할 수 있습니다."
    ),
    "the key dataset is missing": "dataset 키가 없습니다",
    # --- train: help ---
    "Train a network on a data set (xor, moons, circles, spiral, blobs, digits, mnist, "
    "fashion-mnist, cifar-10), on a CSV or NPZ file of your own, or as a config.toml says. "
    "Prints the layers, a gradient check and the test result, and writes runs/NAME.": (
        "데이터셋(xor, moons, circles, spiral, blobs, digits, mnist, fashion-mnist, cifar-10)이나 "
        "내 CSV·NPZ 파일로, 또는 config.toml에 적힌 대로 신경망을 학습시킵니다. 계층, 기울기 확인, "
        "시험 결과를 출력하고 runs/NAME 폴더에 기록합니다."
    ),
    "handwritten digits that come with the package": "패키지에 들어 있는 손글씨 숫자",
    "XOR of the study note, now with biases": "학습 노트의 XOR, 이번에는 편향과 함께",
    "the book's network and settings": "책의 신경망과 설정",
    "pictures of clothes": "옷 사진",
    "your own table, with cross-validation": "내 표 자료, 교차 검증과 함께",
    "a quantity, with missing cells filled in": "수량을 예측하고 빈 칸은 채웁니다",
    "go on with a run that was interrupted": "중단된 학습을 이어서 합니다",
    "repeat a run": "학습을 되풀이합니다",
    # --- train: what is refused ---
    "--{name} is for files; {dataset} has its own": (
        "--{name:은/는} 파일에만 씁니다. {dataset}에는 이미 정해져 있습니다"
    ),
    "there is no folder {path}": "{path} 폴더가 없습니다",
    "there is no file {path}": "{path} 파일이 없습니다",
    "{path} is a folder without a config.toml": "{path} 폴더에 config.toml이 없습니다",
    "name a data set, a CSV or NPZ file, or a config.toml": (
        "데이터셋 이름이나 CSV·NPZ 파일, 또는 config.toml을 주십시오"
    ),
    "--canon has no settings for {dataset}": "--canon에는 {dataset}의 설정이 없습니다",
    "--canon and --folds are both given": "--canon과 --folds를 둘 다 주었습니다",
    "{loss} is a loss over classes, the task is regression": (
        "{loss:은/는} 클래스에 쓰는 손실 함수인데 과제는 회귀입니다"
    ),
    "there is one class only": "클래스가 하나뿐입니다",
    "the run began with {old}, not {new}": (
        "이 학습은 {new:이/가} 아니라 {old:으로/로} 시작했습니다"
    ),
    "leave {flag} out, or start a new run": "{flag:을/를} 빼거나 새 학습을 시작하십시오",
    "{path} has changed since the run began": "학습을 시작한 뒤에 {path:이/가} 바뀌었습니다",
    "the schedule {name} was planned for the run's length": (
        "학습률 계획 {name:은/는} 처음 정한 학습 길이에 맞춘 것입니다"
    ),
    "start a new run, with --schedule constant if it is to be lengthened later": (
        "새 학습을 시작하십시오. 나중에 늘리려면 --schedule constant로 시작하십시오"
    ),
    # --- train: what is shown ---
    "downloading {name}: {share}%": "{name} 내려받는 중: {share}%",
    "test part: {line}": "시험 자료: {line}",
    "{n:,} rows": "{n:,}행",
    "{n:,} rows for training, {m:,} for testing": "학습 {n:,}행, 시험 {m:,}행",
    "{n} features": "특성 {n}개",
    "classification, {n} classes": "분류, 클래스 {n}개",
    "regression of {target}": "{target} 회귀",
    "layer": "계층",
    "kind": "종류",
    "output shape": "출력 형상",
    "parameters": "매개변수",
    "parameter": "매개변수",
    "total": "합계",
    "largest relative error": "최대 상대 오차",
    "second order": "2차 미분",
    "gradient check: derived against numerical, in float64": (
        "기울기 확인: 유도한 기울기와 수치 미분의 비교 (float64)"
    ),
    "gradient check of the book: 3 images, h = 1e-4, float64": (
        "책의 기울기 확인: 이미지 3장, h = 1e-4, float64"
    ),
    "mean |difference|": "|차이|의 평균",
    "the gradients differ from numerical ones: please report this network": (
        "기울기가 수치 미분과 다릅니다. 이 신경망을 알려 주십시오"
    ),
    "step {step:6d}  train {train:.4f}  test {test:.4f}": (
        "갱신 {step:6d}회  학습 {train:.4f}  시험 {test:.4f}"
    ),
    "fold {i} of {n}": "{n}개 중 {i}번째 묶음",
    "cross-validation of {n} folds, mean ± standard deviation": (
        "묶음 {n}개의 교차 검증, 평균 ± 표준편차"
    ),
    "{steps:,} steps in {epochs:,} epochs": "{epochs:,}에폭에 걸쳐 {steps:,}번 갱신",
    "all done": "정한 만큼 끝냄",
    "the goal is reached": "목표에 이름",
    "stopped early: the validation loss no longer improves": (
        "조기 종료: 검증 손실이 더 나아지지 않음"
    ),
    "training part": "학습 자료",
    "test part": "시험 자료",
    "accuracy": "정확도",
    "accuracy {value:.4f}": "정확도 {value:.4f}",
    "R² {value:.4f}": "R² {value:.4f}",
    "mean absolute error": "평균 절대 오차",
    "mean absolute error {value:.6g}": "평균 절대 오차 {value:.6g}",
    "confusion matrix: rows are true classes, columns predicted ones": (
        "혼동 행렬: 행은 실제 클래스, 열은 예측한 클래스"
    ),
    "the confusion matrix of {n} classes is in --json only": (
        "클래스 {n}개의 혼동 행렬은 --json에만 있습니다"
    ),
    "written: {path}": "기록한 곳: {path}",
    "go on: glassgrad train {path} --resume": "이어서 하려면: glassgrad train {path} --resume",
    "going on with {path}": "{path:을/를} 이어서 학습합니다",
    # --- train: xor ---
    "output": "출력",
    "Not 0 1 1 0, because the network has no biases: the input (0, 0) gives each "
    "sigmoid of the hidden layer exactly 0.5 whatever the weights are, and the output "
    "layer cannot shift its threshold either (CANON C16). With --biases the outputs "
    "come close to 0.03 0.97 0.97 0.03.": (
        "0 1 1 0이 되지 않는 까닭은 편향이 없기 때문입니다. 입력이 (0, 0)이면 은닉층의 "
        "시그모이드는 가중치가 무엇이든 정확히 0.5이고, 출력층도 문턱값을 옮길 수 없습니다 "
        "(CANON C16). --biases를 주면 출력이 0.03 0.97 0.97 0.03에 가까워집니다."
    ),
    "The outputs do not round to 0 1 1 0: more --steps are needed, or another --seed. "
    "Without biases it depends on the start whether XOR is learnt (CANON C16).": (
        "출력을 반올림해도 0 1 1 0이 되지 않습니다. --steps를 늘리거나 --seed를 바꾸십시오. "
        "편향이 없으면 XOR을 배우는지는 초깃값에 달려 있습니다 (CANON C16)."
    ),
    "With biases each layer can shift its threshold, so the outputs come close to "
    "0 1 1 0; with --no-biases they stay near 0.12 0.82 0.82 0.23 (CANON C16).": (
        "편향이 있으면 계층마다 문턱값을 옮길 수 있어 출력이 0 1 1 0에 가까워집니다. --no-biases를 "
        "주면 0.12 0.82 0.82 0.23 근처에 머뭅니다 (CANON C16)."
    ),
    # --- run directories ---
    "there is a run {path} already": "{path} 폴더가 이미 있습니다",
    "go on with it by --resume, or choose another --name": (
        "--resume으로 이어서 하거나 --name으로 다른 이름을 고르십시오"
    ),
    "no free name is left in {path}": "{path}에 남은 이름이 없습니다",
    "{name!r} cannot name a folder": "{name!r:은/는} 폴더 이름이 될 수 없습니다",
    "{path} holds no run of {name} to go on with": ("{path}에 이어서 할 {name} 학습이 없습니다"),
    "there is no run {path}": "{path:이라는/라는} 실행 결과 폴더가 없습니다",
    "there is no run in {path}": "{path}에 실행 결과 폴더가 없습니다",
    "{path} holds no trained model": "{path}에 학습한 모델이 없습니다",
    "train one: glassgrad train digits": "먼저 학습시키십시오: glassgrad train digits",
    "the run {path} has not ended": "{path}의 학습이 끝나지 않았습니다",
    "go on with it: glassgrad train {path} --resume": (
        "이어서 하십시오: glassgrad train {path} --resume"
    ),
    "the table plan is missing": "표 자료의 변환 계획이 없습니다",
    "the classes do not fit the task": "클래스가 과제 종류와 맞지 않습니다",
    "the model does not fit the {n} features of run.json": (
        "모델이 run.json의 특성 {n}개와 맞지 않습니다"
    ),
    # --- evaluate and predict ---
    "Score a trained model: accuracy and confusion matrix, or R² and the mean absolute error. "
    "Works from the run directory alone, on raw rows.": (
        "학습한 모델을 평가합니다: 정확도와 혼동 행렬, 또는 R²와 평균 절대 오차. 실행 결과 폴더만 "
        "있으면 가공하지 않은 행에 쓸 수 있습니다."
    ),
    "on the test part of its data": "그 데이터의 시험 자료로",
    "on labelled raw rows of a file": "정답이 있는 파일의 행으로",
    "{path} was trained on all rows of its file": "{path:은/는} 파일의 모든 행으로 학습했습니다",
    "name a file of labelled rows: glassgrad evaluate RUN FILE": (
        "정답이 있는 파일을 주십시오: glassgrad evaluate RUN FILE"
    ),
    "Predict the class or the quantity of each raw row of a CSV or NPZ file. The columns are "
    "those of the training file, in any order; the target may be absent. Works from the run "
    "directory alone.": (
        "CSV·NPZ 파일의 가공하지 않은 행마다 클래스나 수량을 예측합니다. 열은 학습 파일과 같아야 "
        "하고 순서는 상관없으며, 목표 열은 없어도 됩니다. 실행 결과 폴더만 있으면 됩니다."
    ),
    "one line a row: its number and the class": "행마다 한 줄씩: 행 번호와 클래스",
    "images as rows of raw pixels; with the probability of each class": (
        "이미지는 가공하지 않은 화소의 행으로 주고, 클래스마다 확률을 함께 출력합니다"
    ),
    "into a file": "파일로",
    "write into this file instead": "화면 대신 이 파일에 씁니다",
    "with the probability of each class": "클래스마다 확률을 함께",
    "{n:,} predictions written to {path}": "예측 {n:,}개를 {path}에 기록했습니다",
    "the rows have no target to compare with": "주어진 행에 비교할 목표 열이 없습니다",
    "the rows have no label to compare with": "주어진 행에 비교할 레이블이 없습니다",
    "put the label into a last column": "레이블을 마지막 열에 넣으십시오",
    "the rows have {width} columns, the model takes {n}": (
        "주어진 행의 열은 {width}개인데 모델은 {n}개를 받습니다"
    ),
    "{n} numbers a row, and the label if it is known": "행마다 수 {n}개, 알고 있으면 레이블도",
    "pixels lie in {low:g} … {high:g}": "화소 값이 {low:g} … {high:g} 사이에 있습니다",
    "{name}: pixels of at most 1 look scaled already": (
        "{name}: 화소 값이 1 이하여서 이미 나눈 것으로 보입니다"
    ),
    "raw ones of 0 … {scale:g} are expected": "나누지 않은 0 … {scale:g} 값이어야 합니다",
    "a quantity has no class probabilities": "수량에는 클래스 확률이 없습니다",
    "scores learnt with {loss} are no probabilities": (
        "{loss:으로/로} 학습한 점수는 확률이 아닙니다"
    ),
    "train with --loss cross_entropy": "--loss cross_entropy로 학습시키십시오",
    # --- gradcheck ---
    "Check derived gradients against numerical ones: those of a run (the newest, if none is "
    "named), or of a function in a Python file. The inputs are --args, else what "
    "example_inputs() returns. The exit code is 1 if gradients differ.": (
        "유도한 기울기를 수치 미분과 비교합니다. 대상은 실행 결과 폴더(주지 않으면 가장 최근 것)나 "
        "Python 파일의 함수입니다. 입력은 --args, 없으면 example_inputs()가 돌려주는 값입니다. "
        "기울기가 다르면 종료 코드는 1입니다."
    ),
    "the trained model's gradients": "학습한 모델의 기울기",
    "a function of your own, at random arrays of these shapes": (
        "내 함수를, 이런 형상의 무작위 배열에서"
    ),
    "the second argument: 8 integers below 10, such as labels": (
        "둘째 인수: 레이블처럼 10보다 작은 정수 8개"
    ),
    "and its second derivatives": "2차 미분까지",
    "shapes of random inputs: 3x4,4,scalar,8:10": "무작위 입력의 형상: 3x4,4,scalar,8:10",
    "1, or 2 for second derivatives too": "1, 2차 미분까지 보려면 2",
    "how many elements of each array are tried; 64 by default": (
        "배열마다 확인할 원소의 수. 정하지 않으면 64"
    ),
    "of the random inputs; 0 by default": "무작위 입력의 시드. 정하지 않으면 0",
    "--args is for functions: file.py:function": "--args는 함수에만 씁니다: file.py:function",
    "--args is for functions and saved models: file.py:function, model.safetensors": (
        "--args는 함수와 저장한 모델에만 씁니다: file.py:function, model.safetensors"
    ),
    "{name} takes other inputs": "{name:은/는} 다른 입력을 받습니다",
    "give the shape of a batch: --args 2x1x28x28, or --args 2x16:65 for indices": (
        "배치의 형상을 주십시오: --args 2x1x28x28, 인덱스라면 --args 2x16:65"
    ),
    "name a run, or a function: glassgrad gradcheck file.py:function": (
        "실행 결과 폴더나 함수를 주십시오: glassgrad gradcheck file.py:function"
    ),
    "{path} has no function {name}": "{path}에 함수 {name:이/가} 없습니다",
    "no function of {path} is named": "{path}의 함수 이름을 주지 않았습니다",
    "the inputs of {name} are not known": "{name}의 입력을 알 수 없습니다",
    "give shapes, --args 3x4,4, or define example_inputs()": (
        "--args 3x4,4처럼 형상을 주거나 example_inputs()를 정의하십시오"
    ),
    "{word!r} is no shape": "{word!r:은/는} 형상이 아닙니다",
    "the program {path} failed:": "프로그램 {path:이/가} 실패했습니다:",
    # --- canon ---
    "Show and check the famous worked examples: CS231n, the book, micrograd, DeZero and others.": (
        "널리 알려진 예제를 보여 주고 확인합니다: CS231n, 책, micrograd, DeZero 등."
    ),
    "the list": "목록",
    "every value and gradient of one example": "한 예제의 모든 값과 기울기",
    "as on the slides": "강의 자료처럼",
    "its source text": "예제의 소스 코드",
    "check every number of every example": "모든 예제의 모든 수를 확인합니다",
    "print the example's source text": "예제의 소스 코드를 출력합니다",
    "decimals of the numbers; 15 digits by default": (
        "소수점 아래 자릿수. 정하지 않으면 유효 숫자 15개"
    ),
    "a name and --all are both given": "이름과 --all을 둘 다 주었습니다",
    "{option} needs the name of an example": "{option}에는 예제 이름이 필요합니다",
    "name": "이름",
    "title": "제목",
    "source": "출처",
    "seeds": "시드",
    "numbers": "수",
    "skipped": "건너뜀",
    "DIFFERS": "다름",
    "{name} takes a while": "{name:은/는} 시간이 걸립니다",
    "{name} differs from its source": "{name}의 수가 출처와 다릅니다",
    "{label} is {computed!r}": "{label:은/는} {computed!r}",
    "printed: {number}": "출처: {number}",
    "{right} of {all} numbers agree with the source": "{all}개 중 {right}개가 출처와 일치합니다",
    # --- doctor ---
    "Print versions, BLAS, back ends, threads and data folders, and try a gradient.": (
        "버전, BLAS, 백엔드, 스레드, 데이터 폴더를 출력하고 기울기 하나를 시험합니다."
    ),
    "the same for programs": "같은 내용을 프로그램이 읽을 형식으로",
    "not installed": "설치되지 않음",
    "run from a checkout": "소스에서 바로 실행 중",
    "system": "시스템",
    "{system}, {cpus} CPUs": "{system}, CPU {cpus}개",
    "threads": "스레드",
    "BLAS uses {count}": "BLAS가 {count}개 사용",
    "as the libraries choose": "라이브러리가 정하는 대로",
    "back ends": "백엔드",
    "data folder": "데이터 폴더",
    "nothing there": "아무것도 없음",
    "{name} (damaged)": "{name} (손상됨)",
    "language": "언어",
    "self-test": "자가 시험",
    "FAILED": "실패",
}
