#include "client/table.h"

#include <errno.h>

#include "client/text.h"

void table_deinit(struct table *table) {
        buffer_deinit(&table->text);
        free(table->cells);
        table->cells = NULL;
        table->n_cells = table->allocated = 0;
}

static int table_grow(struct table *table) {
        size_t allocated = table->allocated ? table->allocated * 2 : 64;
        struct table_cell *cells;

        if (table->n_cells < table->allocated)
                return 0;

        cells = reallocarray(table->cells, allocated, sizeof(*cells));
        if (!cells)
                return -ENOMEM;

        table->cells = cells;
        table->allocated = allocated;
        return 0;
}

int table_add(struct table *table, const char *text, size_t n) {
        size_t before = buffer_size(&table->text), length, width, column;
        int r;

        r = table_grow(table);
        if (r)
                return r;

        r = text_append_safe(&table->text, text, n);
        if (r)
                return r;

        length = buffer_size(&table->text) - before;
        width = length ? text_width(buffer_bytes(&table->text) + before, length) : 0;
        column = table->n_cells % table->n_columns;

        table->widths[column] = MAX(table->widths[column], width);
        table->cells[table->n_cells++] = (struct table_cell){.length = length, .width = width};
        return 0;
}

static int append_blanks(struct buffer *out, size_t n) {
        char *blanks;
        int r;

        r = buffer_reserve(out, n, &blanks);
        if (r)
                return r;

        memset(blanks, ' ', n);
        buffer_commit(out, n);
        return 0;
}

int table_write(const struct table *table, struct buffer *out, const char *indent) {
        const char *text = buffer_bytes(&table->text);
        int r = 0;

        for (size_t i = 0; i < table->n_cells && !r; i++) {
                const struct table_cell *cell = table->cells + i;
                size_t column = i % table->n_columns;
                bool last = column + 1 == table->n_columns;

                if (column == 0)
                        r = buffer_append_string(out, indent);
                if (!r && cell->length)
                        r = buffer_append(out, text, cell->length);
                if (!r && last)
                        r = buffer_append(out, "\n", 1);
                if (!r && !last)
                        r = append_blanks(out, table->widths[column] - cell->width + 2);
                text += cell->length;
        }

        return r;
}
