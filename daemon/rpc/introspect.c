/* org.varlink.service: what this service is, and its interfaces as text (varlink.org, Service Interface). */

#include "daemon/rpc/dispatch.h"

/* proto/org.globus.Agent.varlink, put in by the build. */
extern const char interface_text[];

static const char service_text[] =
        "# The interface that every Varlink service has.\n"
        "interface org.varlink.service\n"
        "\n"
        "method GetInfo() -> (\n"
        "  vendor: string,\n"
        "  product: string,\n"
        "  version: string,\n"
        "  url: string,\n"
        "  interfaces: []string\n"
        ")\n"
        "\n"
        "method GetInterfaceDescription(interface: string) -> (description: string)\n"
        "\n"
        "error InterfaceNotFound (interface: string)\n"
        "error MethodNotFound (method: string)\n"
        "error MethodNotImplemented (method: string)\n"
        "error InvalidParameter (parameter: string)\n"
        "error PermissionDenied ()\n"
        "error ExpectedMore ()\n";

static const struct field get_info_fields[] = {{}};

static void get_info(struct call *call) {
        struct writer *writer = call_begin_reply(call);

        write_object_begin(writer);
        write_string_member(writer, "vendor", "globus-agent");
        write_string_member(writer, "product", "globus-agent");
        write_string_member(writer, "version", PROJECT_VERSION);
        write_string_member(writer, "url", "");
        write_name(writer, "interfaces");
        write_array_begin(writer);
        write_string(writer, "org.varlink.service");
        write_string(writer, MESSAGE_INTERFACE);
        write_array_end(writer);
        write_object_end(writer);
        call_end(call);
}

const struct method method_get_info = {
        .name = "org.varlink.service.GetInfo",
        .fields = get_info_fields,
        .handle = get_info,
};

struct get_interface_description {
        char *interface;
};

static const struct field get_interface_description_fields[] = {
        FIELD(struct get_interface_description, interface, FIELD_STRING, FIELD_REQUIRED),
        {},
};

static void get_interface_description(struct call *call) {
        const struct get_interface_description *params = call->params;
        _cleanup_(fault_deinit) struct fault fault = {};
        const char *text = NULL;
        struct writer *writer;

        if (streq(params->interface, MESSAGE_INTERFACE))
                text = interface_text;
        else if (streq(params->interface, "org.varlink.service"))
                text = service_text;

        if (!text) {
                (void)fault_set(&fault, AGENT_ERROR_INTERFACE_NOT_FOUND, NULL);
                fault.parameter = strdup(params->interface);
                call_fail(call, &fault);
                return;
        }

        writer = call_begin_reply(call);
        write_object_begin(writer);
        write_string_member(writer, "description", text);
        write_object_end(writer);
        call_end(call);
}

const struct method method_get_interface_description = {
        .name = "org.varlink.service.GetInterfaceDescription",
        .fields = get_interface_description_fields,
        .size = sizeof(struct get_interface_description),
        .handle = get_interface_description,
};
