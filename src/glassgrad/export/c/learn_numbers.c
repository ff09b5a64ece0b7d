/* One step of training on $P_BATCH rows of raw numbers and their targets: the numbers of classes. */
int $p_learn_rows(const double *numbers, const int32_t *labels, double rate, double *loss)
{
    static $T x[$P_BATCH * $P_FEATURES];
    static $TARGET t[$P_BATCH * $P_TARGETS];
    for (int i = 0; i < $P_BATCH; i++) {
        const int status =
            $p_features_of_numbers(numbers + i * $P_FEATURES, x + i * $P_FEATURES);
        if (status != $P_FINE) {
            return status;
        }
        if (labels[i] < 0 || labels[i] >= $P_CLASSES) {
            return $P_NO_WORD;
        }
        $p_put_target(t, i, labels[i]);
    }
    return $p_learn(x, t, rate, loss);
}
