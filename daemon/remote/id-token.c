#include "daemon/remote/id-token.h"

#include <errno.h>

#include <openssl/evp.h>

#include "daemon/base/crypto.h"
#include "proto/buffer.h"
#include "proto/json.h"

enum { LEEWAY_SEC = 300 };

/* RFC 7518, section 3.1: what signs. at_hash is made with the hash of the signature. */
static const struct algorithm {
        const char *name;
        const EVP_MD *(*hash)(void);
} algorithms[] = {
        {"RS256", EVP_sha256},
        {"RS384", EVP_sha384},
        {"RS512", EVP_sha512},
};

static const struct algorithm *find_algorithm(const char *name) {
        for (size_t i = 0; name && i < ARRAY_SIZE(algorithms); i++)
                if (streq(algorithms[i].name, name))
                        return &algorithms[i];

        return NULL;
}

/* One of the parts between the dots: base64url of a JSON object. */
static int parse_part(struct json_object **ret, const char *text, size_t n) {
        _cleanup_(json_wipep) struct json_object *object = NULL;
        _cleanup_(buffer_deinit) struct buffer bytes = {};
        int r;

        r = crypto_base64url_decode(&bytes, text, n);
        if (!r)
                r = json_parse(&object, buffer_bytes(&bytes), buffer_size(&bytes), JSON_LENIENT_STRINGS);
        if (r)
                return r;
        if (!json_object_is_type(object, json_type_object))
                return -EBADMSG;

        *ret = TAKE(object);
        return 0;
}

/* RFC 7515, section 3.1: header, claims and signature. */
static int parse_jwt(struct json_object **ret_header, struct json_object **ret_claims, const char *jwt) {
        _cleanup_(json_wipep) struct json_object *header = NULL;
        const char *claims, *signature;
        int r;

        claims = strchr(jwt, '.');
        signature = claims ? strchr(claims + 1, '.') : NULL;
        if (!signature || strchr(signature + 1, '.'))
                return -EBADMSG;

        r = parse_part(&header, jwt, (size_t)(claims - jwt));
        if (!r)
                r = parse_part(ret_claims, claims + 1, (size_t)(signature - claims - 1));
        if (!r)
                *ret_header = TAKE(header);

        return r;
}

static bool issuer_matches(struct json_object *claims, const char *expected) {
        const char *issuer = json_get_string(claims, "iss");
        size_t n = strlen(expected);

        return issuer && strncmp(issuer, expected, n) == 0 && (streq(issuer + n, "") || streq(issuer + n, "/"));
}

/* OpenID Connect Core, section 3.1.3.7, 3 to 5. */
static bool audience_matches(struct json_object *claims, const char *client_id) {
        struct json_object *audience = json_get_array(claims, "aud"), *party;
        const char *single = json_get_string(claims, "aud");
        bool found = single && streq(single, client_id);

        for (size_t i = 0; audience && i < json_object_array_length(audience); i++) {
                struct json_object *one = json_object_array_get_idx(audience, i);

                if (json_object_is_type(one, json_type_string) && streq(json_object_get_string(one), client_id))
                        found = true;
        }

        if (found && json_object_object_get_ex(claims, "azp", &party) && party)
                found = json_object_is_type(party, json_type_string) &&
                        streq(json_object_get_string(party), client_id);

        return found;
}

static bool is_current(struct json_object *claims, int64_t now) {
        struct json_object *expires;

        if (!json_object_object_get_ex(claims, "exp", &expires))
                return false;
        if (!json_object_is_type(expires, json_type_int) && !json_object_is_type(expires, json_type_double))
                return false;

        return json_object_get_int64(expires) > now - LEEWAY_SEC;
}

/* The left half of the access token's hash, section 3.1.3.6. */
static bool hash_matches(const char *expected, const struct algorithm *algorithm, const char *access_token) {
        unsigned char hash[EVP_MAX_MD_SIZE];
        _cleanup_(freep) char *text = NULL;
        unsigned int size;

        if (!EVP_Digest(access_token, strlen(access_token), hash, &size, algorithm->hash(), NULL))
                return false;

        return crypto_base64url_encode(&text, hash, size / 2) == 0 && streq(text, expected);
}

static bool token_matches(struct json_object *claims, const struct algorithm *algorithm,
                          const char *const *access_tokens) {
        struct json_object *expected;

        if (!json_object_object_get_ex(claims, "at_hash", &expected))
                return true;
        if (!json_object_is_type(expected, json_type_string))
                return false;

        for (; access_tokens && *access_tokens; access_tokens++)
                if (hash_matches(json_object_get_string(expected), algorithm, *access_tokens))
                        return true;

        return false;
}

/* NULL: nothing. */
static const char *find_fault(struct json_object *header, struct json_object *claims,
                              const struct id_token_expected *expected) {
        const struct algorithm *algorithm = find_algorithm(json_get_string(header, "alg"));

        if (!algorithm)
                return "it is not signed with RS256, RS384 or RS512 (alg)";
        if (!issuer_matches(claims, expected->issuer))
                return "it is from another issuer (iss)";
        if (!audience_matches(claims, expected->client_id))
                return "it is for another client (aud)";
        if (!is_current(claims, expected->now))
                return "it has expired, or the clock of this machine is wrong (exp)";
        if (!token_matches(claims, algorithm, expected->access_tokens))
                return "it is for another access token (at_hash)";

        return NULL;
}

int id_token_parse(struct identity **ret, const char *jwt, const struct id_token_expected *expected,
                   const char **ret_why) {
        _cleanup_(json_wipep) struct json_object *header = NULL, *claims = NULL;
        const char *why;
        int r;

        r = parse_jwt(&header, &claims, jwt);
        if (r) {
                *ret_why = "it is not a JSON Web Token";
                return r;
        }

        why = find_fault(header, claims, expected);
        if (why) {
                *ret_why = why;
                return -EPERM;
        }

        r = identity_parse(ret, claims);
        if (r)
                *ret_why = "it does not name the user (sub, preferred_username)";
        return r;
}
