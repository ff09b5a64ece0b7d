/* The target in a cell as the loss takes it; 1.0 is the class 1. */
static int $p_encode_target(const char *cell, $TARGET *t, int i)
{
    size_t length = 0;
    double number = 0.0;
    const char *const text = $p_stripped(cell, &length);
    if (!$p_number(text, length, &number)) {
        return $P_NO_NUMBER;
    }
    for (int32_t code = 0; code < $P_CLASSES; code++) {
        if (number == $p_label_numbers[code]) {
            $p_put_target(t, i, code);
            return $P_FINE;
        }
    }
    return $P_NO_WORD;
}
