static const char *const $p_problems[] = {"", "a value is missing: column ",
    "no finite number in column ", "neither of its two words in column "};

/* Whether the first row holds names of columns; then where the columns that are used stand. */
static int $p_find_header(int count, int *places)
{
    int is_header = 0;
    for (int i = 0; i < count; i++) {
        size_t length = 0;
        const char *const text = $p_stripped($p_cells[i], &length);
        is_header |= $p_word(text, length, $p_columns, $P_COLUMNS, 0) < $P_COLUMNS;
    }
    for (int k = 0; k < $P_USED && is_header; k++) {
        const char *const name = $p_columns[$p_used[k].place];
        places[k] = -1;
        for (int i = 0; i < count; i++) {
            size_t length = 0;
            const char *const text = $p_stripped($p_cells[i], &length);
            if ($p_is_word(text, length, name, 0)) {
                if (places[k] >= 0) {
                    $p_stop(1, "several columns have the name ", name);
                }
                places[k] = i;
            }
        }
        if (places[k] < 0) {
            $p_stop(1, "a column is missing: ", name);
        }
    }
    return is_header;
}

/* Whether the first row of a file without names does not fit the columns of numbers. */
static int $p_is_title(const int *places)
{
    for (int k = 0; k < $P_USED; k++) {
        size_t length = 0;
        double number;
        const char *const text = $p_stripped($p_cells[places[k]], &length);
        const int is_number = $p_used[k].kind == $P_NUMBER;
        if (is_number && !$p_is_missing(text, length) && !$p_number(text, length, &number)) {
            return 1;
        }
    }
    return 0;
}

int main(int argc, char **argv)
{
    static $T x[$P_FEATURES];
    int places[$P_USED];
    char delimiter = ',';
    int shares = 0, fault = 0;
    long row = 0, printed = 0;
    $p_options(argc, argv, &delimiter, &shares);
    int count = $p_read_row(delimiter, 1);
    const int width = count;
    int is_header = $HAS_HEADER && $p_find_header(count, places);
    if (!is_header) {
        if (!$p_find_places(count, places)) {
            $p_stop(1, "it has another number of cells than the rows of training", "");
        }
        is_header = !$HAS_HEADER && $p_is_title(places);
    }
    $p_print_head(shares);
    if (is_header) {
        count = $p_read_row(delimiter, 1);
    }
    for (; count > 0; count = $p_read_row(delimiter, row + 1)) {
        row++;
        if (count != width) {
            $p_stop(row, "it has another number of cells than the first", "");
        }
        const int status = $p_features($p_cells, places, x, &fault);
        if (status == $P_MISSING && $DROPS) {
            continue; /* as such rows were left out in training */
        }
        if (status != $P_FINE) {
            $p_stop(row, $p_problems[status], $p_columns[fault]);
        }
        $p_print_row(row, x, shares);
        printed++;
    }
    if (printed == 0) {
        $p_stop(row, "there is no row to predict", "");
    }
    return 0;
}
