static void $p_print_head(int shares)
{
    (void)shares;
    fputs("row", stdout);
    for (int k = 0; k < $P_OUTPUTS; k++) {
        printf(",y%d", k);
    }
    putchar('\n');
}

static void $p_print_row(long row, const $T *x, int shares)
{
    static $T y[$P_OUTPUTS];
    (void)shares;
    $p_network(x, y);
    printf("%ld", row);
    for (int k = 0; k < $P_OUTPUTS; k++) {
        printf(",$FORMAT", (double)y[k]);
    }
    putchar('\n');
}
