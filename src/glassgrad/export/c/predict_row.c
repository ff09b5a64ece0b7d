/* The prediction for a row of `count` cells; what it returns says whether the row fits.$AND */
int $p_predict_row(const char *const *cells, int count, $RESULT)
{
    static $T x[$P_FEATURES];
    int places[$P_USED];
    int fault = 0;
    if (!$p_find_places(count, places)) {
        return $P_WRONG_COUNT;
    }
    const int status = $p_features(cells, places, x, &fault);
    if (status == $P_FINE) {
        $p_decide(x, $NAMES);
    }
    return status;
}
