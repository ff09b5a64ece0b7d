/* What is known of a column that is used:
   a number becomes (x - mean) / scale; a pair of words 0 or 1, whatever their case; a category a 1
   in its place, in the last one if it was unseen in training. With `has_mark` one place more is 1
   for a missing cell. `fill` or `fill_word` stands in for one. */
enum $p_kind { $P_NUMBER, $P_PAIR, $P_CATEGORY };
struct $p_column {
    enum $p_kind kind;
    int place; /* among the columns of the training file */
    double mean, scale, fill;
    const char *const *words;
    int count;
    const char *fill_word;
    int has_mark;
};

$TABLES

/* One column of a row as features; their number goes into `width`. */
static int $p_encode(const struct $p_column *column, const char *cell, $T *x, int *width)
{
    size_t length = 0;
    const char *text = $p_stripped(cell, &length);
    const int is_missing = $p_is_missing(text, length);
    double number = column->fill;
    if (is_missing && !$P_FILLS) {
        return $P_MISSING;
    }
    *width = column->kind == $P_CATEGORY ? column->count + 1 : 1;
    if (column->kind == $P_NUMBER) {
        if (!is_missing && !$p_number(text, length, &number)) {
            return $P_NO_NUMBER;
        }
        x[0] = ($T)((number - column->mean) / column->scale);
    } else {
        const int is_pair = column->kind == $P_PAIR;
        if (is_missing) {
            text = $p_stripped(column->fill_word, &length);
        }
        const int code = $p_word(text, length, column->words, column->count, is_pair);
        if (is_pair && code == column->count) {
            return $P_NO_WORD;
        }
        for (int i = 0; i < *width; i++) {
            x[i] = ($T)(is_pair ? code : i == code);
        }
    }
    if (column->has_mark) {
        x[(*width)++] = ($T)is_missing;
    }
    return $P_FINE;
}

/* The features of a row whose cells stand at `places`, one for each column that is used.
   `fault` is the place of the column that does not fit. */
static int $p_features(const char *const *cells, const int *places, $T *x, int *fault)
{
    int first = 0, width = 0;
    for (int i = 0; i < $P_USED; i++) {
        const int status = $p_encode(&$p_used[i], cells[places[i]], x + first, &width);
        if (status != $P_FINE) {
            *fault = $p_used[i].place;
            return status;
        }
        first += width;
    }
    return $P_FINE;
}

/* Where the columns that are used stand in a row of `count` cells: whole, without the target, or
   of these columns alone. */
static int $p_find_places(int count, int *places)
{
    for (int i = 0; i < $P_USED; i++) {
        const int place = $p_used[i].place;
        if (count == $P_COLUMNS) {
            places[i] = place;
        } else {
            places[i] = count == $P_COLUMNS - 1 ? place - (place > $P_TARGET) : i;
        }
    }
    return count == $P_COLUMNS || count == $P_COLUMNS - 1 || count == $P_USED;
}
