/* The features of a row of numbers, one for each column that is used; NaN is a missing one. */
static int $p_features_of_numbers(const double *numbers, $T *x)
{
    int first = 0;
    for (int i = 0; i < $P_USED; i++) {
        const int is_missing = numbers[i] != numbers[i];
        const double number = is_missing ? $p_used[i].fill : numbers[i];
        if (is_missing && !$P_FILLS) {
            return $P_MISSING;
        }
        if (number - number != 0.0) {
            return $P_NO_NUMBER;
        }
        x[first++] = ($T)((number - $p_used[i].mean) / $p_used[i].scale);
        if ($p_used[i].has_mark) {
            x[first++] = ($T)is_missing;
        }
    }
    return $P_FINE;
}
