"""Korean twins of the messages of one topic: the picture as a page."""

MESSAGES: dict[str, str] = {
    # the frame
    "Values flow forward, in blue. Gradients flow back, in vermilion: each is the gradient "
    "from upstream times the local derivative in the grey pill, summed where paths meet.": (
        "값은 앞으로 흐르고(파란색), 기울기는 뒤로 흐릅니다(주홍색). 각 기울기는 상류에서 온 "
        "기울기에 회색 칸의 국소적 미분을 곱한 것이고, 경로가 모이는 곳에서는 모두 더합니다."
    ),
    "Values flow forward along the edges, in blue.": ("값이 에지를 따라 앞으로 흐릅니다(파란색)."),
    "The operations of the program, in the order of computation.": (
        "프로그램의 연산을 계산하는 순서대로 그렸습니다."
    ),
    "computational graph": "계산 그래프",
    "level of detail": "자세함의 정도",
    "layers": "계층",
    "arrays": "배열",
    "decimals": "소수 자릿수",
    "zoom": "확대와 축소",
    "zoom in": "확대",
    "zoom out": "축소",
    "show all of it": "전체 보기",
    "light or dark": "밝게 또는 어둡게",
    "step through the computation": "계산을 한 단계씩 따라가기",
    "to the beginning": "처음으로",
    "one step back": "한 단계 뒤로",
    "play": "재생",
    "pause": "멈춤",
    "one step on": "한 단계 앞으로",
    "to the end": "끝으로",
    "arrow keys step, space plays, + and − zoom, 0 shows all of it": (
        "화살표 키: 한 단계씩, 스페이스: 재생, +와 −: 확대와 축소, 0: 전체 보기"
    ),
    "opened": "펼친 영역",
    "fold {name}": "{name} 접기",
    "look into {name}": "{name} 펼쳐 보기",
    "NumPy source": "NumPy 소스",
    "the selected node": "선택한 노드",
    "legend": "범례",
    "drawn by glassgrad from the graph that runs; works without a network": (
        "실제로 실행되는 그래프를 glassgrad가 그렸습니다. 네트워크 없이 볼 수 있습니다"
    ),
    "stepping and zooming need JavaScript": ("한 단계씩 보기와 확대에는 JavaScript가 필요합니다"),
    # gg.show
    "{kind} cannot be shown": "{kind:은/는} 보여 줄 수 없습니다",
    "show a graph, a tensor, a function with its arguments, or a module with inputs": (
        "그래프나 텐서, 인수를 함께 준 함수, 입력을 함께 준 모듈을 주십시오"
    ),
    # glassgrad show
    "Draw a computation with its values, gradients and local derivatives: a worked example, a "
    "function in a Python file, a run, or a model that gg.save wrote. The ending of -o chooses "
    "what is written: .html a page to step through, .svg a picture, .txt text. Without -o the "
    "text is printed.": (
        "계산을 값과 기울기, 국소적 미분과 함께 그립니다. 잘 알려진 예제, Python 파일의 함수, "
        "훈련한 실행, gg.save로 저장한 모델을 그릴 수 있습니다. -o에 쓴 파일 이름의 "
        "끝이 형식을 정합니다: .html은 한 단계씩 따라갈 수 있는 페이지, .svg는 그림, .txt는 "
        "텍스트입니다. -o가 없으면 텍스트를 출력합니다."
    ),
    "a model that gg.save wrote, for an input of this shape": (
        "gg.save로 저장한 모델에 이 형상의 입력을 넣어 봅니다"
    ),
    "the file to write: .html, .svg or .txt": "저장할 파일: .html, .svg, .txt",
    "decimals of the numbers; 2 by default": "소수 자릿수. 기본값 2",
    "layers, arrays or numbers; found out by default": (
        "자세함의 정도: layers(계층), arrays(배열), numbers(수). 기본값은 알아서 고릅니다"
    ),
    "the graph of the gradients, the backward pass as nodes": (
        "기울기의 그래프: 역전파도 노드로 그립니다"
    ),
    "a region to look into": "펼쳐 볼 영역",
    "the value whose node is selected first in a page": "페이지에서 처음 선택할 노드의 값",
    "the drawing, here in the terminal": "터미널에 그립니다",
    "a page to step through, forward and back": "순전파와 역전파를 한 단계씩 따라가는 페이지",
    "a picture of a function of your own": "직접 쓴 함수의 그림",
    "the network of a run, a box a layer": "실행의 신경망. 계층마다 상자 하나",
    "--node is for pages: -o FILE.html": "--node는 페이지에만 씁니다: -o FILE.html",
    "{path} is written": "{path:을/를} 저장했습니다",
    "ending": "파일 이름의 끝",
    # the selected node
    "Select a node: click it, or step through the computation.": (
        "노드를 눌러 선택하거나, 계산을 한 단계씩 따라가 보십시오."
    ),
    "formula": "수식",
    "operation": "연산",
    "where the gradient comes from": "기울기는 어디에서 오는가",
    "the end of the graph: by itself, the derivative is 1": (
        "그래프의 끝: 자기 자신에 대한 미분은 1"
    ),
    "inside {name}: open it to see the factors": "{name} 안에서 옵니다. 펼치면 인수가 보입니다",
    "value not computed yet": "값을 아직 계산하지 않음",
    "no gradient: it does not vary with the inputs": ("기울기 없음: 입력에 따라 변하지 않습니다"),
    "nothing behind it reads it: the gradient is 0": (
        "뒤에서 아무도 쓰지 않으므로 기울기는 0입니다"
    ),
    "NumPy lines": "NumPy 줄",
    "minimum": "최솟값",
    "mean": "평균",
    "maximum": "최댓값",
    # steps
    "The inputs are given. Nothing is computed yet.": (
        "입력이 주어졌습니다. 아직 아무것도 계산하지 않았습니다."
    ),
    "Everything is computed: forward and back in {n} steps.": (
        "모두 계산했습니다. 순전파와 역전파에 모두 {n}단계가 걸렸습니다."
    ),
    "Every value is computed, in {n} steps.": "모든 값을 {n}단계에 걸쳐 계산했습니다.",
    "Forward pass, {i} of {n}": "순전파 {n}단계 중 {i}단계",
    "Backward pass, {i} of {n}": "역전파 {n}단계 중 {i}단계",
    "the derivative of {name} by itself is 1": "{name} 자신에 대한 미분은 1",
    "hands gradients to {names}": "기울기를 보내는 곳: {names}",
}
