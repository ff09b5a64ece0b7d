/* The quantity that the output for the features `x` means, in the unit of the training file. */
static void $p_decide(const $T *x, double *value)
{
    static $T y[$P_OUTPUTS];
    $p_network(x, y);
    /* volatile: the product is rounded before it is added to, as NumPy does */
    const volatile double product = (double)y[0] * $TARGET_SCALE;
    *value = product + $TARGET_MEAN;
}
