/* The class that the outputs for the features `x` mean. */
static void $p_decide(const $T *x, int32_t *label)
{
    static $T y[$P_OUTPUTS];
    $p_network(x, y);
$CHOICE
}
