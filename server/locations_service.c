/* google.cloud.location.Locations. Any location of any project is served, so Get answers whatever well-formed name it
 * is asked for, and List names one that every client's own list of regions has. */
#include <stdio.h>

#include "base/limits.h"
#include "google/cloud/location/locations.upb.h"
#include "job/api.h"
#include "server/handlers.h"
#include "server/request_decode.h"
#include "server/request_fault.h"
#include "server/resource_name.h"

#define LOCATION(name) google_cloud_location_##name

#define LISTED_LOCATION "us-central1"

static void reply_no_memory(struct call *call)
{
    struct err err = ERR_INIT;

    err_set(&err, ERR_EXHAUSTED, "no memory for an answer");
    request_fault_reply_error(call, &err);
}

static void reply(struct call *call, const char *bytes, size_t size)
{
    if (bytes) {
        call_reply(call, span_make(bytes, size));
    } else {
        reply_no_memory(call);
    }
}

void handle_get_location(struct call *call)
{
    LOCATION(Location) *location = LOCATION(Location_new)(call_arena(call));
    struct resource_name parsed;
    struct err err = ERR_INIT;
    struct span name;
    size_t size;
    char *bytes;

    if (request_read_name(call_request(call), call_arena(call), &name, &err)) {
        request_fault_reply_error(call, &err);
    } else if (resource_name_parse_location(name, &parsed, &err)) {
        request_fault_reply(call, "name", &err);
    } else if (!location) {
        reply_no_memory(call);
    } else {
        LOCATION(Location_set_name)(location, api_view(name));
        LOCATION(Location_set_location_id)(location, api_view(parsed.location));
        bytes = LOCATION(Location_serialize)(location, call_arena(call), &size);
        reply(call, bytes, size);
    }
}

static int check_list(struct call *call, struct violations *violations, struct span *ret_project, struct err *err)
{
    LOCATION(ListLocationsRequest) *message = LOCATION(ListLocationsRequest_new)(call_arena(call));
    struct resource_name parsed;

    if (request_decode(call_request(call), message, &LOCATION(ListLocationsRequest_msginit), call_arena(call), err)) {
        return -1;
    }
    *ret_project = api_span(LOCATION(ListLocationsRequest_name)(message));
    if (resource_name_parse_project(*ret_project, &parsed, err) && request_fault_note(violations, "name", err)) {
        return -1;
    }
    if (LOCATION(ListLocationsRequest_filter)(message).size > 0) {
        violations_add(violations, "filter", "ListLocations takes no filter: it lists one location.");
    }
    if (LOCATION(ListLocationsRequest_page_size)(message) < 0) {
        violations_add(violations, "page_size", "%d is below 0.", LOCATION(ListLocationsRequest_page_size)(message));
    }
    if (LOCATION(ListLocationsRequest_page_token)(message).size > 0) {
        violations_add(violations, "page_token", "It is no token that this server gave: there is but one page.");
    }
    return 0;
}

static void reply_list(struct call *call, struct span project)
{
    LOCATION(ListLocationsResponse) *response = LOCATION(ListLocationsResponse_new)(call_arena(call));
    LOCATION(Location) *location =
        response ? LOCATION(ListLocationsResponse_add_locations)(response, call_arena(call)) : NULL;
    size_t name_size = project.size + sizeof "/locations/" LISTED_LOCATION;
    char *name = call_allocate(call, name_size);
    size_t size;
    char *bytes;

    if (!location || !name) {
        reply_no_memory(call);
        return;
    }
    snprintf(name, name_size, "%.*s/locations/" LISTED_LOCATION, SPAN_FORMAT(project));
    LOCATION(Location_set_name)(location, upb_StringView_FromString(name));
    LOCATION(Location_set_location_id)(location, upb_StringView_FromString(LISTED_LOCATION));
    bytes = LOCATION(ListLocationsResponse_serialize)(response, call_arena(call), &size);
    reply(call, bytes, size);
}

void handle_list_locations(struct call *call)
{
    struct violations violations;
    struct err err = ERR_INIT;
    struct span project;

    violations_init(&violations, call_arena(call));
    if (check_list(call, &violations, &project, &err)) {
        request_fault_reply_error(call, &err);
    } else if (violations.count > 0) {
        call_reply_violations(call, &violations);
    } else {
        reply_list(call, project);
    }
}
