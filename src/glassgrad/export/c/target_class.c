/* The class of row i as the loss takes it. */
static void $p_put_target($TARGET *t, int i, int32_t code)
{
$PUT
}
