/* The cells of the row as numbers; the number of the first one that is none, -1 if all are. */
static int $p_read_numbers(int count, int left_out, double *numbers)
{
    int used = 0;
    for (int i = 0; i < count; i++) {
        size_t length = 0;
        const char *const text = $p_stripped($p_cells[i], &length);
        if (i != left_out && !$p_number(text, length, &numbers[used++])) {
            return i;
        }
    }
    return -1;
}

/* The place of a label among the cells: by its name, else the last; -1 if there is none. */
static int $p_find_label(int count, int is_header)
{
    static const char *const words[] = {"label", "labels", "y", "target", "class"};
    if (count != $P_FEATURES + 1) {
        return -1;
    }
    for (int i = 0; i < count && is_header; i++) {
        size_t length = 0;
        const char *const text = $p_stripped($p_cells[i], &length);
        if ($p_word(text, length, words, 5, 1) < 5) {
            return i;
        }
    }
    return $P_FEATURES;
}

int main(int argc, char **argv)
{
    static double numbers[$P_FEATURES + 1];
    static $T x[$P_FEATURES];
    char delimiter = ',';
    int shares = 0;
    long row = 0;
    $p_options(argc, argv, &delimiter, &shares);
    int count = $p_read_row(delimiter, 1);
    const int width = count;
    if (width != $P_FEATURES && width != $P_FEATURES + $HAS_LABEL) {
        $p_stop(1, "it has another number of cells than the network takes", "");
    }
    const int last = count == $P_FEATURES + 1 ? $P_FEATURES : -1; /* a label may be a word */
    const int is_header = $p_read_numbers(count, last, numbers) >= 0;
    const int left_out = $p_find_label(count, is_header);
    $p_print_head(shares);
    if (is_header) {
        count = $p_read_row(delimiter, 1);
    }
    for (; count > 0; count = $p_read_row(delimiter, row + 1)) {
        row++;
        if (count != width) {
            $p_stop(row, "it has another number of cells than the first", "");
        }
        if ($p_read_numbers(count, left_out, numbers) >= 0) {
            $p_stop(row, "a cell is no finite number", "");
        }
        $TAKEN
        $p_print_row(row, x, shares);
    }
    return 0;
}
