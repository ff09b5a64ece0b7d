/* A number with as few digits as tell it from all others, as Python writes it. */
static void $p_print_number(double value)
{
    char text[40];
    int digits = 1;
    for (;; digits++) {
        snprintf(text, sizeof text, "%.*e", digits - 1, value);
        if (digits == 17 || strtod(text, 0) == value) {
            break;
        }
    }
    if (value != value || value - value != 0.0) {
        fputs(value != value ? "nan" : value > 0 ? "inf" : "-inf", stdout);
        return;
    }
    const int exponent = atoi(strchr(text, 'e') + 1);
    const int decimals = digits - 1 - exponent;
    if (exponent < -4 || exponent >= 16) {
        fputs(text, stdout);
    } else {
        printf("%.*f", decimals > 1 ? decimals : 1, value);
    }
}
