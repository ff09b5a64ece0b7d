"""Korean twins of the messages of one topic: recurrent layers."""

MESSAGES: dict[str, str] = {
    # --- sequences ---
    "takes sequences of 3 axes, got {count}": "축이 3개인 시퀀스를 받는데 축이 {count}개입니다",
    "a sequence has at least one step": "시퀀스에는 시점이 하나 이상 있어야 합니다",
    "axes 1 and 2 look exchanged: `x.swapaxes(1, 2)`": (
        "축 1과 2가 바뀐 것 같습니다: `x.swapaxes(1, 2)`"
    ),
    "numbers of words go through nn.Embedding first": (
        "단어 번호는 먼저 nn.Embedding을 거쳐야 합니다"
    ),
    "one number a step: `x[:, :, None]`": "시점마다 수가 하나라면: `x[:, :, None]`",
    "one sequence is a batch of one: `x[None]`": "시퀀스 하나는 크기가 1인 배치입니다: `x[None]`",
    "lengths must be integers, not {dtype}": "길이는 {dtype:이/가} 아니라 정수여야 합니다",
    "lengths of shape {a} for {n} sequences": "시퀀스는 {n}개인데 길이의 형상이 {a}입니다",
    "a length of {value} in sequences of {time} steps": (
        "시퀀스의 시점은 {time}개인데 길이가 {value}입니다"
    ),
    # --- states ---
    "a state of {given} arrays where {wanted} are kept": (
        "상태는 배열 {wanted}개인데 {given}개를 받았습니다"
    ),
    "the state is {names}": "상태는 {names}입니다",
    "the state {name} has shape {a}, wanted is {b}": (
        "상태 {name}의 형상은 {b}여야 하는데 {a}입니다"
    ),
    "keeps the states of {kept} rows, got {given}": (
        "{kept}개 행의 상태를 이어 가는데 {given}개 행을 받았습니다"
    ),
    "with stateful=n every training batch has n rows": (
        "stateful=n이면 학습 배치마다 행이 n개여야 합니다"
    ),
    "drop the last batch if it is smaller: drop_last=True": (
        "마지막 배치가 더 작으면 빼십시오: drop_last=True"
    ),
    "a layer that reads from the end has no state for the next batch": (
        "끝에서부터 읽는 계층에는 다음 배치로 넘길 상태가 없습니다"
    ),
    "stateful=n reads in one direction": "stateful=n은 한 방향으로만 읽습니다",
    # --- gradients through time ---
    "the model has no recurrent layer": "모델에 순환 계층이 없습니다",
    "a layer nn.RNN, nn.GRU or nn.LSTM": "nn.RNN, nn.GRU, nn.LSTM 중 한 계층",
    "one step earlier": "한 단계 앞으로",
}
