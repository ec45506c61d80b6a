#include "daemon/remote/demand.h"

#include <errno.h>

#include "daemon/model/scope.h"
#include "daemon/remote/words.h"
#include "proto/error.h"
#include "proto/json.h"
#include "proto/strv.h"

/* Of one list: so many members of so many bytes. */
enum { LIST_MAX = 64, SCOPE_LENGTH_MAX = 4096 };

/* Fields of an error object that hold its words, the more telling first. */
static const char *const word_fields[] = {"message", "detail", "title", "description", "error_description"};

/* As it is read off one of the forms below. */
struct demand {
        char **scopes;
        struct session session;
        char *words; /* of the service's, beside the session's message */
};

static void demand_deinit(struct demand *demand) {
        strv_free(demand->scopes);
        session_deinit(&demand->session);
        free(demand->words);
}

/* NULL if absent, and where it is null. */
static struct json_object *get_member(struct json_object *object, const char *name) {
        struct json_object *value;

        if (!json_object_is_type(object, json_type_object) || !json_object_object_get_ex(object, name, &value))
                return NULL;

        return value;
}

/* FastAPI tells what is wrong with a request as a list of objects. */
static const char *get_words(struct json_object *object) {
        struct json_object *list = json_get_array(object, "detail");
        const char *words;

        for (size_t i = 0; i < ARRAY_SIZE(word_fields); i++) {
                words = json_get_string(object, word_fields[i]);
                if (words && *words)
                        return words;
        }

        return list && json_object_array_length(list) > 0
                       ? json_get_string(json_object_array_get_idx(list, 0), "msg")
                       : NULL;
}

/* Scopes that make no sense are passed over: they end up in a URL. */
static int take_scope(char ***scopes, const char *text) {
        _cleanup_(strv_freep) char **split = NULL;
        int r;

        if (strlen(text) > SCOPE_LENGTH_MAX || strv_length(*scopes) >= LIST_MAX)
                return 0;

        r = scope_split(&split, text);
        if (r)
                return r == -EINVAL ? 0 : r;

        return strv_append_new(scopes, split);
}

/* -EBADMSG: no list of strings. */
static int take_scopes(char ***scopes, struct json_object *array) {
        if (!array)
                return 0;
        if (!json_object_is_type(array, json_type_array))
                return -EBADMSG;

        for (size_t i = 0; i < json_object_array_length(array); i++) {
                struct json_object *element = json_object_array_get_idx(array, i);
                int r = -EBADMSG;

                if (json_object_is_type(element, json_type_string))
                        r = take_scope(scopes, json_object_get_string(element));
                if (r)
                        return r;
        }

        return 0;
}

static int take_string(char **ret, struct json_object *value) {
        if (!value)
                return 0;
        if (!json_object_is_type(value, json_type_string))
                return -EBADMSG;

        *ret = words_clean(json_object_get_string(value));
        return *ret ? 0 : -ENOMEM;
}

/* Members that are not one short word are passed over: a comma would make two of one in a URL. */
static int take_word(char ***list, const char *text) {
        _cleanup_(freep) char *clean = words_clean(text);

        if (!clean)
                return -ENOMEM;
        if (!*text || !streq(clean, text) || strpbrk(text, " ,") || strv_length(*list) >= LIST_MAX)
                return 0;

        return strv_append(list, text);
}

/* A list of strings; or, as older services have it, one string with commas. */
static int take_list(char ***ret, struct json_object *value) {
        _cleanup_(strv_freep) char **all = NULL;
        int r = 0;

        if (!value)
                return 0;

        if (json_object_is_type(value, json_type_string))
                r = strv_split(&all, json_object_get_string(value), ", ");
        else
                r = json_object_is_type(value, json_type_array) ? json_get_strings(&all, value) : -EBADMSG;

        for (size_t i = 0; !r && all && all[i]; i++)
                r = take_word(ret, all[i]);

        return r;
}

static int take_mfa(enum tristate *ret, struct json_object *value) {
        if (!value)
                return 0;
        if (!json_object_is_type(value, json_type_boolean))
                return -EBADMSG;

        *ret = json_object_get_boolean(value) ? TRISTATE_TRUE : TRISTATE_FALSE;
        return 0;
}

/* "login" is the one that makes sense for a person. */
static int take_prompt(char **ret, struct json_object *value) {
        if (!value)
                return 0;
        if (!json_object_is_type(value, json_type_string))
                return -EBADMSG;
        if (!streq(json_object_get_string(value), "login"))
                return 0;

        *ret = strdup("login");
        return *ret ? 0 : -ENOMEM;
}

/* Globus Auth Requirements Error. -ENOENT: this is none. */
static int read_parameters(struct demand *demand, struct json_object *error) {
        struct json_object *parameters = json_get_object(error, "authorization_parameters");
        struct session *session = &demand->session;
        int r;

        if (!parameters || json_object_object_length(parameters) == 0)
                return -ENOENT;

        r = take_scopes(&demand->scopes, get_member(parameters, "required_scopes"));
        if (!r)
                r = take_string(&session->session_message, get_member(parameters, "session_message"));
        if (!r)
                r = take_list(&session->session_required_identities,
                              get_member(parameters, "session_required_identities"));
        if (!r)
                r = take_list(&session->session_required_single_domain,
                              get_member(parameters, "session_required_single_domain"));
        if (!r)
                r = take_list(&session->session_required_policies,
                              get_member(parameters, "session_required_policies"));
        if (!r)
                r = take_mfa(&session->session_required_mfa, get_member(parameters, "session_required_mfa"));
        if (!r)
                r = take_prompt(&session->prompt, get_member(parameters, "prompt"));

        return r == -EBADMSG ? -ENOENT : r;
}

/* The forms that only name scopes: of Transfer, of action providers, and of Auth for a dependent consent. */
static int read_scopes(struct demand *demand, struct json_object *error) {
        const char *code = json_get_string(error, "code"), *single = json_get_string(error, "required_scope");
        int r = -ENOENT;

        if (!code)
                return -ENOENT;

        if (streq(code, "ConsentRequired") && get_member(error, "required_scopes"))
                r = take_scopes(&demand->scopes, get_member(error, "required_scopes"));
        else if (streq(code, "ConsentRequired") && single)
                r = take_scope(&demand->scopes, single);
        else if (streq(code, "DEPENDENT_CONSENT_REQUIRED"))
                r = take_scopes(&demand->scopes, get_member(error, "unapproved_scopes"));
        if (r == -EBADMSG || (!r && strv_length(demand->scopes) == 0))
                return -ENOENT;

        return r;
}

/* -ENOENT: it demands nothing. */
static int read_error(struct demand *ret, struct json_object *error) {
        int (*const forms[])(struct demand *, struct json_object *) = {read_parameters, read_scopes};
        int r = -ENOENT;

        for (size_t i = 0; i < ARRAY_SIZE(forms) && r == -ENOENT; i++) {
                _cleanup_(demand_deinit) struct demand demand = {};

                r = forms[i](&demand, error);
                if (r)
                        continue;

                demand.words = words_clean(get_words(error));
                *ret = demand;
                demand = (struct demand){};
        }

        return r;
}

/* The document itself, then the errors that it lists. */
static int read_body(struct demand *ret, struct json_object *body) {
        struct json_object *errors = json_get_array(body, "errors");
        size_t n = errors ? MIN(json_object_array_length(errors), (size_t)LIST_MAX) : 0;
        int r;

        r = read_error(ret, body);
        for (size_t i = 0; i < n && r == -ENOENT; i++)
                r = read_error(ret, json_object_array_get_idx(errors, i));

        return r;
}

bool demand_parse(struct fault *fault, const char *body, size_t n) {
        _cleanup_(json_wipep) struct json_object *object = NULL;
        _cleanup_(demand_deinit) struct demand demand = {};
        const char *words;
        bool consent;

        if (json_parse(&object, body, n, JSON_LENIENT_STRINGS) || read_body(&demand, object))
                return false;

        consent = strv_length(demand.scopes) > 0;
        words = demand.session.session_message ? demand.session.session_message : demand.words;
        fault_set_login_needed(
                fault,
                &(const struct login_need){.reason = consent ? "consent" : "session", .scopes = demand.scopes},
                "Globus asks for %s%s%s", consent ? "a consent that was not given" : "another login",
                words && *words ? ": " : "", words ? words : "");
        fault->session = demand.session;
        demand.session = (struct session){};
        return true;
}

void demand_describe(char **ret_code, char **ret_detail, const char *body, size_t n) {
        _cleanup_(json_wipep) struct json_object *object = NULL;
        struct json_object *error, *errors;
        const char *code;

        *ret_code = *ret_detail = NULL;
        if (json_parse(&object, body, n, JSON_LENIENT_STRINGS))
                return;

        errors = json_get_array(object, "errors");
        error = errors && json_object_array_length(errors) > 0 ? json_object_array_get_idx(errors, 0) : object;
        code = json_get_string(error, "code");

        *ret_code = words_clean(code ? code : json_get_string(object, "error"));
        *ret_detail = words_clean(get_words(error));
}
