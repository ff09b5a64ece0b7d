/* One step of training on $P_BATCH rows of `count` cells, one row behind the other, and their
   targets as the training file has them. */
int $p_learn_rows(const char *const *cells, int count, const char *const *targets, double rate,
    double *loss)
{
    static $T x[$P_BATCH * $P_FEATURES];
    static $TARGET t[$P_BATCH * $P_TARGETS];
    int places[$P_USED];
    int fault = 0;
    if (!$p_find_places(count, places)) {
        return $P_WRONG_COUNT;
    }
    for (int i = 0; i < $P_BATCH; i++) {
        int status = $p_features(cells + i * count, places, x + i * $P_FEATURES, &fault);
        status = status == $P_FINE ? $p_encode_target(targets[i], t, i) : status;
        if (status != $P_FINE) {
            return status;
        }
    }
    return $p_learn(x, t, rate, loss);
}
