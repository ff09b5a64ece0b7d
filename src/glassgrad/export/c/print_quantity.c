static void $p_print_head(int shares)
{
    (void)shares;
    puts("row,prediction");
}

static void $p_print_row(long row, const $T *x, int shares)
{
    double value = 0.0;
    (void)shares;
    $p_decide(x, &value);
    printf("%ld,", row);
    $p_print_number(value);
    putchar('\n');
}
