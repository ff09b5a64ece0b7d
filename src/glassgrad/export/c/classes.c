/* $TITLE */

/* The class that the outputs for the features `x` mean$AND_SHARES. */
static void $p_decide(const $T *x, int32_t *label$SHARES_PARAMETER)
{
    static $T y[$P_OUTPUTS];
    $p_network(x, y$SHARES_ARGUMENT);
$CHOICE}
