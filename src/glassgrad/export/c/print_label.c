static void $p_print_head(int shares)
{
    (void)shares;
    puts("row,prediction");
}

static void $p_print_row(long row, const $T *x, int shares)
{
    int32_t label = 0;
    (void)shares;
    $p_decide(x, &label);
    printf("%ld,", row);
    $p_print_text($p_labels[label]);
    putchar('\n');
}
