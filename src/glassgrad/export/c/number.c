enum { $P_DIGITS = 800, $P_WORDS = 176 }; /* no double needs more digits to be told apart */

/* big = big * factor + more; the number of words that it has then */
static int $p_multiply(uint32_t *big, int size, uint32_t factor, uint32_t more)
{
    uint64_t carry = more;
    for (int i = 0; i < size; i++) {
        carry += (uint64_t)big[i] * factor;
        big[i] = (uint32_t)carry;
        carry >>= 32;
    }
    if (carry != 0) {
        big[size++] = (uint32_t)carry;
    }
    return size;
}

/* big = big / divisor; whether something was left over */
static int $p_divide(uint32_t *big, int size, uint32_t divisor)
{
    uint64_t rest = 0;
    for (int i = size - 1; i >= 0; i--) {
        rest = rest << 32 | big[i];
        big[i] = (uint32_t)(rest / divisor);
        rest %= divisor;
    }
    return rest != 0;
}

/* The double nearest to big * 2^exponent, the even one of two; `lost` if a little more is meant.
   Infinity where none is near. The highest word is not 0. */
static double $p_nearest(const uint32_t *big, int size, int32_t exponent, int lost)
{
    union {
        uint64_t bits;
        double number;
    } out;
    uint64_t top = 0;
    int32_t place = exponent + 32 * size - 1; /* of the highest bit */
    for (int i = size - 1; i >= size - 3; i--) { /* 64 bits, the highest of them set */
        const uint32_t word = i >= 0 ? big[i] : 0;
        for (int bit = 31; bit >= 0; bit--) {
            if (top >> 63) {
                lost |= (int)(word >> bit & 1);
            } else {
                top = top << 1 | (word >> bit & 1);
                place -= top == 0;
            }
        }
    }
    for (int i = size - 4; i >= 0; i--) {
        lost |= big[i] != 0;
    }
    const int32_t dropped = place >= -1022 ? 11 : 11 - 1022 - place;
    if (place > 1023 || dropped > 64) {
        out.bits = place > 1023 ? UINT64_C(2047) << 52 : 0;
        return out.number;
    }
    uint64_t kept = dropped < 64 ? top >> dropped : 0;
    const uint64_t rest = dropped < 64 ? top - (kept << dropped) : top;
    const uint64_t half = UINT64_C(1) << (dropped - 1);
    kept += rest > half || (rest == half && (lost || (kept & 1)));
    /* the bit before the fraction adds 1 to the exponent, and so does a carry */
    out.bits = kept + (place >= -1022 ? (uint64_t)(place + 1022) << 52 : 0);
    return out.number;
}

/* The double nearest to big * 10^exponent. */
static double $p_scaled(uint32_t *big, int size, int32_t exponent, int lost)
{
    int32_t left = exponent < 0 ? -exponent : exponent;
    if (exponent < 0) { /* zeros are put behind it, so that the quotient has bits enough */
        const int zeros = (int)(left * 73 / 1000 + 3);
        for (int i = size - 1; i >= 0; i--) {
            big[i + zeros] = big[i];
        }
        for (int i = 0; i < zeros; i++) {
            big[i] = 0;
        }
        size += zeros;
        exponent -= 32 * zeros;
    }
    while (left > 0) { /* 10 = 2 * 5, and 5^13 is the highest power in 32 bits */
        uint32_t power = 5;
        for (left--; left > 0 && power < 1220703125u; left--) {
            power *= 5;
        }
        if (exponent < 0) {
            lost |= $p_divide(big, size, power);
        } else {
            size = $p_multiply(big, size, power, 0);
        }
    }
    while (big[size - 1] == 0) {
        size--;
    }
    return $p_nearest(big, size, exponent, lost);
}

/* Whether the bytes of a text are a finite decimal number, such as -1.5e3, which goes into `out`:
   rounded to the nearest double, the even one of two. */
static int $p_number(const char *text, size_t length, double *out)
{
    static const double powers[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
        1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    const char *const end = text + length;
    uint32_t big[$P_WORDS];
    int64_t few = 0; /* the same number as `big`, of up to 15 digits */
    int size = 0, digits = 0, is_digit = 0, has_point = 0, lost = 0;
    int32_t exponent = 0;
    const int is_negative = text < end && *text == '-';
    if (text < end && (*text == '-' || *text == '+')) {
        text++;
    }
    for (; text < end && (*text == '.' || (*text >= '0' && *text <= '9')); text++) {
        if (*text == '.') {
            if (has_point) {
                return 0;
            }
            has_point = 1;
            continue;
        }
        const uint32_t digit = (uint32_t)(*text - '0');
        is_digit = 1;
        exponent -= has_point;
        if (digits == 0 && digit == 0) {
            continue; /* before the first digit that counts */
        }
        if (digits < $P_DIGITS) {
            size = $p_multiply(big, size, 10, digit);
            few = digits < 15 ? few * 10 + digit : few;
            digits++;
        } else {
            lost |= digit != 0;
            exponent++;
        }
    }
    if (!is_digit) {
        return 0;
    }
    if (text < end && (*text == 'e' || *text == 'E')) {
        int32_t written = 0;
        text++;
        const int is_below = text < end && *text == '-';
        if (text < end && (*text == '-' || *text == '+')) {
            text++;
        }
        if (text == end) {
            return 0;
        }
        for (; text < end && *text >= '0' && *text <= '9'; text++) {
            written = written < 1000000 ? written * 10 + (*text - '0') : written;
        }
        exponent += is_below ? -written : written;
    }
    if (text < end || exponent + digits > 310) {
        return text == end && digits == 0 ? (*out = is_negative ? -0.0 : 0.0, 1) : 0;
    }
    double number = 0.0;
    if (FLT_EVAL_METHOD == 0 && digits <= 15 && exponent >= -22 && exponent <= 22) {
        number = (double)few; /* both are exact, so that one operation rounds once */
        number = exponent < 0 ? number / powers[-exponent] : number * powers[exponent];
    } else if (digits > 0 && exponent + digits > -330) {
        number = $p_scaled(big, size, exponent, lost);
    }
    *out = is_negative ? -number : number;
    return number - number == 0.0;
}
