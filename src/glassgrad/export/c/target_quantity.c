/* The target in a cell as the loss takes it. */
static int $p_encode_target(const char *cell, $TARGET *t, int i)
{
    size_t length = 0;
    double number = 0.0;
    const char *const text = $p_stripped(cell, &length);
    if (!$p_number(text, length, &number)) {
        return $P_NO_NUMBER;
    }
    t[i] = ($TARGET)((number - $TARGET_MEAN) / $TARGET_SCALE);
    return $P_FINE;
}
