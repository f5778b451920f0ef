/* SPDX-License-Identifier: BSD-2-Clause */
/* `yoton decode`: object bytes as Python literals. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "tools.h"
#include "yoton/object.h"

static const char help[] =
    "usage: yoton decode [--hex [--keep-going]] [--depth N] [FILE]\n"
    "\n"
    "Reads the bytes of one object, from standard input if FILE is not given, and prints the value "
    "as\n"
    "a Python literal (inf as 1e999, nan as nan).\n"
    "  --hex          the input is hexadecimal text, one object per line\n"
    "  --keep-going   print a line \"!OFFSET REASON\" for a malformed object and go on with the "
    "next\n"
    "  --depth N      accept N containers inside each other (default 1000)\n"
    "\n"
    "example: echo 7402690300000000000000 6201 | yoton decode --hex      prints (3, True)\n";

typedef struct options {
    bool hex, keep_going, help;
    size_t depth;
    const char *file;
} options;

/* What stands in front of a message: the line in hexadecimal input, otherwise nothing. */
typedef struct place {
    char text[40];
} place;

static place at_line(size_t line) {
    place p = {""};
    if (line > 0)
        snprintf(p.text, sizeof p.text, "line %zu: ", line);
    return p;
}

/* Prints one object. TOOL_FAILED ends the run; a malformed one that is only noted sets *bad. */
static int print_object(const options *o, const char *bytes, size_t size, size_t line, bool *bad) {
    yoton_value value;
    char *literal;
    size_t used;
    size_t literal_size;
    int error = yoton_object_decode(&value, (const uint8_t *)bytes, size, o->depth, &used);
    if (error == YOTON_OK) {
        error = yoton_object_literal(&value, &literal, &literal_size);
        yoton_value_clear(&value);
    }
    if (error == YOTON_OK) {
        literal[literal_size] = '\n';
        fwrite(literal, 1, literal_size + 1, stdout);
        free(literal);
        return TOOL_OK;
    }
    if (error == YOTON_E_NOMEM)
        return tool_fail("decode", "%s%s", at_line(line).text, yoton_strerror(error));
    if (o->keep_going) {
        printf("!%zu %s\n", used, yoton_strerror(error));
        *bad = true;
        return TOOL_OK;
    }
    return tool_fail("decode", "%soffset %zu (0x%zx): %s", at_line(line).text, used, used,
                     error == YOTON_E_LENGTH ? "the object ends too early" : yoton_strerror(error));
}

static int print_lines(const options *o, char *text, size_t size) {
    bool bad = false;
    size_t number = 0;
    for (size_t at = 0; at < size;) {
        char *line = text + at;
        char *end = memchr(line, '\n', size - at);
        size_t length = end != NULL ? (size_t)(end - line) : size - at;
        size_t wrong;
        at += length + 1;
        number++;
        if (tool_unhex(line, &length, &wrong) != 0)
            return tool_fail("decode", "line %zu, column %zu: not a pair of hexadecimal digits",
                             number, wrong + 1);
        int result = print_object(o, line, length, number, &bad);
        if (result != TOOL_OK)
            return result;
    }
    return bad ? TOOL_FAILED : TOOL_OK;
}

static int read_depth(const char *text, size_t *depth) {
    char *end;
    errno = 0;
    unsigned long number = strtoul(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || errno != 0 || number == 0)
        return tool_usage("decode", "--depth wants a number from 1 on, not \"%s\"", text);
    *depth = number;
    return TOOL_OK;
}

static int read_options(options *o, int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        int result = TOOL_OK;
        if (strcmp(argv[i], "--help") == 0)
            o->help = true;
        else if (strcmp(argv[i], "--hex") == 0)
            o->hex = true;
        else if (strcmp(argv[i], "--keep-going") == 0)
            o->keep_going = true;
        else if (strcmp(argv[i], "--depth") == 0)
            result = i + 1 < argc ? read_depth(argv[++i], &o->depth)
                                  : tool_usage("decode", "--depth wants a number");
        else if (argv[i][0] == '-' && argv[i][1] != '\0')
            result = tool_usage("decode", "unknown option %s", argv[i]);
        else if (o->file != NULL)
            result = tool_usage("decode", "more than one file: %s and %s", o->file, argv[i]);
        else
            o->file = argv[i];
        if (result != TOOL_OK)
            return result;
    }
    if (o->keep_going && !o->hex)
        return tool_usage("decode", "--keep-going goes with --hex, where one line is one object");
    return TOOL_OK;
}

int cmd_decode(int argc, char **argv) {
    options o = {0};
    char *data;
    size_t size;
    bool bad = false;
    int result = read_options(&o, argc, argv);
    if (result != TOOL_OK)
        return result;
    if (o.help) {
        fputs(help, stdout);
        return tool_finish("decode");
    }
    bool from_file = o.file != NULL && strcmp(o.file, "-") != 0;
    FILE *stream = from_file ? fopen(o.file, "rb") : stdin;
    int read = stream != NULL ? tool_read(stream, &data, &size) : -1;
    if (read != 0)
        result = tool_fail("decode", "cannot read %s: %s", from_file ? o.file : "standard input",
                           strerror(errno));
    if (from_file && stream != NULL)
        fclose(stream);
    if (read != 0)
        return result;
    result = o.hex ? print_lines(&o, data, size) : print_object(&o, data, size, 0, &bad);
    free(data);
    int finished = tool_finish("decode");
    return result != TOOL_OK ? result : finished;
}
