/* A guest that does something in bootstrap and in serve: the letters behind "deed=" say what, and the tests change them in the file. */
#include "../../../extensions/sdk/c/troupe.h"

static const volatile char deed[] = "deed=--"; /* of bootstrap, of serve: t traps, l loops, r refuses, w writes a record */
static volatile uint32_t sink;

static int32_t act(char what) {
    switch (what) {
    case 't':
        __builtin_trap();
    case 'l':
        for (;;)
            sink++;
    case 'r':
        return troupe_reject(409, "not here");
    case 'w': {
        troupe_json j = troupe_object();
        troupe_put_text(&j, "title", TROUPE_T("seed"));
        int32_t h = troupe_create(TROUPE_AS_EXTENSION, "notes", troupe_json_end(&j));
        return h < 0 ? h : 0;
    }
    }
    return 0;
}

static int32_t bootstrap(troupe_text *state) {
    (void)state;
    return act(deed[5]);
}

static int32_t serve(troupe_text *state) {
    (void)state;
    return act(deed[6]);
}

static const volatile char mark_text[] = "MARK=1";
#define mark_letter ((const char *)mark_text)

/* Marks what is created, with a letter that the tests change. */
static int32_t mark(troupe_text *state) {
    (void)state;
    troupe_text title;
    TROUPE_TRY(troupe_get_text(TROUPE_RECORD, "title", &title));
    troupe_json j = {0};
    troupe_append(&j, title.ptr, title.len);
    troupe_append(&j, mark_letter + 5, 1);
    return troupe_set_text(TROUPE_RECORD, "title", (troupe_text){j.ptr, j.len});
}

static int32_t hello(void) {
    troupe_json j = troupe_object();
    troupe_put_text(&j, "hello", TROUPE_T("early0"));
    return troupe_answer_json(200, &j);
}

static const troupe_hook hooks[] = {
    {.event = "bootstrap", .before = bootstrap},
    {.event = "serve", .before = serve},
    {.event = "record.create", .collections = TROUPE_LIST("notes"), .before = mark},
};

static const troupe_route routes[] = {{.method = "GET", .path = "/early/early0", .run = hello}};

TROUPE_EXTENSION(.name = "early0", .version = "1", .allowed = TROUPE_LIST("notes"), TROUPE_HOOKS(hooks), TROUPE_ROUTES(routes))
