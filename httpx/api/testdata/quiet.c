/* What a hook and a route cost at least: an empty hook, one that reads a field and sets another, a route that answers JSON. */
#include "../../../extensions/sdk/c/troupe.h"

static int32_t nothing(troupe_text *state) {
    (void)state;
    return 0;
}

static int32_t copy(troupe_text *state) {
    (void)state;
    troupe_text title;
    TROUPE_TRY(troupe_get_text(TROUPE_RECORD, "title", &title));
    return troupe_set_text(TROUPE_RECORD, "slug", title);
}

static int32_t hello(void) {
    troupe_text name;
    TROUPE_TRY(troupe_request(TROUPE_PARAM, TROUPE_T("name"), &name));
    troupe_json j = troupe_object();
    troupe_put_text(&j, "hello", name);
    troupe_put_text(&j, "lang", TROUPE_T("c"));
    return troupe_answer_json(200, &j);
}

static const troupe_hook hooks[] = {
    {.event = "record.create", .collections = TROUPE_LIST("empty"), .before = nothing},
    {.event = "record.create", .collections = TROUPE_LIST("copied"), .before = copy},
};

static const troupe_route routes[] = {{.method = "GET", .path = "/quiet/{name}", .run = hello}};

TROUPE_EXTENSION(.name = "quiet", .version = "1", TROUPE_HOOKS(hooks), TROUPE_ROUTES(routes))
