/* One step of training on $P_BATCH rows of features and their encoded targets: the loss before it.
   Where that is not finite, nothing has changed. */
int $p_learn(const $T *x, const $TARGET *t, double rate, double *loss)
{
    const int64_t step = $p_steps;
    const double updates = (double)$p_updates;
    $T found = 0;
$DECLARED$CALL
    *loss = (double)found;
    if (status != 0 || found - found != 0) {
        return $P_NOT_FINITE;
    }
$COPIES    $p_steps++;
    $p_updates += $COUNTED;
    return $P_FINE;
}
