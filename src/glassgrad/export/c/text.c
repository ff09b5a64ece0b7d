/* bytes of the blank that text begins with, of those that Python strips from UTF-8; 0 for none */
static size_t $p_blank(const char *text, size_t length)
{
    const unsigned char *const t = (const unsigned char *)text;
    if (length > 0 && ((t[0] >= 9 && t[0] <= 13) || (t[0] >= 28 && t[0] <= 32))) {
        return 1;
    }
    if (length > 1 && t[0] == 0xC2 && (t[1] == 0x85 || t[1] == 0xA0)) {
        return 2;
    }
    if (length < 3) {
        return 0;
    }
    const int is_blank = (t[0] == 0xE1 && t[1] == 0x9A && t[2] == 0x80)
        || (t[0] == 0xE2 && t[1] == 0x80 && t[2] >= 0x80 && t[2] <= 0x8A)
        || (t[0] == 0xE2 && t[1] == 0x80 && (t[2] == 0xA8 || t[2] == 0xA9 || t[2] == 0xAF))
        || (t[0] == 0xE2 && t[1] == 0x81 && t[2] == 0x9F)
        || (t[0] == 0xE3 && t[1] == 0x80 && t[2] == 0x80);
    return is_blank ? 3 : 0;
}

/* the text of a cell without the blanks around it; a null pointer is an empty cell */
static const char *$p_stripped(const char *cell, size_t *length)
{
    size_t first = 0, end = 0, size = 0;
    if (cell == 0) {
        cell = "";
    }
    while (cell[end] != '\0') {
        end++;
    }
    while ((size = $p_blank(cell + first, end - first)) > 0) {
        first += size;
    }
    for (size = 1; size <= 3 && first + size <= end; size++) {
        if ($p_blank(cell + end - size, size) == size) {
            end -= size;
            size = 0;
        }
    }
    *length = end - first;
    return cell + first;
}

/* whether text is `word`; if `folded`, whatever the case of its ASCII letters: `word` has small ones */
static int $p_is_word(const char *text, size_t length, const char *word, int folded)
{
    for (size_t i = 0; i < length; i++) {
        const char c = folded && text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] + 32) : text[i];
        if (c != word[i]) {
            return 0; /* at the end of `word` at the latest: text holds no zero byte */
        }
    }
    return word[length] == '\0';
}

/* the place of text in a list of words; `count` where it is none of them */
static int $p_word(
    const char *text, size_t length, const char *const *words, int count, int folded)
{
    int i = 0;
    while (i < count && !$p_is_word(text, length, words[i], folded)) {
        i++;
    }
    return i;
}
