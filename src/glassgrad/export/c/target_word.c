/* The target in a cell as the loss takes it. */
static int $p_encode_target(const char *cell, $TARGET *t, int i)
{
    size_t length = 0;
    const char *const text = $p_stripped(cell, &length);
    const int code = $p_word(text, length, $p_labels, $P_CLASSES, 0);
    if (code == $P_CLASSES) {
        return $P_NO_WORD;
    }
    $p_put_target(t, i, code);
    return $P_FINE;
}
