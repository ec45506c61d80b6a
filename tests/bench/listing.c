/*
 * listing FILE: the floor of `groups`: the reply in the file, parsed by json-c, printed as CSV, freed.
 */

#include "tests/bench/bench.h"

#include <json-c/json.h>

static const char *text_of(struct json_object *object, const char *name) {
        return json_object_get_string(json_object_object_get(object, name)) ?: "";
}

static void print_group(struct json_object *group) {
        struct json_object *roles = json_object_object_get(group, "roles");

        printf("%s,\"%s\",", text_of(group, "id"), text_of(group, "name"));
        for (size_t i = 0; i < json_object_array_length(roles); i++)
                printf("%s%s", i > 0 ? "|" : "", json_object_get_string(json_object_array_get_idx(roles, i)));
        putchar('\n');
}

int main(int argc, char **argv) {
        struct json_object *reply, *parameters, *groups;
        size_t n;
        char *text;

        if (argc != 2) {
                fprintf(stderr, "usage: listing FILE\n");
                return EXIT_FAILURE;
        }

        text = read_file(argv[1], &n);
        reply = json_tokener_parse(text);
        if (!json_object_object_get_ex(reply, "parameters", &parameters) ||
            !json_object_object_get_ex(parameters, "groups", &groups))
                return EXIT_FAILURE;

        puts("ID,Name,Roles");
        for (size_t i = 0; i < json_object_array_length(groups); i++)
                print_group(json_object_array_get_idx(groups, i));

        json_object_put(reply);
        free(text);
        return EXIT_SUCCESS;
}
