/* Groups reply: the listing in pieces becomes what it becomes in one, or is refused for the same reason. */

#include "tests/fuzz/fuzz.h"

#include "daemon/remote/groups-reply.h"
#include "proto/json.h"
#include "proto/strv.h"

/* A piece stands by itself in memory, so that a step too far is seen. */
static int feed(struct groups_reply *reply, struct bytes piece) {
        _cleanup_(freep) char *copy = malloc(MAX(piece.n, (size_t)1));

        if (piece.n > 0)
                memcpy(copy, piece.data, piece.n);
        return groups_reply_feed(reply, copy, piece.n);
}

/* sizes: of the pieces, again and again; none: all in one piece. */
static int convert(struct buffer *out, struct bytes body, struct bytes sizes) {
        _cleanup_(groups_reply_freep) struct groups_reply *reply = NULL;
        size_t step = 0, n;
        int r;

        CLAIM(groups_reply_new(&reply, (struct bytes){}) == 0);
        while (body.n > 0) {
                n = sizes.n > 0 ? ((const unsigned char *)sizes.data)[step++ % sizes.n] : body.n;
                if (step > sizes.n && n == 0)
                        n = 1;

                n = MIN(n, body.n);
                r = feed(reply, (struct bytes){body.data, n});
                if (r)
                        return r;

                body = (struct bytes){(const char *)body.data + n, body.n - n};
        }

        return groups_reply_finish(reply, out);
}

static void check_group(struct json_object *group) {
        struct json_object *roles = json_get_array(group, "roles");
        struct json_object *memberships = json_get_array(group, "memberships");

        CLAIM(fuzz_is_text(json_get_string(group, "id")));
        CLAIM(fuzz_is_text(json_get_string(group, "name")));
        CLAIM(fuzz_is_text(json_get_string(group, "group_type")));
        CLAIM(roles && memberships);
        CLAIM(json_object_array_length(roles) <= json_object_array_length(memberships));

        for (size_t i = 1; i < json_object_array_length(roles); i++)
                CLAIM(strcmp(json_object_get_string(json_object_array_get_idx(roles, i - 1)),
                             json_object_get_string(json_object_array_get_idx(roles, i))) < 0);
}

static void check_listing(const struct buffer *listing) {
        _cleanup_(json_freep) struct json_object *groups = NULL;

        CLAIM(json_parse(&groups, buffer_bytes(listing), buffer_size(listing), 0) == 0);
        CLAIM(json_object_is_type(groups, json_type_array));
        CLAIM(!memmem(buffer_bytes(listing), buffer_size(listing), "\\u0000", strlen("\\u0000")) ||
              memmem(buffer_bytes(listing), buffer_size(listing), "\\\\u0000", strlen("\\\\u0000")));

        for (size_t i = 0; i < json_object_array_length(groups); i++)
                check_group(json_object_array_get_idx(groups, i));
}

/* sizes of pieces behind their number · the body */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n) {
        _cleanup_(buffer_deinit) struct buffer whole = {}, pieces = {};
        struct bytes body = {data, n}, sizes = fuzz_counted(&body);
        int r;

        r = convert(&whole, body, (struct bytes){});
        CLAIM(convert(&pieces, body, sizes) == r);
        CLAIM(fuzz_equal(&whole, &pieces));

        if (r == 0)
                check_listing(&whole);
        else
                CLAIM(buffer_size(&whole) == 0);
        return 0;
}
