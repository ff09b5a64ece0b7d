"""What commands look at: runs, functions, worked examples."""

MESSAGES = {
    "{name} is a measurement, not one graph": "{name:은/는} 측정이며, 계산 그래프 하나가 아닙니다",
    "run it: glassgrad canon {name}": "실행해 보세요: glassgrad canon {name}",
    "the training data are not there ({reason}); rows are drawn": (
        "훈련 데이터를 찾을 수 없어({reason}) 행을 무작위로 뽑습니다"
    ),
}
