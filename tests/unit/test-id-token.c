/* Whose login it is: the claims of an id_token, and every check that must not pass. */

#include "tests/unit/unit.h"

#include <errno.h>

#include "daemon/remote/id-token.h"
#include "tests/unit/jwt.h"

#define HEADER "{\"alg\":\"RS512\",\"typ\":\"JWT\"}"
#define WHO "\"sub\":\"" JWT_SUB "\",\"preferred_username\":\"" JWT_USERNAME "\""
#define ISS "\"iss\":\"" JWT_ISSUER "\""
#define AUD "\"aud\":\"" JWT_CLIENT "\""
#define EXP "\"exp\":1700172800"

static const char *const access_tokens[] = {"another", JWT_ACCESS_TOKEN, NULL};
static const struct id_token_expected expected = {
        .issuer = JWT_ISSUER,
        .client_id = JWT_CLIENT,
        .now = 1700000100,
        .access_tokens = access_tokens,
};

static int parse(const char *jwt, const struct id_token_expected *e, const char **why) {
        _cleanup_(identity_freep) struct identity *identity = NULL;
        int r;

        *why = "";
        r = id_token_parse(&identity, jwt, e, why);
        if (r)
                assert_null(identity);
        else
                assert_string_equal(identity->sub, JWT_SUB);
        return r;
}

static void accept(const char *header, const char *claims) {
        _cleanup_(freep) char *jwt = jwt_make(header, claims);
        const char *why;

        if (parse(jwt, &expected, &why))
                fail_msg("%s: %s", claims, why);
}

/* word: the claim that must be named. */
static void refuse(const char *header, const char *claims, int r, const char *word) {
        _cleanup_(freep) char *jwt = jwt_make(header, claims);
        const char *why;

        assert_int_equal(parse(jwt, &expected, &why), r);
        if (!strstr(why, word))
                fail_msg("%s: \"%s\" lacks \"%s\"", claims, why, word);
}

static void test_signed_token(void **state) {
        _cleanup_(identity_freep) struct identity *identity = NULL;
        const char *why = NULL;

        assert_int_equal(id_token_parse(&identity, JWT_SIGNED, &expected, &why), 0);
        assert_string_equal(identity->sub, JWT_SUB);
        assert_string_equal(identity->username, JWT_USERNAME);
        assert_string_equal(identity->name, "Ada Park");
        assert_string_equal(identity->organization, "Ridgeway University");
        assert_non_null(identity->linked[0]);
        assert_null(identity->linked[1]);
}

static void test_signed_token_for_others(void **state) {
        struct id_token_expected e = expected;
        const char *const none[] = {NULL}, *const wrong[] = {"another", NULL};
        const char *why;

        e.issuer = "https://auth.preview.globus.org";
        assert_int_equal(parse(JWT_SIGNED, &e, &why), -EPERM);
        assert_non_null(strstr(why, "iss"));

        e = expected;
        e.client_id = "61338d24-54d5-408f-a10d-66c06b59f6d2";
        assert_int_equal(parse(JWT_SIGNED, &e, &why), -EPERM);
        assert_non_null(strstr(why, "aud"));

        e = expected;
        e.access_tokens = wrong;
        assert_int_equal(parse(JWT_SIGNED, &e, &why), -EPERM);
        assert_non_null(strstr(why, "at_hash"));
        e.access_tokens = none;
        assert_int_equal(parse(JWT_SIGNED, &e, &why), -EPERM);
        e.access_tokens = NULL;
        assert_int_equal(parse(JWT_SIGNED, &e, &why), -EPERM);
}

static void test_expiry_has_a_leeway(void **state) {
        struct id_token_expected e = expected;
        const char *why;

        e.now = JWT_EXPIRES + 299;
        assert_int_equal(parse(JWT_SIGNED, &e, &why), 0);
        e.now = JWT_EXPIRES + 300;
        assert_int_equal(parse(JWT_SIGNED, &e, &why), -EPERM);
        assert_non_null(strstr(why, "exp"));
}

static void test_claims_of_many_forms(void **state) {
        accept(HEADER, "{" WHO "," ISS "," AUD "," EXP "}");
        accept(HEADER, "{" WHO ",\"iss\":\"" JWT_ISSUER "/\"," AUD "," EXP "}");
        accept(HEADER, "{" WHO "," ISS ",\"aud\":[\"x\",\"" JWT_CLIENT "\"]," EXP "}");
        accept(HEADER, "{" WHO "," ISS "," AUD ",\"azp\":\"" JWT_CLIENT "\"," EXP "}");
        accept(HEADER, "{" WHO "," ISS "," AUD ",\"exp\":1700172800.5}");
        accept(HEADER, "{" WHO "," ISS "," AUD ",\"exp\":99999999999999999999999}");
        accept(HEADER, "{" WHO "," ISS "," AUD "," EXP ",\"at_hash\":\"" JWT_AT_HASH "\"}");
        accept("{\"alg\":\"RS256\"}",
               "{" WHO "," ISS "," AUD "," EXP ",\"at_hash\":\"J1gAnuytl6oIm1ta--xjNA\"}");
        accept("{\"alg\":\"RS384\"}",
               "{" WHO "," ISS "," AUD "," EXP ",\"at_hash\":\"3irYGuBqPN0lr9oG4lpJSE--2_tbmXWZ\"}");
}

static void test_claims_refused(void **state) {
        refuse(HEADER, "{" WHO "," AUD "," EXP "}", -EPERM, "iss");
        refuse(HEADER, "{" WHO ",\"iss\":7," AUD "," EXP "}", -EPERM, "iss");
        refuse(HEADER, "{" WHO ",\"iss\":\"" JWT_ISSUER ".evil.example\"," AUD "," EXP "}", -EPERM, "iss");
        refuse(HEADER, "{" WHO ",\"iss\":\"" JWT_ISSUER "//\"," AUD "," EXP "}", -EPERM, "iss");
        refuse(HEADER, "{" WHO "," ISS "," EXP "}", -EPERM, "aud");
        refuse(HEADER, "{" WHO "," ISS ",\"aud\":[]," EXP "}", -EPERM, "aud");
        refuse(HEADER, "{" WHO "," ISS ",\"aud\":[7,null]," EXP "}", -EPERM, "aud");
        refuse(HEADER, "{" WHO "," ISS "," AUD ",\"azp\":\"x\"," EXP "}", -EPERM, "aud");
        refuse(HEADER, "{" WHO "," ISS "," AUD "}", -EPERM, "exp");
        refuse(HEADER, "{" WHO "," ISS "," AUD ",\"exp\":null}", -EPERM, "exp");
        refuse(HEADER, "{" WHO "," ISS "," AUD ",\"exp\":\"1700172800\"}", -EPERM, "exp");
        refuse(HEADER, "{" WHO "," ISS "," AUD ",\"exp\":-1}", -EPERM, "exp");
        refuse(HEADER, "{" WHO "," ISS "," AUD "," EXP ",\"at_hash\":\"x\"}", -EPERM, "at_hash");
        refuse(HEADER, "{" WHO "," ISS "," AUD "," EXP ",\"at_hash\":null}", -EPERM, "at_hash");
        refuse("{\"alg\":\"RS256\"}", "{" WHO "," ISS "," AUD "," EXP ",\"at_hash\":\"" JWT_AT_HASH "\"}",
               -EPERM, "at_hash");
        refuse(HEADER, "{" ISS "," AUD "," EXP "}", -EBADMSG, "sub");
}

static void test_algorithms_refused(void **state) {
        static const char claims[] = "{" WHO "," ISS "," AUD "," EXP "}";

        refuse("{\"alg\":\"none\"}", claims, -EPERM, "alg");
        refuse("{\"alg\":\"HS512\"}", claims, -EPERM, "alg");
        refuse("{\"alg\":\"rs512\"}", claims, -EPERM, "alg");
        refuse("{\"alg\":[\"RS512\"]}", claims, -EPERM, "alg");
        refuse("{}", claims, -EPERM, "alg");
}

static void test_no_jwt(void **state) {
        static const char *const texts[] = {
                "",        ".",         "..",        "a.b",        "openid_token", "e30.e30", "e30.e30.x.y",
                "e30.!.x", "W10.e30.x", "e30.W10.x", "e30=.e30.x", "e30.bnVsbA.x", "e30.e3.x"};
        const char *why;

        for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
                assert_int_equal(parse(texts[i], &expected, &why), -EBADMSG);
                assert_non_null(strstr(why, "JSON Web Token"));
        }

        refuse(HEADER, "[]", -EBADMSG, "JSON Web Token");
        refuse(HEADER, "{\"a\":1,\"a\":2}", -EBADMSG, "JSON Web Token");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_signed_token),
                cmocka_unit_test(test_signed_token_for_others),
                cmocka_unit_test(test_expiry_has_a_leeway),
                cmocka_unit_test(test_claims_of_many_forms),
                cmocka_unit_test(test_claims_refused),
                cmocka_unit_test(test_algorithms_refused),
                cmocka_unit_test(test_no_jwt),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
