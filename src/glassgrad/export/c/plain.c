/* The features of a row of raw numbers: divided by the largest that there can be. */
static int $p_features_of_numbers(const double *numbers, $T *x)
{
    const double scale = $SCALE;
    for (int i = 0; i < $P_FEATURES; i++) {
        const int is_outside = scale != 1.0 && (numbers[i] < 0.0 || numbers[i] > scale);
        if (numbers[i] - numbers[i] != 0.0 || is_outside) {
            return $P_NO_NUMBER;
        }
        x[i] = ($T)(numbers[i] / scale);
    }
    return $P_FINE;
}
