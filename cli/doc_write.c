#include "cli/doc_write.h"

#include "cli/yaml_schema.h"

/* Of null, true, false and numbers: YAML spells the first three in several ways, JSON in one. */
static struct span scalar_of(const struct doc *doc)
{
    if (doc->kind == DOC_BOOL) {
        return span_of(doc->truth ? "true" : "false");
    }
    return doc->kind == DOC_NULL ? span_of("null") : doc->text;
}

void doc_write_quoted(struct text *text, struct span string)
{
    static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";

    text_add_char(text, '"');
    for (size_t i = 0; i < string.size; i++) {
        char c = string.data[i];
        const char *found = c ? strchr(from, c) : NULL;

        if (found) {
            text_add_char(text, '\\');
            text_add_char(text, to[found - from]);
        } else if ((unsigned char)c < 0x20 || c == 0x7F) {
            text_add_format(text, "\\u%04x", (unsigned)(unsigned char)c);
        } else {
            text_add_char(text, c);
        }
    }
    text_add_char(text, '"');
}

static void new_line(struct text *text, int level)
{
    if (level >= 0) {
        text_add_char(text, '\n');
        text_add_repeated(text, ' ', 2 * (size_t)level);
    }
}

/* level -1: everything on one line. */
static void write_json(struct text *text, const struct doc *doc, int level)
{
    int inner = level < 0 ? -1 : level + 1;

    if (doc->kind == DOC_STRING) {
        doc_write_quoted(text, doc->text);
        return;
    }
    if (doc->kind != DOC_LIST && doc->kind != DOC_MAP) {
        text_add(text, scalar_of(doc));
        return;
    }
    text_add_char(text, doc->kind == DOC_LIST ? '[' : '{');
    for (const struct doc_item *item = doc->first; item; item = item->next) {
        new_line(text, inner);
        if (doc->kind == DOC_MAP) {
            doc_write_quoted(text, item->key);
            text_add_text(text, level < 0 ? ":" : ": ");
        }
        write_json(text, item->value, inner);
        if (item->next) {
            text_add_char(text, ',');
        }
    }
    if (doc->first) {
        new_line(text, level);
    }
    text_add_char(text, doc->kind == DOC_LIST ? ']' : '}');
}

void doc_write_json(struct text *text, const struct doc *doc, int level)
{
    write_json(text, doc, level);
}

void doc_write_json_line(struct text *text, const struct doc *doc)
{
    write_json(text, doc, -1);
}

static void write_yaml_text(struct text *text, struct span string)
{
    if (yaml_schema_is_safe(string)) {
        text_add(text, string);
    } else {
        doc_write_quoted(text, string);
    }
}

void doc_write_yaml(struct text *text, const struct doc *doc, int level)
{
    bool first = true;

    if (doc->kind == DOC_STRING) {
        write_yaml_text(text, doc->text);
        text_add_char(text, '\n');
        return;
    }
    if ((doc->kind != DOC_LIST && doc->kind != DOC_MAP) || !doc->first) {
        text_add(text, doc->kind == DOC_LIST ? span_of("[]") : doc->kind == DOC_MAP ? span_of("{}") : scalar_of(doc));
        text_add_char(text, '\n');
        return;
    }
    /* The first line stands behind what opened the value: "- " or, for the whole document, nothing. */
    for (const struct doc_item *item = doc->first; item; item = item->next) {
        const struct doc *value = item->value;
        bool block = value->first && (value->kind == DOC_LIST || value->kind == DOC_MAP);

        if (!first) {
            text_add_repeated(text, ' ', 2 * (size_t)level);
        }
        first = false;
        if (doc->kind == DOC_LIST) {
            text_add_text(text, "- ");
            doc_write_yaml(text, value, level + 1);
            continue;
        }
        write_yaml_text(text, item->key);
        text_add_char(text, ':');
        text_add_char(text, block ? '\n' : ' ');
        if (block) {
            int inner = level + (value->kind == DOC_MAP);

            text_add_repeated(text, ' ', 2 * (size_t)inner);
            doc_write_yaml(text, value, inner);
        } else {
            doc_write_yaml(text, value, level);
        }
    }
}
