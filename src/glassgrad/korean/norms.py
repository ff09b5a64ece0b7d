"""Korean twins of the messages of one topic: normalisation, gating, further losses, metrics."""

MESSAGES: dict[str, str] = {
    # --- normalisation ---
    "takes {wanted} axes, got {ndim}": "축이 {wanted}개인 입력을 받지만 {ndim}개입니다",
    "takes {wanted} channels, got {size}": "채널 {wanted}개를 받는 계층에 {size}개가 들어왔습니다",
    "for {ndim} axes: nn.{name}": "축이 {ndim}개이면 nn.{name:을/를} 쓰십시오",
    "x looks channels-last; write `x.transpose({order})`": (
        "x의 채널이 맨 뒤에 있는 것 같습니다. `x.transpose({order})`로 쓰십시오"
    ),
    "use larger batches, drop_last=True or model.eval()": (
        "배치를 키우거나 drop_last=True 또는 model.eval()을 쓰십시오"
    ),
    "{name} has shape {a}, x {b} channels": "{name}의 형상은 {a}인데 x의 채널은 {b}개입니다",
    "`mean` and `var` go together": "`mean`과 `var`는 함께 주어야 합니다",
    "{channels} channels do not make {groups} groups": (
        "채널 {channels}개는 그룹 {groups}개로 나누어떨어지지 않습니다"
    ),
    "one value a channel cannot be normalised by itself": (
        "채널마다 값이 하나뿐이면 그 값만으로 정규화할 수 없습니다"
    ),
    "an empty batch has no mean and no variance": "빈 배치에는 평균도 분산도 없습니다",
    "at least two values in each sample": "표본마다 값이 둘 이상이어야 합니다",
    # --- gated units and pixels ---
    "an axis of size {size} has no groups of {pieces}": (
        "크기가 {size}인 축은 {pieces}개씩 나누어떨어지지 않습니다"
    ),
    "size {size} is no multiple of {factor}": "크기 {size:은/는} {factor}의 배수가 아닙니다",
    # --- factors of matrices ---
    "needs at least as many rows as columns, not {shape}": (
        "행이 열보다 적지 않아야 하지만 형상이 {shape}입니다"
    ),
    "full matrices have no derivative": "full_matrices=True인 결과에는 미분이 없습니다",
    "write full_matrices=False": "full_matrices=False로 쓰십시오",
    # --- losses ---
    "a number is no vector": "수 하나는 벡터가 아닙니다",
    "vectors of one shape; a loss does not broadcast": (
        "벡터들의 형상이 같아야 합니다. 손실은 브로드캐스트하지 않습니다"
    ),
    "marks of shape {a} for vectors of shape {b}": "표시의 형상은 {a}인데 벡터의 형상은 {b}입니다",
    "pred of shape {a} has no means and variances for {b}": (
        "형상이 {a}인 pred에는 {b}에 대한 평균과 분산이 없습니다"
    ),
    "or give the variances: gaussian_nll(pred, target, var)": (
        "또는 분산을 주십시오: gaussian_nll(pred, target, var)"
    ),
    "the logarithms of rates go with log_input=True": ("비율의 로그는 log_input=True로 주십시오"),
    "{name} must be integers, not {dtype}": "{name:은/는} {dtype:이/가} 아니라 정수여야 합니다",
    "blank {blank} is none of {k} classes": "공백 {blank:은/는} 클래스 {k}개에 없습니다",
    "label {label} is the blank or outside [0, {n})": (
        "레이블 {label:이/가} 공백이거나 [0, {n})을 벗어납니다"
    ),
    # --- metrics ---
    "average": "평균 방법",
    "labels are numbered from 0": "레이블 번호는 0부터 시작합니다",
    "{k} classes have no single class 1": "클래스가 {k}개이면 클래스 1 하나만 따로 셀 수 없습니다",
    "further scores by name, such as f1,roc_auc": "더 볼 점수의 이름. 예: f1,roc_auc",
    "further scores: f1, precision, recall, roc_auc, top_5_accuracy, perplexity …": (
        "더 볼 점수: f1, precision, recall, roc_auc, top_5_accuracy, perplexity …"
    ),
    "{name} is a score over classes, the task is regression": (
        "{name:은/는} 클래스에 대한 점수인데 과제가 회귀입니다"
    ),
}
