"""Korean twins of the messages of one topic: data."""

MESSAGES: dict[str, str] = {
    # --- words that `unknown_option` names ---
    "column": "열",
    "dataset": "데이터셋",
    "task": "과제 종류",
    "encoding": "인코딩",
    "way with missing values": "결측값 처리 방법",
    # --- tables ---
    "the rows": "주어진 행",
    "{places}; … ({count} in all)": "{places}; … (모두 {count}개)",
    "row {row}, column {column}": "{row}행 {column} 열",
    "rows must have two axes, not shape {shape}": (
        "행 자료는 축이 둘이어야 하는데 형상이 {shape}입니다"
    ),
    "columns have different lengths: {lengths}": "열의 길이가 서로 다릅니다: {lengths}",
    "several columns are named {names}": "이름이 같은 열이 여럿 있습니다: {names}",
    "rows must be sequences or mappings of cells": "행은 칸의 시퀀스나 매핑이어야 합니다",
    "row {row} has {n} cells, not {width}": "{row}행의 칸이 {width}개가 아니라 {n}개입니다",
    "there are no rows": "행이 없습니다",
    "column {names} is missing from the rows": "주어진 행에 {names} 열이 없습니다",
    "missing values ({count}): {places}": "값 {count}개가 비어 있습니다: {places}",
    "fill them in, or choose {ways}": "값을 채우거나 {ways:을/를} 고르십시오",
    "try --missing impute": "--missing impute를 써 보십시오",
    "every row has a missing value": "모든 행에 빈 값이 있습니다",
    "scores have shape {shape}": "점수의 형상이 {shape}입니다",
    "{count} rows with missing values were left out": "빈 값이 있는 행 {count}개를 뺐습니다",
    "{column}: {count} missing values were filled": "{column}: 빈 값 {count}개를 채웠습니다",
    "{column}: {count} values in categories that training did not have": (
        "{column}: 학습 자료에 없던 범주의 값이 {count}개 있습니다"
    ),
    "the rows have {width} columns, training had {n}": (
        "주어진 행의 열은 {width}개인데 학습 자료의 열은 {n}개였습니다"
    ),
    "only the target, {target}, may be absent": "목표 열 {target}만 없어도 됩니다",
    "{place} is {label!r}, a class that training did not have": (
        "{place}의 {label!r:은/는} 학습 자료에 없던 클래스입니다"
    ),
    # --- columns ---
    "{place} is {value!r}: no finite number": "{place}의 {value!r:은/는} 유한한 수가 아닙니다",
    "{place} is {value!r}: text in a numeric column": (
        "{place}의 {value!r:은/는} 숫자 열에 든 글자입니다"
    ),
    "{place} is {value!r}, neither {no} nor {yes}": (
        "{place}의 {value!r:은/는} {no}도 {yes}도 아닙니다"
    ),
    "mend the cell, or leave the column out: --drop {column}": (
        "그 칸을 고치거나 열을 빼십시오: --drop {column}"
    ),
    "mend the cell or leave its row out: the target must be known": (
        "그 칸을 고치거나 행을 빼십시오. 목표값은 알려져 있어야 합니다"
    ),
    "the cells: {places}": "해당하는 칸: {places}",
    "column {column} has {n} different texts in {rows} rows": (
        "{column} 열에는 {rows}행에 서로 다른 글자열이 {n}개 있습니다"
    ),
    "at most {n} categories": "범주는 많아야 {n}개",
    "column {column} holds numbers written with a comma, such as {value!r}": (
        "{column} 열의 수가 {value!r}처럼 쉼표로 적혀 있습니다"
    ),
    "numbers are written 1234.5": "수는 1234.5처럼 적습니다",
    "leave it out: --drop {names} (in Python: drop={listed!r})": (
        "빼십시오: --drop {names} (Python에서는 drop={listed!r})"
    ),
    "column {column} is empty and was left out": "{column} 열은 비어 있어서 뺐습니다",
    "column {column} only counts the rows": "{column} 열은 행 번호일 뿐입니다",
    # --- targets ---
    "no target column was named": "목표 열을 지정하지 않았습니다",
    "choose one with --target: {names}": "--target으로 하나를 고르십시오: {names}",
    "choose another --target": "다른 --target을 고르십시오",
    "{column} is both the target and dropped": "{column:은/는} 목표 열이면서 뺄 열입니다",
    "there are no rows to train on": "학습할 행이 없습니다",
    "no column is left to learn from": "학습에 쓸 열이 남지 않았습니다",
    "every target is {value}": "목표값이 모두 {value}입니다",
    "{place} is {value}, no integer label": "{place}의 {value:은/는} 정수 레이블이 아닙니다",
    'for quantities, choose task="regression"': '양을 예측하려면 task="regression"을 고르십시오',
    "the target {column} has one class only, {name!r}": (
        "목표 열 {column}에는 클래스가 {name!r} 하나뿐입니다"
    ),
    "at least two classes": "클래스는 둘 이상",
    "the target {column} has {n} different texts in {rows} rows": (
        "목표 열 {column}에는 {rows}행에 서로 다른 글자열이 {n}개 있습니다"
    ),
    # --- stored plans ---
    "the stored table plan is damaged: {where}: {problem}": (
        "저장된 표 처리 계획이 손상되었습니다: {where}: {problem}"
    ),
    "{value!r} does not fit": "{value!r:은/는} 맞지 않습니다",
    "key {key!r} is missing": "{key!r} 키가 없습니다",
    "key {key!r} is unknown": "{key!r:은/는} 알 수 없는 키입니다",
    "features, target and dropped columns do not make it up": (
        "특징 열, 목표 열, 뺀 열을 합쳐도 이것이 되지 않습니다"
    ),
    "the stored mean and scale are damaged": "저장된 평균과 척도가 손상되었습니다",
    # --- CSV and NPZ ---
    "the file is empty": "파일이 비어 있습니다",
    "there is a header but no rows": "머리글만 있고 행이 없습니다",
    "{name} is not UTF-8 and was read as CP949; --encoding overrides": (
        "{name:은/는} UTF-8이 아니어서 CP949로 읽었습니다. --encoding으로 바꿀 수 있습니다"
    ),
    "byte {position} is no {encoding} text": "{position}번째 바이트는 {encoding} 글자가 아닙니다",
    "name the encoding: --encoding latin-1 (in Python: encoding='latin-1')": (
        "인코딩을 지정하십시오: --encoding latin-1 (Python에서는 encoding='latin-1')"
    ),
    "a zero byte stands at {position}: this is no text": (
        "{position}번째 바이트가 0입니다: 글자 파일이 아닙니다"
    ),
    "line {line} is no CSV: {reason}": "{line}번째 줄은 CSV가 아닙니다: {reason}",
    'a quoted cell needs both its quotes: "…"': (
        '따옴표로 묶은 칸은 양쪽에 따옴표가 있어야 합니다: "…"'
    ),
    "rows have other numbers of cells than {width}: {places}": (
        "칸이 {width}개가 아닌 행이 있습니다: {places}"
    ),
    "row {row} (line {line}) has {n}": "{row}행({line}번째 줄)은 {n}개",
    "quote a cell that holds the delimiter": "구분자가 든 칸은 따옴표로 묶으십시오",
    "the arrays have different lengths: {sizes}": "배열의 길이가 서로 다릅니다: {sizes}",
    "{name} has {dtype} {shape}; a column is one axis of numbers or text": (
        "{name:은/는} {dtype} {shape}입니다. 열은 수나 글자로 된 축 하나여야 합니다"
    ),
    "training and test rows have shapes {a} and {b}": (
        "학습 행과 시험 행의 형상이 다릅니다: {a}, {b}"
    ),
    # --- IDX, NPZ, CIFAR ---
    "make or download the file again": "파일을 다시 만들거나 다시 내려받으십시오",
    "it is truncated: {shape} needs {expected} bytes, at most {present} are there": (
        "파일이 잘렸습니다: {shape}에는 {expected}바이트가 필요한데 많아야 {present}바이트뿐입니다"
    ),
    "it is truncated: its end is missing": "파일이 잘렸습니다: 끝부분이 없습니다",
    "it is corrupt: {reason}": "파일이 손상되었습니다: {reason}",
    "more bytes than the {n} it declares": "선언된 {n}바이트보다 깁니다",
    "it does not begin as IDX: {found}": "IDX 파일의 시작이 아닙니다: {found}",
    "its header declares {axes} axes": "머리 부분에 축이 {axes}개라고 적혀 있습니다",
    "nothing": "없음",
    "IDX has no code for {dtype}": "IDX에는 {dtype}의 부호가 없습니다",
    "{name} in it is no array": "그 안의 {name:은/는} 배열이 아닙니다",
    "{name} in it holds Python objects, not numbers": (
        "그 안의 {name:은/는} 수가 아니라 Python 객체입니다"
    ),
    "{n} bytes are no whole number of records": "{n}바이트는 레코드 크기의 배수가 아닙니다",
    "record {row} has label {label}": "{row}번 레코드의 레이블이 {label}입니다",
    "{names} is missing from it": "그 안에 {names:이/가} 없습니다",
    "a subset: 1,000 training and 200 test images a class": (
        "부분 집합: 클래스마다 학습 그림 1,000장과 시험 그림 200장"
    ),
    "{path} cannot be read or written: {reason}": "{path:을/를} 읽거나 쓸 수 없습니다: {reason}",
    # --- downloads ---
    "{file} could not be downloaded": "{file:을/를} 내려받지 못했습니다",
    "put it into a folder and name that: GLASSGRAD_DATA={folder}": (
        "파일을 폴더에 넣고 그 폴더를 지정하십시오: GLASSGRAD_DATA={folder}"
    ),
    "wrong checksum: {found}, expected {expected}": (
        "체크섬이 다릅니다: {found}, 있어야 할 값은 {expected}"
    ),
    "remove the file; it is then downloaded again": "파일을 지우면 다시 내려받습니다",
    "the address is neither http nor https": "주소가 http도 https도 아닙니다",
    "it sent more than the {n} bytes of the file": "파일 크기 {n}바이트보다 많이 보냈습니다",
    "it stopped after {done} of {n} bytes": "{n}바이트 가운데 {done}바이트에서 멈췄습니다",
    "it sent a web page instead of the file": "파일 대신 웹 페이지를 보냈습니다",
    "what it sent does not begin as a gzip file": "보낸 것이 gzip 파일의 시작이 아닙니다",
    "it sent another range than was asked for": "요청한 것과 다른 구간을 보냈습니다",
    # --- data sets, labels ---
    "{name} holds no images": "{name}에는 그림이 없습니다",
    "{name} cannot have n={n}, n_test={n_test}": (
        "{name:은/는} n={n}, n_test={n_test}일 수 없습니다"
    ),
    "test features and test targets come together or not at all": (
        "시험용 특징과 목표값은 함께 있거나 함께 없어야 합니다"
    ),
    "labels of {dtype} were converted to integers": "{dtype} 레이블을 정수로 바꾸었습니다",
    "labels must be integers, not {dtype}": "레이블은 {dtype:이/가} 아니라 정수여야 합니다",
    "number the classes 0 … {last}": "클래스에 0 … {last}의 번호를 매기십시오",
    "labels have shape {shape}": "레이블의 형상이 {shape}입니다",
    "y[{row}] is {label}, outside the {classes} classes": (
        "y[{row}]의 값 {label:은/는} 클래스 {classes}개의 범위를 벗어납니다"
    ),
    "{count} of {n} labels are outside": "레이블 {n}개 가운데 {count}개가 벗어납니다",
    "y[{row}] is {label}, not an integer": "y[{row}]의 값 {label:은/는} 정수가 아닙니다",
    "one-hot labels have width {width}, the classes are {classes}": (
        "원-핫 레이블의 너비는 {width}인데 클래스는 {classes}개입니다"
    ),
    "y[{row}] is not one-hot": "y[{row}]: 원-핫이 아닙니다",
    "one 1, else 0": "1이 하나, 나머지는 0",
    "there are no rows to learn mean and deviation from": "평균과 표준편차를 구할 행이 없습니다",
    "a NaN or an infinity is among the values to standardise": (
        "표준화할 값에 NaN이나 무한대가 있습니다"
    ),
    "rows of shape {shape} do not fit the {fitted} that were learnt": (
        "행의 형상 {shape:이/가} 학습한 형상 {fitted:과/와} 맞지 않습니다"
    ),
    # --- batches and splits ---
    "batch size {size} was clipped to the {n} rows": (
        "배치 크기 {size:을/를} 행 수 {n:으로/로} 줄였습니다"
    ),
    "batch size {size!r} is not an integer": "배치 크기 {size!r:은/는} 정수가 아닙니다",
    "batch size {size} is below 1": "배치 크기 {size:은/는} 1보다 작습니다",
    "None takes all {n} rows at once": "None은 {n}행을 한꺼번에 씁니다",
    "an epoch has no batch {number}": "에폭에 {number}번 배치가 없습니다",
    "epoch {epoch} is below 0": "에폭 {epoch:은/는} 0보다 작습니다",
    "the order is not {n} row numbers": "순서가 행 번호 {n}개로 되어 있지 않습니다",
    "seed {seed} is outside 0 … 2^64 − 1": "시드 {seed:은/는} 0 … 2^64 − 1을 벗어납니다",
    "{n} rows cannot make {k} folds": "{n}행으로 폴드 {k}개를 만들 수 없습니다",
    "X has {n} rows, y has shape {shape}": "X는 {n}행인데 y의 형상은 {shape}입니다",
    "sizes {sizes} do not part {n} rows": "크기 {sizes:으로/로} {n}행을 나눌 수 없습니다",
    "sizes {sizes} leave a part of {n} rows empty": (
        "크기 {sizes:으로/로} {n}행을 나누면 빈 부분이 생깁니다"
    ),
    "{n} rows need {n} labels, not shape {shape}": (
        "{n}행에는 레이블 {n}개가 필요한데 형상이 {shape}입니다"
    ),
    "stratified folds need the labels, not their number": (
        "클래스 비율을 지키는 폴드에는 레이블의 수가 아니라 레이블이 필요합니다"
    ),
}
