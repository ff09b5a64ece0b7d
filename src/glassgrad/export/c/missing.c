/* whether a cell without blanks around it stands for nothing */
static int $p_is_missing(const char *text, size_t length)
{
    static const char *const words[] = {$MISSING};
    return $p_word(text, length, words, $MISSING_COUNT, 1) < $MISSING_COUNT;
}
