/* What a person opens in the browser: PKCE, state, and every parameter in its place. */

#include "tests/unit/unit.h"

#include <sys/random.h>

#include "daemon/base/crypto.h"
#include "daemon/remote/authorize.h"

/* The octets of RFC 7636, appendix B, which stand in for the next random ones. */
static const unsigned char rfc_octets[32] = {
        116, 24,  223, 180, 151, 153, 224, 37,  79, 250, 96, 125, 216, 173, 187, 186,
        22,  212, 37,  77,  105, 214, 191, 240, 91, 88,  5,  88,  83,  132, 141, 121,
};
static bool predictable;
static unsigned char next_byte;

ssize_t getrandom(void *buffer, size_t n, unsigned int flags) {
        if (predictable && n == sizeof(rfc_octets))
                memcpy(buffer, rfc_octets, n);
        else
                memset(buffer, ++next_byte, n);

        return (ssize_t)n;
}

static const struct origin origin = {
        .environment = (char *)"production",
        .auth_url = (char *)"https://auth.globus.org/",
        .groups_url = (char *)"https://groups.api.globus.org/",
        .client_id = (char *)"61338d24-54d5-408f-a10d-66c06b59f6d2",
};
static char *const scopes[] = {(char *)"profile", (char *)"email", (char *)"urn:globus:x:y[*z]", NULL};

static int teardown(void **state) {
        predictable = false;
        return 0;
}

static void test_url(void **state) {
        _cleanup_(authorize_deinit) struct authorize authorize = {};
        const struct authorize_params params = {.origin = &origin, .scopes = scopes, .refresh_tokens = true};

        predictable = true;
        assert_int_equal(authorize_init(&authorize, &params), 0);
        assert_string_equal(secret_string(authorize.verifier), "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        assert_string_equal(authorize.redirect_uri, "https://auth.globus.org/v2/web/auth-code");
        assert_string_equal(
                authorize.url,
                "https://auth.globus.org/v2/oauth2/authorize?client_id=61338d24-54d5-408f-a10d-66c06b59f6d2"
                "&redirect_uri=https%3A%2F%2Fauth.globus.org%2Fv2%2Fweb%2Fauth-code"
                "&scope=email+profile+urn%3Aglobus%3Ax%3Ay%5B%2Az%5D"
                "&state=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk&response_type=code"
                "&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256"
                "&access_type=offline");
}

/* The other known pair of verifier and challenge. */
static void test_challenge(void **state) {
        _cleanup_(freep) char *challenge = NULL;
        unsigned char hash[32];

        assert_int_equal(crypto_sha256(hash, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 43), 0);
        assert_int_equal(crypto_base64url_encode(&challenge, hash, sizeof(hash)), 0);
        assert_string_equal(challenge, "ZtNPunH49FD35FWYhT5Tv8I7vRKQJ8uxMaL0_9eHjNA");
}

static void test_every_login_is_its_own(void **state) {
        _cleanup_(authorize_deinit) struct authorize a = {}, b = {};
        const struct authorize_params params = {.origin = &origin, .scopes = scopes};

        assert_int_equal(authorize_init(&a, &params), 0);
        assert_int_equal(authorize_init(&b, &params), 0);
        assert_false(secret_equal(a.verifier, b.verifier));
        assert_string_not_equal(a.state, b.state);
        assert_string_not_equal(a.state, secret_string(a.verifier));
        assert_int_equal(strlen(a.state), 43);
        assert_int_equal(secret_size(a.verifier), 43);
        assert_non_null(strstr(a.url, "&access_type=online"));
        assert_null(strstr(a.url, secret_string(a.verifier)));
}

static void test_session(void **state) {
        _cleanup_(authorize_deinit) struct authorize authorize = {};
        char *two[] = {(char *)"a", (char *)"b@c", NULL}, *one[] = {(char *)"d", NULL};
        struct session session = {
                .session_message = (char *)"Log in & see",
                .session_required_identities = two,
                .session_required_single_domain = one,
                .session_required_policies = two,
                .session_required_mfa = TRISTATE_TRUE,
                .prompt = (char *)"login",
        };
        const struct authorize_params params = {
                .origin = &origin,
                .scopes = scopes,
                .session = &session,
                .redirect_uri = "http://127.0.0.1:99/",
        };

        assert_int_equal(authorize_init(&authorize, &params), 0);
        assert_string_equal(authorize.redirect_uri, "http://127.0.0.1:99/");
        assert_non_null(strstr(authorize.url, "&redirect_uri=http%3A%2F%2F127.0.0.1%3A99%2F&"));
        assert_string_equal(strstr(authorize.url, "&access_type"),
                            "&access_type=online&session_required_identities=a%2Cb%40c"
                            "&session_required_single_domain=d&session_required_policies=a%2Cb%40c"
                            "&session_required_mfa=True&session_message=Log+in+%26+see&prompt=login");
}

static void test_session_of_little(void **state) {
        _cleanup_(authorize_deinit) struct authorize authorize = {};
        const struct session session = {.session_required_mfa = TRISTATE_FALSE};
        const struct authorize_params params = {.origin = &origin, .scopes = scopes, .session = &session};

        assert_int_equal(authorize_init(&authorize, &params), 0);
        assert_string_equal(strstr(authorize.url, "&access_type"),
                            "&access_type=online&session_required_mfa=False");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_teardown(test_url, teardown), cmocka_unit_test(test_challenge),
                cmocka_unit_test(test_every_login_is_its_own), cmocka_unit_test(test_session),
                cmocka_unit_test(test_session_of_little),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
