/* The class that the outputs for the features `x` mean, and the probability of each class, which
   may be a null pointer. */
static void $p_decide(const $T *x, int32_t *label, double *probabilities)
{
    static $T y[$P_OUTPUTS];
    static double shares[$P_CLASSES];
    $p_network(x, y, shares);
    for (int k = 0; k < $P_CLASSES && probabilities != 0; k++) {
        probabilities[k] = shares[k];
    }
$CHOICE
}
