#pragma once

/*
 * Table: rows of cells for people to read: columns of equal width, two blanks between them, safe for a
 * terminal.
 */

#include "proto/buffer.h"
#include "proto/macro.h"

enum { TABLE_COLUMNS_MAX = 4 };

struct table_cell {
        size_t length, width;
};

struct table {
        size_t n_columns;
        struct buffer text; /* the cells, one behind the other */
        struct table_cell *cells; /* owned; row by row */
        size_t n_cells, allocated;
        size_t widths[TABLE_COLUMNS_MAX];
};

#define TABLE_INIT(columns) ((struct table){.n_columns = (columns)})

void table_deinit(struct table *table);

/* The next cell of the row, or the first one of the next row. */
int table_add(struct table *table, const char *text, size_t n);

/* Every line starts with the indent. */
int table_write(const struct table *table, struct buffer *out, const char *indent);
