/* The predictions for rows of $P_USED numbers, one row behind the other.$AND */
int $p_predict_rows(const double *numbers, int rows, $RESULTS)
{
    static $T x[$P_FEATURES];
    for (int i = 0; i < rows; i++) {
        const int status = $p_features_of_numbers(numbers + (size_t)i * $P_USED, x);
        if (status != $P_FINE) {
            return status;
        }
        $p_decide(x, $PLACES);
    }
    return $P_FINE;
}
