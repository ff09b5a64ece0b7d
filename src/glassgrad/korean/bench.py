"""Korean twins of the messages of one topic: bench."""

MESSAGES: dict[str, str] = {
    # --- help ---
    "Time training steps beside other libraries, all taking turns in one run, against the "
    "time that their matrix products alone would take. Nothing else should run meanwhile. "
    "Workloads: xor, two, mid, mlp, tabular, deep, wide-elementwise, "
    "cnn, lstm, gpt.": (
        "학습 한 단계에 걸리는 시간을 다른 라이브러리와 번갈아 재고, 그 단계의 행렬 곱만 할 때 "
        "걸리는 시간과 비교합니다. 재는 동안에는 다른 작업을 하지 마십시오. "
        "작업: xor, two, mid, mlp, tabular, deep, wide-elementwise, "
        "cnn, lstm, gpt."
    ),
    "all workloads beside NumPy": "모든 작업을 NumPy와 비교합니다",
    "two of them, beside three peers": "작업 둘을 비교 대상 셋과 비교합니다",
    "everything, for programs": "모든 것을 프로그램이 읽을 형식으로",
    "numpy, torch, torch-compile, jax, jax-scan, sklearn, all or none; numpy by default": (
        "비교 대상: numpy, torch, torch-compile, jax, jax-scan, sklearn, all(모두), "
        "none(없음). 정하지 않으면 numpy"
    ),
    "how often each takes its turn; 7 by default": "차례의 수. 정하지 않으면 7",
    "length of a turn; 0.2 by default": "한 차례의 길이(초). 정하지 않으면 0.2",
    "threads of each contestant; all processors by default": (
        "각각이 쓸 스레드의 수. 정하지 않으면 프로세서의 수"
    ),
    "what runs the step: auto, native or numpy": (
        "학습 단계를 실행할 백엔드: auto, native 또는 numpy"
    ),
    "workload": "작업",
    "peer": "비교 대상",
    # --- progress ---
    "{workload}: first calls": "{workload}: 첫 호출",
    "{workload}: {name}": "{workload}: {name}",
    "{workload}: round {i} of {n}": "{workload}: {n}차례 중 {i}번째",
    "{workload} failed: {reason}": "{workload:이/가} 실패했습니다: {reason}",
    "cannot express this workload": "이 작업을 나타낼 수 없습니다",
    "the machine is not idle: {share:.0%} of it is at work for others": (
        "이 컴퓨터가 쉬고 있지 않습니다: 프로세서의 {share:.0%} 가량이 다른 일을 하고 있습니다"
    ),
    "the host took {share:.1%} of the time from this machine": (
        "호스트가 이 컴퓨터의 시간을 {share:.1%} 가져갔습니다"
    ),
    # --- tables ---
    "cores": "코어",
    "versions": "버전",
    "rounds": "차례",
    "{n} of {seconds:g} s each": "{n}번, 각 {seconds:g}초",
    "date": "날짜",
    "{name} is not installed": "{name:이/가} 설치되어 있지 않습니다",
    "contestant": "라이브러리",
    "a step": "한 단계",
    "fastest round": "가장 빠른 차례",
    "slowest round": "가장 느린 차례",
    "first call": "첫 호출",
    "memory": "메모리",
    "differs by": "차이",
    "{name} computes something else": "{name:은/는} 다른 것을 계산합니다",
    "two convolutions of {window} to {channels} channels, maxima of 2×2, {layers}": (
        "{window} 합성곱 둘(채널 {channels}개), 2×2 최댓값, {layers}"
    ),
    "embedding {embedding}, LSTM {hidden}, {characters} characters, {steps} steps": (
        "임베딩 {embedding}, LSTM {hidden}, 문자 {characters}가지, {steps}단계"
    ),
    "{layers} blocks of {heads} heads, {width} wide, context {context}, {characters} characters": (
        "헤드 {heads}개짜리 블록 {layers}개, 너비 {width}, 문맥 {context}, 문자 {characters}가지"
    ),
    "value and gradients of layer norm, SiLU, tanh and softmax for {rows} × {columns}": (
        "{rows} × {columns} 배열에서 계층 정규화, SiLU, tanh, softmax의 값과 기울기"
    ),
    "batch {n}": "배치 {n}",
    "dropout {rate:g}": "드롭아웃 {rate:g}",
    "products, rows shared out": "행을 나눈 행렬 곱",
    "{moved} of memory at {speed:.0f} GB/s {time}": (
        "메모리 {moved}, 초당 {speed:.0f} GB로 {time}"
    ),
    "exp and tanh alone {time}": "exp와 tanh만 {time}",
    "floor: {time}": "하한: {time}",
    # --- ratios and aims ---
    "time / that of the fastest peer, {name}": "시간 / 가장 빠른 비교 대상 {name}의 시간",
    "time / that of the fastest of one step a call, {name}": (
        "시간 / 한 번에 한 단계씩 하는 것 중 가장 빠른 {name}의 시간"
    ),
    "time / NumPy's": "시간 / NumPy의 시간",
    "time / floor": "시간 / 하한",
    "first call, cold": "첫 호출, 캐시 없이",
    "first call, from the cache": "첫 호출, 캐시에서",
    "peak memory / what training holds": "최대 메모리 / 학습에 꼭 필요한 메모리",
    "prediction for one row": "한 행의 예측",
    "aim ≤ {limit}: met": "목표 ≤ {limit}: 이룸",
    "aim ≤ {limit}: missed": "목표 ≤ {limit}: 못 이룸",
    "aim ≤ {limit}: not measured": "목표 ≤ {limit}: 재지 않음",
}
