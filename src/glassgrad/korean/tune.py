"""Korean twins of the messages of one topic: tune, the search for settings."""

MESSAGES: dict[str, str] = {
    # --- help ---
    "Search for settings of a training run with Optuna. The file holds the settings that stay, "
    "a table [search] with what is tried, as in lr.low = 1e-4 with lr.high = 0.1, or "
    "patience = [5, 10], and a table [tune] with trials, metric and study. Each "
    "trial is scored by a validation part of the training rows. The study is kept in a file, "
    "so the same command goes on with it.": (
        "Optuna로 학습 설정을 찾습니다. 파일에는 바꾸지 않을 설정과, "
        "lr.low = 1e-4와 lr.high = 0.1, 또는 "
        "patience = [5, 10]처럼 시도할 것을 적은 [search] 표, 그리고 trials, metric, "
        "study를 적은 [tune] 표가 있습니다. 시도마다 학습 자료에서 떼어 놓은 검증 자료로 점수를 "
        "매깁니다. 탐색 기록은 파일에 남으므로 같은 명령으로 이어서 찾을 수 있습니다."
    ),
    "as many trials as the file says": "파일에 적힌 만큼 시도합니다",
    "go on until there are a hundred": "모두 백 번이 될 때까지 이어서 시도합니다",
    "train with the best settings": "가장 좋은 설정으로 학습합니다",
    "how many trials there are to be, earlier ones included": "앞서 한 것까지 합친 시도 횟수",
    "file of the study: NAME.study beside the config; .db makes an SQLite database": (
        "탐색 기록 파일. 정하지 않으면 설정 파일 옆의 NAME.study. .db로 끝나면 SQLite 데이터베이스"
    ),
    "where the best settings are written; NAME.best.toml": (
        "가장 좋은 설정을 쓸 파일. 정하지 않으면 NAME.best.toml"
    ),
    "let every trial run to its end": "모든 시도를 끝까지 합니다",
    "average the weights with this factor, and end with the average": (
        "이 계수로 가중치의 이동 평균을 내고, 그 평균으로 학습을 마칩니다"
    ),
    "how many batches make one update": "갱신 한 번에 모을 배치의 수",
    "optimizer: sgd, momentum, nesterov, adagrad, rmsprop, adam, adamw, adadelta, adamax, nadam, "
    "radam, lion, lamb, muon, lbfgs": (
        "최적화 기법 (옵티마이저): sgd, momentum, nesterov, adagrad, rmsprop, adam, adamw, "
        "adadelta, adamax, nadam, radam, lion, lamb, muon, lbfgs"
    ),
    "how the learning rate changes: constant, step, exponential, cosine, warm_up, one_cycle, "
    "plateau …": (
        "학습률이 변하는 방식: constant, step, exponential, cosine, warm_up, one_cycle, plateau …"
    ),
    # --- the file ---
    "there is no table [search]": "[search] 표가 없습니다",
    "{name} is no table": "{name:은/는} 표가 아닙니다",
    "{key} is fixed and searched for": "{key:을/를} 정해 놓고 찾으려 합니다",
    "{key} is searched for twice": "{key:을/를} 두 번 찾으려 합니다",
    "0 < step ≤ high − low, whole if low and high are": (
        "0 < step ≤ high − low, low와 high가 정수이면 step도 정수"
    ),
    "a list of values, or a table with low and high": "값의 목록, 또는 low와 high가 있는 표",
    "{value!r} is nothing to search": "{value!r:은/는} 찾을 범위가 아닙니다",
    "a range needs the numbers low and high": "범위에는 수 low와 high가 있어야 합니다",
    "the range {low} … {high}": "범위가 {low} … {high}입니다",
    "a range by ratios has no step": "비율로 나눈 범위에는 간격이 없습니다",
    # --- the search ---
    "a search for settings": "설정을 찾으려면",
    "a search scores trials by a validation part, not by folds": (
        "설정을 찾을 때는 교차 검증이 아니라 검증 자료로 점수를 매깁니다"
    ),
    "the study in {path} is of another search": "{path}의 탐색 기록은 다른 탐색의 것입니다",
    "it holds no study: {reason}": "탐색 기록이 없습니다: {reason}",
    "name another file by --study, or take this one away": (
        "--study로 다른 파일을 주거나 이 파일을 치우십시오"
    ),
    "no trial came to an end": "끝까지 간 시도가 없습니다",
    "search a smaller space": "찾을 범위를 줄이십시오",
    "trial {i} of {n}": "시도 {i}/{n}",
    "trial": "시도",
    "done": "끝남",
    "cut short": "중간에 그침",
    "failed": "실패",
    "best {metric} {value:.6g}": "가장 좋은 {metric} {value:.6g}",
}
