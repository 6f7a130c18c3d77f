/* Tells in the collection "told" what it was called for after a commit: one record a call. The broken version traps for records whose title begins with
 * "bad", and loops for those that begin with "loop"; both do so after they have told. */
#include "../../../extensions/sdk/c/troupe.h"

static int32_t begins(troupe_text t, troupe_text with) {
    return t.len >= with.len && troupe_equal((troupe_text){t.ptr, with.len}, with);
}

static void put(troupe_json *j, const char *key, int32_t part, troupe_text name) {
    troupe_text t = {0};
    troupe_put_text(j, key, troupe_request(part, name, &t) < 0 ? TROUPE_T("") : t);
}

static int32_t tell(const char *event) {
    troupe_text title = {0}, id = {0}, call = {0}, who = {0};
    TROUPE_TRY(troupe_get_text(TROUPE_RECORD, "title", &title));
    TROUPE_TRY(troupe_get_text(TROUPE_RECORD, "id", &id));
    TROUPE_TRY(troupe_request(9, TROUPE_T(""), &call));
    int32_t auth = troupe_auth();
    if (auth > 0)
        TROUPE_TRY(troupe_get_text(auth, "id", &who));
    troupe_json j = troupe_object();
    troupe_put_text(&j, "event", troupe_c(event));
    troupe_put_text(&j, "title", title);
    troupe_put_text(&j, "rec", id);
    troupe_put_text(&j, "call", call);
    troupe_put_text(&j, "who", who);
    troupe_put_text(&j, "superuser", troupe_is_superuser() == 1 ? TROUPE_T("yes") : TROUPE_T("no"));
    put(&j, "method", 0, TROUPE_T(""));
    put(&j, "path", 1, TROUPE_T(""));
    put(&j, "body", 5, TROUPE_T(""));
    put(&j, "query", 3, TROUPE_T("q"));
    put(&j, "header", 4, TROUPE_T("x-mine"));
    TROUPE_TRY(troupe_create(TROUPE_AS_EXTENSION, "told", troupe_json_end(&j)));
#ifdef BROKEN
    static volatile uint32_t sink;
    if (begins(title, TROUPE_T("bad")))
        __builtin_trap();
    if (begins(title, TROUPE_T("loop")))
        for (;;)
            sink++;
#endif
    if (begins(title, TROUPE_T("no")))
        return troupe_reject(400, "no");
    return 0;
}

#define TELL(id, name)                          \
    static int32_t id(troupe_text *state) {     \
        (void)state;                            \
        return tell(name);                      \
    }
TELL(created, "create")
TELL(updated, "update")
TELL(deleted, "delete")

static const troupe_hook hooks[] = {
#ifndef BROKEN
    /* Hooks may come and go around the others. */
    {.event = "record.validate", .collections = TROUPE_LIST("nothing"), .before = created},
#endif
    {.event = "record.create.success", .collections = TROUPE_LIST("posts", "people"), .before = created},
    {.event = "record.update.success", .collections = TROUPE_LIST("posts"), .before = updated},
    {.event = "record.delete.success", .collections = TROUPE_LIST("posts"), .before = deleted},
};

TROUPE_EXTENSION(.name = "after", .version = "1", TROUPE_HOOKS(hooks), .allowed = TROUPE_LIST("told"))
