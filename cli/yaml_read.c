#include "cli/yaml_read.h"

#include <yaml.h>

#include "cli/utf8.h"
#include "cli/yaml_schema.h"
#include "upb/arena.h"

#define ANCHORS_MAX 256

struct reader {
    yaml_parser_t parser;
    yaml_event_t event; /* the one looked at; deleted by the next */
    bool has_event;
    int depth;
    size_t anchor_count;
    struct {
        struct span name;
        struct doc *doc;
    } anchors[ANCHORS_MAX];
    upb_Arena *arena;
    struct err *err;
};

static struct doc *read_node(struct reader *reader);

static uint32_t line_of(const struct reader *reader)
{
    return (uint32_t)reader->event.start_mark.line + 1;
}

static void *fail(struct reader *reader, const char *text)
{
    err_set(reader->err, ERR_INVALID, "line %u: %s", line_of(reader), text);
    return NULL;
}

static bool next(struct reader *reader)
{
    if (reader->has_event) {
        yaml_event_delete(&reader->event);
        reader->has_event = false;
    }
    if (!yaml_parser_parse(&reader->parser, &reader->event)) {
        err_set(reader->err, ERR_INVALID, "line %zu: %s%s%s", reader->parser.problem_mark.line + 1,
                reader->parser.context ? reader->parser.context : "", reader->parser.context ? ": " : "",
                reader->parser.problem ? reader->parser.problem : "no YAML");
        return false;
    }
    reader->has_event = true;
    return true;
}

static struct span span_of_yaml(const yaml_char_t *text)
{
    return span_of((const char *)text);
}

/* An anchor names a node only once that is complete: no node can hold itself. */
static bool remember_anchor(struct reader *reader, struct span name, struct doc *doc)
{
    if (name.size == 0) {
        return true;
    }
    for (size_t i = 0; i < reader->anchor_count; i++) {
        if (span_equal(reader->anchors[i].name, name)) {
            reader->anchors[i].doc = doc;
            return true;
        }
    }
    if (reader->anchor_count == ANCHORS_MAX) {
        fail(reader, "more than 256 anchors");
        return false;
    }
    reader->anchors[reader->anchor_count].name = name;
    reader->anchors[reader->anchor_count++].doc = doc;
    return true;
}

static struct doc *find_anchor(struct reader *reader)
{
    struct span name = span_of_yaml(reader->event.data.alias.anchor);

    for (size_t i = 0; i < reader->anchor_count; i++) {
        if (span_equal(reader->anchors[i].name, name)) {
            return reader->anchors[i].doc;
        }
    }
    err_set(reader->err, ERR_INVALID, "line %u: there is no anchor &%.*s above", line_of(reader), SPAN_FORMAT(name));
    return NULL;
}

static struct doc *read_scalar(struct reader *reader)
{
    struct span value = span_make(reader->event.data.scalar.value, reader->event.data.scalar.length);
    struct span tag = span_of_yaml(reader->event.data.scalar.tag);
    struct doc *doc = doc_new(reader->arena, DOC_STRING, line_of(reader), reader->err);

    if (!doc) {
        return NULL;
    }
    doc->text = doc_copy(reader->arena, value);
    if (!doc->text.data) {
        err_set(reader->err, ERR_EXHAUSTED, "out of memory");
        return NULL;
    }
    if (tag.size == 0 && reader->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE) {
        doc->plain = true;
        doc->kind = yaml_schema_kind(doc->text, &doc->truth);
    } else if (span_equal_text(tag, YAML_INT_TAG) || span_equal_text(tag, YAML_FLOAT_TAG) ||
               span_equal_text(tag, YAML_BOOL_TAG) || span_equal_text(tag, YAML_NULL_TAG)) {
        doc->kind = yaml_schema_kind(doc->text, &doc->truth);
    } else if (tag.size > 0 && !span_equal_text(tag, YAML_STR_TAG) && !span_equal_text(tag, "!")) {
        return fail(reader, "a tag that means nothing here");
    }
    return doc;
}

/* Items of the merged map that the map does not have itself. */
static bool merge(struct reader *reader, struct doc *map, const struct doc *merged)
{
    struct err already = ERR_INIT;

    if (merged->kind == DOC_LIST) {
        for (const struct doc_item *item = merged->first; item; item = item->next) {
            if (item->value->kind != DOC_MAP || !merge(reader, map, item->value)) {
                fail(reader, "<< wants a mapping, or a list of them");
                return false;
            }
        }
        return true;
    }
    if (merged->kind != DOC_MAP) {
        fail(reader, "<< wants a mapping, or a list of them");
        return false;
    }
    for (const struct doc_item *item = merged->first; item; item = item->next) {
        if (doc_set(reader->arena, map, item->key, item->line, item->value, &already) &&
            already.code == ERR_EXHAUSTED) {
            *reader->err = already;
            return false;
        }
    }
    return true;
}

static bool read_pair(struct reader *reader, struct doc *map, struct doc **ret_merged)
{
    uint32_t line = line_of(reader);
    struct span key;
    bool plain;
    struct doc *value;

    if (reader->event.type != YAML_SCALAR_EVENT) {
        fail(reader, "a key that is no text");
        return false;
    }
    key = doc_copy(reader->arena, span_make(reader->event.data.scalar.value, reader->event.data.scalar.length));
    plain = reader->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    if (!key.data) {
        err_set(reader->err, ERR_EXHAUSTED, "out of memory");
        return false;
    }
    value = next(reader) ? read_node(reader) : NULL;
    if (!value) {
        return false;
    }
    if (plain && span_equal_text(key, "<<") && !*ret_merged) {
        *ret_merged = value;
        return true;
    }
    if (doc_set(reader->arena, map, key, line, value, reader->err)) {
        err_wrap(reader->err, "line %u", line);
        return false;
    }
    return true;
}

static struct doc *read_map(struct reader *reader)
{
    struct doc *map = doc_new(reader->arena, DOC_MAP, line_of(reader), reader->err);
    struct doc *merged = NULL;

    if (!map || !next(reader)) {
        return NULL;
    }
    while (reader->event.type != YAML_MAPPING_END_EVENT) {
        if (!read_pair(reader, map, &merged) || !next(reader)) {
            return NULL;
        }
    }
    return merged && !merge(reader, map, merged) ? NULL : map;
}

static struct doc *read_list(struct reader *reader)
{
    struct doc *list = doc_new(reader->arena, DOC_LIST, line_of(reader), reader->err);

    if (!list || !next(reader)) {
        return NULL;
    }
    while (reader->event.type != YAML_SEQUENCE_END_EVENT) {
        struct doc *value = read_node(reader);

        if (!value || doc_append(reader->arena, list, value, reader->err) || !next(reader)) {
            return NULL;
        }
    }
    return list;
}

/* The node that begins with the event looked at; afterwards its last event is looked at. */
static struct doc *read_node(struct reader *reader)
{
    struct span anchor;
    struct doc *doc = NULL;

    if (++reader->depth > DOC_DEPTH_MAX) {
        return fail(reader, "nested too deep");
    }
    if (reader->event.type == YAML_ALIAS_EVENT) {
        reader->depth--;
        return find_anchor(reader);
    }
    if (reader->event.type == YAML_SCALAR_EVENT) {
        anchor = doc_copy(reader->arena, span_of_yaml(reader->event.data.scalar.anchor));
        doc = read_scalar(reader);
    } else if (reader->event.type == YAML_MAPPING_START_EVENT) {
        anchor = doc_copy(reader->arena, span_of_yaml(reader->event.data.mapping_start.anchor));
        doc = read_map(reader);
    } else if (reader->event.type == YAML_SEQUENCE_START_EVENT) {
        anchor = doc_copy(reader->arena, span_of_yaml(reader->event.data.sequence_start.anchor));
        doc = read_list(reader);
    } else {
        return fail(reader, "a value is missing");
    }
    reader->depth--;
    return doc && remember_anchor(reader, anchor, doc) ? doc : NULL;
}

static struct doc *read_document(struct reader *reader)
{
    struct doc *doc;

    if (!next(reader) || !next(reader)) { /* the stream's start, then the document's */
        return NULL;
    }
    if (reader->event.type == YAML_STREAM_END_EVENT) {
        return fail(reader, "the file is empty");
    }
    doc = next(reader) ? read_node(reader) : NULL;
    if (!doc || !next(reader) || !next(reader)) { /* the document's end, then the stream's */
        return NULL;
    }
    return reader->event.type == YAML_STREAM_END_EVENT ? doc
                                                       : fail(reader, "a second document begins; one file is one job");
}

int yaml_read(struct span input, upb_Arena *arena, struct doc **ret_doc, struct err *err)
{
    struct reader reader = {.arena = arena, .err = err};
    size_t valid = utf8_valid_bytes(input);
    struct doc *doc;

    if (valid < input.size) {
        return err_set(err, ERR_INVALID, "byte %zu is no UTF-8", valid);
    }
    if (!yaml_parser_initialize(&reader.parser)) {
        return err_set(err, ERR_EXHAUSTED, "out of memory");
    }
    yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&reader.parser, (const unsigned char *)input.data, input.size);
    doc = read_document(&reader);
    if (reader.has_event) {
        yaml_event_delete(&reader.event);
    }
    yaml_parser_delete(&reader.parser);
    if (!doc) {
        return -1;
    }
    *ret_doc = doc;
    return 0;
}
