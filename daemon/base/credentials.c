#include "daemon/base/credentials.h"

#include <errno.h>
#include <unistd.h>

#include "daemon/base/base64.h"
#include "proto/client.h"
#include "proto/json.h"

#define INTERFACE "io.systemd.Credentials."
#define SERVICE "systemd's service for credentials"

enum { REPLY_MAX = 256 * 1024, KEY_ID_SIZE = 16, FIRST_LASTING_TPM = 258 };

static const struct credentials_service system_service = {
        .path = "/run/systemd/io.systemd.Credentials",
        .timeout_usec = 5 * USEC_PER_SEC,
};

/* Of systemd's src/shared/creds-util.h those that belong to one user. There is no null key among them. */
static const struct key {
        unsigned char id[KEY_ID_SIZE];
        bool tpm;
} keys[] = {
        /* CRED_AES256_GCM_BY_HOST_SCOPED */
        {{0x55, 0xb9, 0xed, 0x1d, 0x38, 0x59, 0x4d, 0x43, 0xa8, 0x31, 0x9d, 0x2e, 0xbb, 0x33, 0x2a, 0xc6},
         false},
        /* CRED_AES256_GCM_BY_HOST_AND_TPM2_HMAC_SCOPED, .._WITH_PK_SCOPED */
        {{0xef, 0x4a, 0xc1, 0x36, 0x79, 0xa9, 0x48, 0x0e, 0xa7, 0xdb, 0x68, 0x89, 0x7f, 0x9f, 0x16, 0x5d},
         true},
        {{0xad, 0xbc, 0x4c, 0xa3, 0xef, 0xb6, 0x42, 0x01, 0xba, 0x88, 0x1b, 0x6f, 0x2e, 0x40, 0x95, 0xea},
         true},
        /* the same two with .._PINNED_SRK, of later versions */
        {{0x2a, 0x1f, 0x87, 0x7a, 0x42, 0x75, 0x43, 0x1a, 0xb3, 0xf9, 0xed, 0x1f, 0x5d, 0x8f, 0x66, 0x01},
         true},
        {{0x16, 0xe4, 0x92, 0x94, 0x9f, 0x94, 0x40, 0x02, 0x86, 0x75, 0x8f, 0x94, 0xb7, 0xc5, 0x2b, 0xc7},
         true},
};

static const unsigned char null_key[KEY_ID_SIZE] = {0x05, 0x84, 0x69, 0xda, 0xf6, 0xf5, 0x43, 0x24,
                                                    0x80, 0x05, 0x49, 0xda, 0x0f, 0x8e, 0xa2, 0xfb};

/* NULL: none that is known. */
static const struct key *find_key(struct bytes encrypted) {
        for (size_t i = 0; encrypted.n >= KEY_ID_SIZE && i < ARRAY_SIZE(keys); i++)
                if (memcmp(encrypted.data, keys[i].id, KEY_ID_SIZE) == 0)
                        return keys + i;

        return NULL;
}

const char *credentials_key(struct bytes encrypted) {
        const struct key *key = find_key(encrypted);

        if (!key)
                return NULL;

        return key->tpm ? "the TPM and the host key of this machine" : "the host key of this machine";
}

static int reject_key(struct fault *fault, struct bytes encrypted) {
        bool null = encrypted.n >= KEY_ID_SIZE && memcmp(encrypted.data, null_key, KEY_ID_SIZE) == 0;

        return fault_set(fault, -EKEYREJECTED,
                         null ? "it is encrypted with the null key, which everybody has"
                              : "it is encrypted with a key of a kind that this program does not know");
}

/* One connection for all that a function asks. */
struct dialogue {
        struct client *client;
        uint64_t deadline_usec;
};

static void dialogue_deinit(struct dialogue *dialogue) {
        client_free(dialogue->client);
}

static int trouble(struct fault *fault, int r) {
        switch (r) {
        case -ENOENT:
        case -ECONNREFUSED:
                return fault_set(fault, r, SERVICE " is not there (systemd 256 and later have it)");
        case -ETIMEDOUT:
                return fault_set(fault, r, SERVICE " does not answer");
        case -EPIPE:
        case -ECONNRESET:
        case -ENODATA:
                return fault_set(fault, -ECONNRESET, SERVICE " went away before it answered");
        case -ENOMEM:
                return fault_set(fault, r, NULL);
        case -EBADMSG:
        case -EMSGSIZE:
                return fault_set(fault, -EPROTO, "the answer of " SERVICE " cannot be understood");
        default:
                return fault_set(fault, r, SERVICE " cannot be asked: %s", error_sentence(r));
        }
}

static int dialogue_begin(struct dialogue *dialogue, const struct credentials_service *service,
                          struct fault *fault) {
        uid_t uid = 0;
        int r;

        dialogue->deadline_usec = client_now_usec() + service->timeout_usec;
        r = client_open(&dialogue->client, service->path, REPLY_MAX, dialogue->deadline_usec);
        if (!r)
                r = client_peer_uid(dialogue->client, &uid);
        if (r)
                return trouble(fault, r);

        if (uid != 0 && uid != geteuid())
                return fault_set(fault, -EPERM, "%s belongs to uid %u: nothing was sent to it", service->path,
                                 uid);
        return 0;
}

/* What a method is told; NULL: nothing. */
struct argument {
        const char *name, *member;
        struct bytes bytes;
};

static int write_call(struct buffer *out, const char *method, const struct argument *argument) {
        _cleanup_(buffer_deinit) struct buffer text = {};
        struct writer writer = WRITER_INIT(out);
        int r;

        message_begin_call(&writer, method, 0);
        write_object_begin(&writer);
        if (argument) {
                r = base64_encode(&text, argument->bytes);
                if (r)
                        return r;

                write_string_member(&writer, "name", argument->name);
                write_name(&writer, argument->member);
                write_string_n(&writer, buffer_bytes(&text), buffer_size(&text));
                write_string_member(&writer, "scope", "user");
        }
        write_object_end(&writer);
        message_end(&writer);
        return writer_end(&writer);
}

/* An error reply is not a failure here. */
static int ask(struct dialogue *dialogue, struct message_reply *ret, const char *method,
               const struct argument *argument, struct fault *fault) {
        _cleanup_(buffer_deinit) struct buffer message = {};
        int r;

        r = write_call(&message, method, argument);
        if (!r)
                r = client_exchange(dialogue->client, &message, dialogue->deadline_usec, ret);

        return r ? trouble(fault, r) : 0;
}

/* The errno of an error reply that tells no more; 0: of another one. */
static int system_errno(const struct message_reply *reply) {
        if (!streq(reply->error, "io.systemd.System"))
                return 0;

        return MAX(json_object_get_int(json_object_object_get(reply->parameters, "errno")), 0);
}

static int refused(struct fault *fault, const struct message_reply *reply) {
        int error = system_errno(reply);

        if (error == ENOTRECOVERABLE)
                return fault_set(fault, -EIO, SERVICE " has no disk to keep a key on");

        return fault_set(fault, -EIO, SERVICE " refuses: %s", error ? error_sentence(-error) : reply->error);
}

static bool is_of_somebody_else(const struct message_reply *reply) {
        static const char *const errors[] = {INTERFACE "BadFormat", INTERFACE "NameMismatch",
                                             INTERFACE "BadScope", INTERFACE "NoSuchUser",
                                             INTERFACE "KeyBelongsToOtherTPM"};

        for (size_t i = 0; i < ARRAY_SIZE(errors); i++)
                if (streq(reply->error, errors[i]))
                        return true;

        return system_errno(reply) == EOPNOTSUPP; /* another kind of key */
}

static int not_decrypted(struct fault *fault, const struct message_reply *reply) {
        if (is_of_somebody_else(reply))
                return fault_set(
                        fault, -EBADMSG,
                        "it was not encrypted on this machine for this user and this purpose, or it is "
                        "damaged");
        if (system_errno(reply) == ENOENT)
                return fault_set(fault, -ENOKEY,
                                 "this machine has lost the key that it was encrypted with "
                                 "(/var/lib/systemd/credential.secret)");

        return refused(fault, reply);
}

/* The bytes in a member of a reply. */
static int get_bytes(struct secret **ret, const struct message_reply *reply, const char *member,
                     struct fault *fault) {
        const char *text = json_get_string(reply->parameters, member);
        int r = text ? base64_decode(ret, text) : -EBADMSG;

        return r ? trouble(fault, r) : 0;
}

/* The service's own version, which need not be that of the running manager: "257.13 (257.13-1~deb13u1)". */
static int check_lasting(struct dialogue *dialogue, struct fault *fault) {
        _cleanup_(message_reply_deinit) struct message_reply reply = {};
        const char *version;
        int r;

        r = ask(dialogue, &reply, "org.varlink.service.GetInfo", NULL, fault);
        if (r)
                return r;
        if (reply.error)
                return refused(fault, &reply);

        version = json_get_string(reply.parameters, "version");
        if (!version || strtol(version, NULL, 10) < FIRST_LASTING_TPM)
                return fault_set(fault, -EKEYREJECTED,
                                 "it would be encrypted with the TPM, and before systemd %d that does not "
                                 "survive an update of the firmware",
                                 FIRST_LASTING_TPM);

        return 0;
}

int credentials_encrypt(struct buffer *out, const struct credentials_service *service, const char *name,
                        const struct secret *data, struct fault *fault) {
        const struct argument argument = {name, "data", {secret_bytes(data), secret_size(data)}};
        _cleanup_(message_reply_deinit) struct message_reply reply = {};
        _cleanup_(dialogue_deinit) struct dialogue dialogue = {};
        _cleanup_(secret_freep) struct secret *blob = NULL;
        struct bytes encrypted;
        const struct key *key;
        int r;

        r = dialogue_begin(&dialogue, service ? service : &system_service, fault);
        if (r)
                return r;

        r = ask(&dialogue, &reply, INTERFACE "Encrypt", &argument, fault);
        if (r)
                return r;
        if (reply.error)
                return refused(fault, &reply);

        r = get_bytes(&blob, &reply, "blob", fault);
        if (r)
                return r;

        encrypted = (struct bytes){secret_bytes(blob), secret_size(blob)};
        key = find_key(encrypted);
        r = !key ? reject_key(fault, encrypted) : key->tpm ? check_lasting(&dialogue, fault) : 0;
        if (r)
                return r;

        r = buffer_append(out, encrypted.data, encrypted.n);
        return r ? trouble(fault, r) : 0;
}

int credentials_decrypt(struct secret **ret, const struct credentials_service *service, const char *name,
                        struct bytes encrypted, struct fault *fault) {
        const struct argument argument = {name, "blob", encrypted};
        _cleanup_(message_reply_deinit) struct message_reply reply = {};
        _cleanup_(dialogue_deinit) struct dialogue dialogue = {};
        int r;

        if (!find_key(encrypted))
                return reject_key(fault, encrypted);

        r = dialogue_begin(&dialogue, service ? service : &system_service, fault);
        if (r)
                return r;

        r = ask(&dialogue, &reply, INTERFACE "Decrypt", &argument, fault);
        if (r)
                return r;
        if (reply.error)
                return not_decrypted(fault, &reply);

        return get_bytes(ret, &reply, "data", fault);
}
