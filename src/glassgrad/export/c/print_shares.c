static void $p_print_head(int shares)
{
    fputs("row,prediction", stdout);
    for (int k = 0; k < $P_CLASSES && shares; k++) {
        static char text[4100];
        snprintf(text, sizeof text, "p(%s)", $p_labels[k]);
        putchar(',');
        $p_print_text(text);
    }
    putchar('\n');
}

static void $p_print_row(long row, const $T *x, int shares)
{
    static double probabilities[$P_CLASSES];
    int32_t label = 0;
    $p_decide(x, &label, probabilities);
    printf("%ld,", row);
    $p_print_text($p_labels[label]);
    for (int k = 0; k < $P_CLASSES && shares; k++) {
        printf(",%.6g", probabilities[k]);
    }
    putchar('\n');
}
