/* A cell of text, quoted where CSV needs it. */
static void $p_print_text(const char *text)
{
    if (strpbrk(text, "\",\r\n") == 0) {
        fputs(text, stdout);
        return;
    }
    putchar('"');
    for (; *text != '\0'; text++) {
        if (*text == '"') {
            putchar('"');
        }
        putchar(*text);
    }
    putchar('"');
}
