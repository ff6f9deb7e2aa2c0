#include "cli/table.h"

#include "cli/state.h"
#include "cli/utf8.h"

#define GAP 2

void table_init(struct table *table, const char *const *titles, bool colour)
{
    *table = (struct table){.colour = colour};
    while (titles[table->columns] && table->columns < TABLE_COLUMNS_MAX) {
        table->titles[table->columns] = titles[table->columns];
        table->widths[table->columns] = strlen(titles[table->columns]);
        table->columns++;
    }
}

void table_deinit(struct table *table)
{
    text_deinit(&table->cells);
}

void table_add(struct table *table, struct span cell)
{
    size_t column = table->cell_count++ % table->columns, start = table->cells.size;
    size_t width;

    utf8_add_printable(&table->cells, cell.size > 0 ? cell : span_of("-"));
    width = utf8_columns(span_skip(text_span(&table->cells), start));
    if (width > table->widths[column]) {
        table->widths[column] = width;
    }
    text_add_char(&table->cells, '\n'); /* no cell holds one */
}

static void put(struct table *table, struct text *out, size_t column, struct span cell, const char *colour)
{
    bool last = column + 1 == table->columns;

    text_add_text(out, colour);
    text_add(out, cell);
    text_add_text(out, colour[0] ? STATE_PLAIN : "");
    if (last) {
        text_add_char(out, '\n');
    } else {
        text_add_repeated(out, ' ', table->widths[column] - utf8_columns(cell) + GAP);
    }
}

void table_flush(struct table *table, struct text *out)
{
    struct span rest = text_span(&table->cells);

    for (size_t column = 0; !table->titled && column < table->columns; column++) {
        put(table, out, column, span_of(table->titles[column]), "");
    }
    table->titled = true;
    for (size_t i = 0; rest.size > 0; i++) {
        const char *end = memchr(rest.data, '\n', rest.size);
        struct span cell = span_make(rest.data, (size_t)(end - rest.data));

        put(table, out, i % table->columns, cell, table->colour ? state_colour(cell) : "");
        rest = span_skip(rest, cell.size + 1);
    }
    text_cut(&table->cells, 0);
    table->cell_count = 0;
}
