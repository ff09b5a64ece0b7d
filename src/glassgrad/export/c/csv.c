/* --- the command: rows as CSV on standard input, predictions on standard output ----------- */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef $P_ROW_BYTES
#define $P_ROW_BYTES $ROW_BYTES /* of the longest row */
#endif
enum { $P_ROW_CELLS = $ROW_CELLS };

static char $p_bytes[$P_ROW_BYTES];
static const char *$p_cells[$P_ROW_CELLS];

static void $p_stop(long row, const char *problem, const char *about)
{
    fprintf(stderr, "row %ld: %s%s\n", row, problem, about);
    exit(1);
}

/* The next byte; a byte-order mark at the start is left out. */
static int $p_next(void)
{
    static unsigned char head[3];
    static int filled = -1, taken = 0;
    if (filled < 0) {
        filled = (int)fread(head, 1, sizeof head, stdin);
        taken = filled == 3 && memcmp(head, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    }
    return taken < filled ? head[taken++] : getchar();
}

/* The cells of the next row that is not blank; 0 at the end. Rows are UTF-8, cells with the
   delimiter, quotes or line ends in them are quoted, and quotes inside doubled. */
static int $p_read_row(char delimiter, long row)
{
    size_t used = 0;
    int count = 0, is_quoted = 0, is_closed = 0, is_first = 1, c;
    $p_cells[0] = $p_bytes;
    while ((c = $p_next()) != EOF) {
        if (used + 2 > sizeof $p_bytes || count + 1 >= $P_ROW_CELLS) {
            $p_stop(row, "it is too long", "");
        }
        if (c == '\0') {
            $p_stop(row, "a zero byte is in it: it is no text", "");
        }
        if (is_quoted) {
            if (c == '"') {
                is_quoted = 0;
                is_closed = 1;
            } else {
                $p_bytes[used++] = (char)c;
            }
        } else if (c == '"' && is_closed) {
            $p_bytes[used++] = '"'; /* a doubled one */
            is_quoted = 1;
            is_closed = 0;
        } else if (c == '"' && is_first) {
            is_quoted = 1;
            is_first = 0;
        } else if (c == delimiter || c == '\n' || c == '\r') {
            size_t length = 0;
            $p_bytes[used++] = '\0';
            count++;
            is_first = 1;
            is_closed = 0;
            if (c != delimiter) {
                $p_stripped($p_cells[0], &length);
                if (count > 1 || length > 0) {
                    return count;
                }
                used = 0;
                count = 0;
            }
            $p_cells[count] = $p_bytes + used;
        } else if (is_closed) {
            $p_stop(row, "text stands behind a closing quote", "");
        } else if (c != ' ' || !is_first) {
            $p_bytes[used++] = (char)c;
            is_first = 0;
        }
    }
    if (is_quoted) {
        $p_stop(row, "a quote is not closed", "");
    }
    size_t length = 0;
    $p_bytes[used] = '\0';
    $p_stripped($p_cells[0], &length);
    return count > 0 || length > 0 ? count + 1 : 0;
}

static void $p_options(int argc, char **argv, char *delimiter, int *shares)
{
    for (int i = 1; i < argc; i++) {
        if ($HAS_SHARES && strcmp(argv[i], "--probabilities") == 0) {
            *shares = 1;
        } else if (strcmp(argv[i], "--delimiter") == 0 && i + 1 < argc && argv[i + 1][0] != '\0') {
            *delimiter = argv[++i][0];
        } else {
            fprintf(stderr, "usage: %s $USAGE [--delimiter C] < ROWS.csv\n", argv[0]);
            exit(2);
        }
    }
}
