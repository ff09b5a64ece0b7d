"""Korean twins of the messages of one topic: exported programs."""

MESSAGES: dict[str, str] = {
    # the command
    "Write a trained run as a program of its own: raw rows in, labels or quantities out, as "
    "glassgrad predict gives them. It holds the weights, the imputation, the scaling, the "
    "categories and the names of the classes.": (
        "학습한 실행을 따로 도는 프로그램으로 씁니다. 원본 행을 넣으면 glassgrad predict와 똑같이 "
        "레이블이나 값을 냅니다. 가중치, 빈 칸 채우기, 스케일링, 범주, 클래스 이름이 모두 "
        "들어갑니다."
    ),
    "iris.py, which predicts from raw rows and needs NumPy alone": (
        "원본 행으로 예측하며 NumPy만 있으면 되는 iris.py"
    ),
    "prints what glassgrad predict prints": "glassgrad predict와 같은 것을 출력합니다",
    "with a training step, to go on learning elsewhere": (
        "다른 곳에서 학습을 이어 갈 수 있도록 학습 단계까지 씁니다"
    ),
    "iris.c, for machines without Python and without a C library": (
        "Python도 C 라이브러리도 없는 기계에서 쓸 iris.c"
    ),
    "what it is written in: numpy or c": "쓸 형식: numpy 또는 c",
    "where to; RUN's name if not given": "쓸 곳; 주지 않으면 실행의 이름",
    "the network alone: its own inputs in, its outputs out": (
        "신경망만: 신경망의 입력을 받아 출력을 냅니다"
    ),
    "with a training step and the optimiser's state": ("학습 단계와 최적화 기법의 상태까지 씁니다"),
    "C without a library: not even math.h; else math.h": (
        "math.h조차 쓰지 않는 C; 정하지 않으면 math.h를 씁니다"
    ),
    "rows of one training step in C; 1 by default": "C에서 학습 단계 하나의 행 수; 정하지 않으면 1",
    "replace a file that is there": "이미 있는 파일을 바꿉니다",
    "format": "형식",
    "replace it by --force, or choose another -o FILE": (
        "--force로 바꾸거나, 다른 -o FILE을 고르십시오"
    ),
    "there is a file {path} already": "{path} 파일이 이미 있습니다",
    "{name} is for --to c": "{name:은/는} --to c에만 씁니다",
    "{name} is for --train": "{name:은/는} --train에만 씁니다",
    "a file {name}": "{name} 파일",
    "{path} has another suffix": "{path:은/는} 확장자가 다릅니다",
    "{path} would hide a module that the program imports": (
        "{path:이/가} 프로그램이 불러오는 모듈을 가립니다"
    ),
    "choose another name": "다른 이름을 고르십시오",
    # what cannot be written
    "{text!r} cannot be written as a C string": "{text!r:은/는} C 문자열로 쓸 수 없습니다",
    "a text of {n:,} bytes is too long for C": "{n:,}바이트 글은 C에 너무 깁니다",
    "at most {n:,} bytes": "최대 {n:,}바이트",
    "the printed network differs from the model": "출력한 신경망이 모델과 다릅니다",
    "the program has {names} twice": "프로그램에 {names:이/가} 두 번 있습니다",
}
