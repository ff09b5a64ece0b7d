"""Korean twins of the messages of one topic: windows, convolution, pooling, resizing."""

MESSAGES: dict[str, str] = {
    # windows
    "`{label}` has {ndim} axes, not {count}": (
        "`{label}`의 축은 {count}개여야 하지만 {ndim}개입니다"
    ),
    "a window of {reach} places does not fit into {places} along axis {axis}": (
        "{axis}번 축의 {places}칸에 {reach}칸짜리 윈도우가 들어가지 않습니다"
    ),
    "padding makes room: padding=1": "패딩을 두면 자리가 생깁니다: padding=1",
    "{name} {value!r} for {rank} spatial axes": (
        "공간 축이 {rank}개인데 {name:은/는} {value!r}입니다"
    ),
    "a whole number of at least {least}, or one for each axis": (
        "{least} 이상의 정수 하나, 또는 축마다 하나씩"
    ),
    "padding 'same' with stride {stride}": "스트라이드가 {stride}인데 패딩이 'same'입니다",
    "only a stride of 1 keeps the sizes": "스트라이드가 1일 때만 크기가 유지됩니다",
    "padding {padding!r} is not offered": "패딩 {padding!r:은/는} 제공하지 않습니다",
    "a whole number, one for each axis, a pair for each axis, 'same' or 'valid'": (
        "정수 하나, 축마다 하나, 축마다 한 쌍, 'same' 또는 'valid'"
    ),
    "columns {shape} for windows of {size} and {count} of them": (
        "크기가 {size}인 윈도우 {count}개에 대한 열의 형상이 {shape}입니다"
    ),
    "{rank} spatial axes": "공간 축이 {rank}개입니다",
    "{rank} spatial axes of {shape}": "{shape}의 공간 축이 {rank}개입니다",
    # convolution
    "`w` has an empty axis: {shape}": "`w`에 빈 축이 있습니다: {shape}",
    "{count} outputs cannot be cut into {groups} groups": (
        "출력 {count}개를 {groups}개 그룹으로 나눌 수 없습니다"
    ),
    "the channels of `x` stand last: x.transpose({order}) puts them first": (
        "`x`의 채널이 맨 뒤에 있습니다. x.transpose({order})로 앞에 놓으십시오"
    ),
    "`x` has {a} channels along axis 1, `w` takes {b}": (
        "`x`는 1번 축의 채널이 {a}개인데 `w`는 {b}개를 받습니다"
    ),
    "`y` has shape {a}, the convolution gives {b}": (
        "`y`의 형상은 {a}인데 합성곱의 결과는 {b}입니다"
    ),
    "shapes {a} and {b} in {groups} groups": "{groups}개 그룹에서 형상이 {a:과/와} {b}입니다",
    "{groups} groups": "그룹이 {groups}개입니다",
    "output_padding {extra} for a stride of {stride}": (
        "스트라이드가 {stride}인데 output_padding이 {extra}입니다"
    ),
    "it must be smaller than the stride": "스트라이드보다 작아야 합니다",
    "{groups} groups for {inputs} inputs and {outputs} outputs": (
        "입력 {inputs}개와 출력 {outputs}개에 그룹이 {groups}개입니다"
    ),
    "groups divide inputs and outputs": "그룹 수는 입력 수와 출력 수를 나누어야 합니다",
    "takes {wanted} channels along axis 1, got {size}": (
        "1번 축에 채널 {wanted}개를 받아야 하지만 {size}개를 받았습니다"
    ),
    "the channels of `x` stand last: x.transpose({order}), or np.moveaxis(x, -1, 1)": (
        "`x`의 채널이 맨 뒤에 있습니다: x.transpose({order}) 또는 np.moveaxis(x, -1, 1)"
    ),
    "give x a batch axis: `x[None]`": "x에 배치 축을 더하십시오: `x[None]`",
    "give x a channel axis: `x[:, None]`": "x에 채널 축을 더하십시오: `x[:, None]`",
    "rows of images: x.reshape(-1, {sizes})": "이미지의 행들입니다: x.reshape(-1, {sizes})",
    "padding leaves nothing of {size}": "패딩 때문에 {size}에서 남는 것이 없습니다",
    "padding_mode": "패딩 방식",
    # in emitted source
    "filters get what they met, images what each filter sent": (
        "필터에는 만난 값을, 이미지에는 각 필터가 보낸 값을 보냄"
    ),
    "to the largest element of each window": "각 윈도우의 가장 큰 원소로 보냄",
    "shared by the elements of each window": "각 윈도우의 원소들이 나누어 가짐",
    # pooling, resizing
    "padding {padding} for windows of {size}": "크기가 {size}인 윈도우에 패딩이 {padding}입니다",
    "padding must be smaller than the window": "패딩은 윈도우보다 작아야 합니다",
    "{mode} for {rank} spatial axes": "공간 축이 {rank}개인데 {mode}입니다",
    "give either a size or a scale": "크기와 배율 가운데 하나만 주십시오",
    "scale {scale!r} for shape {shape}": "형상 {shape}에 배율이 {scale!r}입니다",
}
