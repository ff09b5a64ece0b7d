/* One step of training on $P_BATCH rows of features and their encoded targets: the loss before it.
   Where that is not finite, or a target does not fit, nothing has changed. */
int $p_learn(const $T *x, const $TARGET *t, double rate, double *loss)
{
    const int64_t step = $p_counts[0];
    const double updates = (double)$p_counts[1];
    $T found = 0;
$DECLARED$CHECK$CALL
    *loss = (double)found;
    if (status > 0) {
        return $P_NO_WORD;
    }
    if (status < 0 || found - found != 0) {
        return $P_NOT_FINITE;
    }
$COPIES    $p_counts[0]++;
    $p_counts[1] += $COUNTED;
    return $P_FINE;
}
