#include "proto/error.h"

#include <string.h>

#include "proto/macro.h"

enum {
        EXIT_STATUS_LOGIN_NEEDED = 4,
        EXIT_STATUS_LOCKED = 5,
        EXIT_STATUS_UNAVAILABLE = 6,
        EXIT_STATUS_REFUSED = 7,
        EXIT_STATUS_SHORT_VALIDITY = 8,
};

#define AGENT(name) "org.globus.Agent." name
#define SERVICE(name) "org.varlink.service." name

static const struct {
        const char *wire_name;
        int exit_status;
        const char *sentence;
} errors[_AGENT_ERROR_MAX] = {
        [AGENT_ERROR_LOGIN_NEEDED] = {AGENT("LoginNeeded"), EXIT_STATUS_LOGIN_NEEDED,
                                      "A login is needed: globus-agentctl login"},
        [AGENT_ERROR_LOCKED] = {AGENT("Locked"), EXIT_STATUS_LOCKED,
                                "The agent is locked: globus-agentctl unlock"},
        [AGENT_ERROR_WRONG_PASSPHRASE] = {AGENT("WrongPassphrase"), EXIT_STATUS_LOCKED,
                                          "The passphrase is wrong"},
        [AGENT_ERROR_UNAVAILABLE] =
                {AGENT("Unavailable"), EXIT_STATUS_UNAVAILABLE,
                 "Globus cannot be reached or refuses for now; the login is kept, try again later"},
        [AGENT_ERROR_REFUSED] = {AGENT("Refused"), EXIT_STATUS_REFUSED,
                                 "A policy of this machine or of yours forbids this"},
        [AGENT_ERROR_SHORT_VALIDITY] = {AGENT("ShortValidity"), EXIT_STATUS_SHORT_VALIDITY,
                                        "Globus gives no token that stays valid as long as demanded"},
        [AGENT_ERROR_UNKNOWN_RESOURCE] = {AGENT("UnknownResource"), EXIT_STATUS_FAILED,
                                          "No alias, resource server or scope of that name is known"},
        [AGENT_ERROR_UNKNOWN_LOGIN] =
                {AGENT("UnknownLogin"), EXIT_STATUS_FAILED,
                 "No such login is open: it ended, expired or never was; start another one"},
        [AGENT_ERROR_LOGIN_FAILED] = {AGENT("LoginFailed"), EXIT_STATUS_FAILED, "The login failed"},
        [AGENT_ERROR_NOT_CONFIGURED] = {AGENT("NotConfigured"), EXIT_STATUS_FAILED,
                                        "The configuration is wrong: see globus-agentctl status"},
        [AGENT_ERROR_STORAGE_FAILED] = {AGENT("StorageFailed"), EXIT_STATUS_FAILED,
                                        "The store cannot be read or written: see globus-agentctl status"},
        [AGENT_ERROR_BUSY] = {AGENT("Busy"), EXIT_STATUS_FAILED, "The agent is busy, try again later"},
        [AGENT_ERROR_STOPPING] = {AGENT("Stopping"), EXIT_STATUS_FAILED,
                                  "The agent is being stopped, try again"},
        [AGENT_ERROR_INTERFACE_NOT_FOUND] = {SERVICE("InterfaceNotFound"), EXIT_STATUS_FAILED,
                                             "The agent does not know this interface"},
        [AGENT_ERROR_METHOD_NOT_FOUND] = {SERVICE("MethodNotFound"), EXIT_STATUS_FAILED,
                                          "The agent does not know this method"},
        [AGENT_ERROR_METHOD_NOT_IMPLEMENTED] = {SERVICE("MethodNotImplemented"), EXIT_STATUS_FAILED,
                                                "The agent does not implement this method"},
        [AGENT_ERROR_INVALID_PARAMETER] = {SERVICE("InvalidParameter"), EXIT_STATUS_FAILED,
                                           "A parameter is unknown or its value is not allowed"},
        [AGENT_ERROR_PERMISSION_DENIED] = {SERVICE("PermissionDenied"), EXIT_STATUS_FAILED,
                                           "The agent does not allow this"},
        [AGENT_ERROR_EXPECTED_MORE] = {SERVICE("ExpectedMore"), EXIT_STATUS_FAILED,
                                       "This method sends more than one reply and must be called so"},
};

static bool is_code(int r) {
        return r > 0 && r < _AGENT_ERROR_MAX;
}

const char *error_wire_name(int r) {
        return errors[is_code(r) ? r : AGENT_ERROR_BUSY].wire_name;
}

enum agent_error error_from_wire_name(const char *name) {
        for (int code = 1; code < _AGENT_ERROR_MAX; code++)
                if (streq(errors[code].wire_name, name))
                        return (enum agent_error)code;

        return 0;
}

int error_exit_status(int r) {
        if (r == 0)
                return 0;

        return is_code(r) ? errors[r].exit_status : EXIT_STATUS_FAILED;
}

const char *error_sentence(int r) {
        const char *sentence;

        if (r == 0)
                return "Done";
        if (is_code(r))
                return errors[r].sentence;

        sentence = strerrordesc_np(-r);
        return sentence ? sentence : "Unknown error";
}
