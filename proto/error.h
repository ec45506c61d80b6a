#pragma once

/*
 * Error: the one table of answers a client can get: code, wire name, exit status, sentence.
 *
 * A result is 0 (done), a negative errno (our or the machine's trouble) or one of these codes. All floors and
 * both programs share them, so a result is handed on as it is.
 */

enum agent_error {
        AGENT_ERROR_LOGIN_NEEDED = 1,
        AGENT_ERROR_LOCKED,
        AGENT_ERROR_WRONG_PASSPHRASE,
        AGENT_ERROR_UNAVAILABLE,
        AGENT_ERROR_REFUSED,
        AGENT_ERROR_SHORT_VALIDITY,
        AGENT_ERROR_UNKNOWN_RESOURCE,
        AGENT_ERROR_UNKNOWN_LOGIN,
        AGENT_ERROR_LOGIN_FAILED,
        AGENT_ERROR_NOT_CONFIGURED,
        AGENT_ERROR_STORAGE_FAILED,
        AGENT_ERROR_BUSY,
        AGENT_ERROR_STOPPING,

        /* org.varlink.service */
        AGENT_ERROR_INTERFACE_NOT_FOUND,
        AGENT_ERROR_METHOD_NOT_FOUND,
        AGENT_ERROR_METHOD_NOT_IMPLEMENTED,
        AGENT_ERROR_INVALID_PARAMETER,
        AGENT_ERROR_PERMISSION_DENIED,
        AGENT_ERROR_EXPECTED_MORE,
        _AGENT_ERROR_MAX,
};

/* Exit statuses that no error on the wire stands for. */
enum {
        EXIT_STATUS_FAILED = 1,
        EXIT_STATUS_USAGE = 2,
        EXIT_STATUS_NO_AGENT = 3,
        EXIT_STATUS_NOT_A_MEMBER = 9,
};

/* The qualified Varlink error name. A negative errno is told to clients as Busy. */
const char *error_wire_name(int r);

/* 0: no error of that name. */
enum agent_error error_from_wire_name(const char *name);

/* The exit status of globus-agentctl for a result; 0 for 0. */
int error_exit_status(int r);

/* A sentence for people, where nothing more exact is known; strerror() for a negative errno. Static storage. */
const char *error_sentence(int r);
