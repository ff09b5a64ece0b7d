"""The names that a C file has from the headers of its command: none of ours may be one of them.

Layer L10. Source: ISO/IEC 9899:1999, 7.19 (stdio.h), 7.20 (stdlib.h) and 7.21 (string.h).
"""

from __future__ import annotations

STDIO = """
    FILE fpos_t remove rename tmpfile tmpnam fclose fflush fopen freopen setbuf setvbuf fprintf
    fscanf printf scanf snprintf sprintf sscanf vfprintf vfscanf vprintf vscanf vsnprintf vsprintf
    vsscanf fgetc fgets fputc fputs getc getchar gets putc putchar puts ungetc fread fwrite fgetpos
    fseek fsetpos ftell rewind clearerr feof ferror perror stdin stdout stderr BUFSIZ EOF
"""
STDLIB = """
    div_t ldiv_t lldiv_t atof atoi atol atoll strtod strtof strtold strtol strtoll strtoul strtoull
    rand srand calloc free malloc realloc abort atexit exit getenv system bsearch qsort abs labs
    llabs div ldiv lldiv mblen mbtowc wctomb mbstowcs wcstombs
"""
STRING = """
    memcpy memmove strcpy strncpy strcat strncat memcmp strcmp strcoll strncmp strxfrm memchr strchr
    strcspn strpbrk strrchr strspn strstr strtok memset strerror strlen
"""
TAKEN = tuple(f"{STDIO} {STDLIB} {STRING} main NULL size_t ptrdiff_t wchar_t".split())
