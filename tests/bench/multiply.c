/*
 * multiply COUNT: copies the logins of the profile "default" to COUNT more profiles, p1 and so on, in the store
 * of the home that the environment names. Faster than so many logins.
 */

#include <stdio.h>

#include "daemon/flow/disk.h"
#include "daemon/model/record.h"
#include "daemon/model/uuid.h"

static struct change *copy_record(const struct record *record, unsigned long number) {
        struct change *change = calloc(1, sizeof(*change));

        if (!change || record_copy(&change->record, record))
                return NULL;

        change->type = CHANGE_ADD;
        free(change->record->profile);
        if (uuid_new(change->record->uuid) || asprintf(&change->record->profile, "p%lu", number) < 0)
                return NULL;

        return change;
}

static bool copy_profile(struct list *changes, struct store *store, unsigned long number) {
        for (struct list *l = store->records.next; l != &store->records; l = l->next) {
                struct record *record = CONTAINER(l, struct record, link);
                struct change *change;

                if (!streq(record->profile, "default"))
                        continue;

                change = copy_record(record, number);
                if (!change)
                        return false;

                list_append(changes, &change->link);
        }

        return true;
}

static int complain(const struct fault *fault) {
        fprintf(stderr, "multiply: %s\n", fault_message(fault));
        return EXIT_FAILURE;
}

int main(int argc, char **argv) {
        unsigned long count = argc == 2 ? strtoul(argv[1], NULL, 10) : 0;
        struct disk_commit commit = {.changes = LIST_INIT(commit.changes), .wish.permitted = ~0U};
        struct disk_look look = {};
        struct disk_paths paths;
        struct fault fault = {};

        if (disk_paths_init(&paths) || disk_load(&look, &paths, &fault))
                return complain(&fault);

        for (unsigned long number = 1; look.store && number <= count; number++)
                if (!copy_profile(&commit.changes, look.store, number))
                        return EXIT_FAILURE;

        if (look.store)
                commit.known = look.store->version;
        return disk_commit(&commit, &paths, &fault) ? complain(&fault) : EXIT_SUCCESS;
}
