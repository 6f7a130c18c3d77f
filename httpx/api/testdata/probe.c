/* A guest that does what it is told: each line of the record's field "script" (in routes: of the query parameter "script" or
 * the body) is a command, its parts divided by tabs. Lines of hooks begin with event and phase, "record.create<" on the way in
 * and "record.create>" on the way out; others pass them over. What commands find out is logged, in routes answered, a
 * line each: the command and its result. A part @field is the text of that field of the record, %name a path value. */
#include "../../../extensions/sdk/c/troupe.h"

__attribute__((import_module("wasi_snapshot_preview1"), import_name("proc_exit"))) _Noreturn void exit_with(int32_t);

#ifndef NAME
#define NAME "probe"
#endif
#ifndef VERSION
#define VERSION "1"
#endif
#ifndef PRIORITY
#define PRIORITY -5
#endif
#ifndef ALLOWED
#define ALLOWED TROUPE_LIST("*")
#define SQL true
#endif
#ifndef GRANTS
#define GRANTS NULL
#endif

enum { PARTS = 8 };

static troupe_text part[PARTS]; /* of the line that is run */
static troupe_text state_in, *state_out;
static troupe_json output;
static bool in_route;
static volatile uint32_t sink;

static void say(troupe_text what) {
    if (in_route) {
        troupe_append(&output, part[0].ptr, part[0].len);
        troupe_append(&output, "=", 1);
        troupe_append(&output, what.ptr, what.len);
        troupe_append(&output, "\n", 1);
        return;
    }
    troupe_json j = {0};
    troupe_append(&j, NAME " ", sizeof NAME);
    troupe_append(&j, part[0].ptr, part[0].len);
    troupe_append(&j, "=", 1);
    troupe_append(&j, what.ptr, what.len);
    troupe_log(TROUPE_INFO, (troupe_text){j.ptr, j.len});
}

/* Says what a call that gives a text or a handle came to: the text of a failure if it failed. */
static int32_t tell(int32_t result, troupe_text text) {
    if (result < 0) {
        static const char *const names[] = {"INVALID ", "NOT_FOUND ", "FORBIDDEN ", "FAILED ", "BUSY ", "LIMIT ", "CONTEXT ", "INTERNAL "};
        troupe_text message = {0};
        troupe_error_message(&message);
        troupe_text name = troupe_c(names[-result - 1]);
        troupe_json j = {0};
        troupe_append(&j, name.ptr, name.len);
        troupe_append(&j, message.ptr, message.len);
        text = (troupe_text){j.ptr, j.len};
    }
    say(text);
    return 0;
}

static int32_t number(troupe_text t) {
    int32_t n = 0;
    for (uint32_t i = 0; i < t.len; i++)
        n = t.ptr[i] == '-' ? n : n * 10 + (t.ptr[i] - '0');
    return t.len && t.ptr[0] == '-' ? -n : n;
}

static const char *zero(troupe_text t) {
    char *p = troupe_alloc(t.len + 1);
    __builtin_memcpy(p, t.ptr, t.len);
    p[t.len] = 0;
    return p;
}

static troupe_text digits(int64_t n) {
    troupe_json j = troupe_array();
    troupe_put_int(&j, NULL, n);
    return (troupe_text){j.ptr + 1, j.len - 1};
}

/* Tells a record's JSON, or only one field of it. */
static int32_t tell_record(int32_t h, troupe_text field) {
    troupe_text text = {0};
    return tell(h < 0 ? h : troupe_get_json(h, zero(field), &text), text);
}

static int32_t tell_list(int32_t rows) {
    troupe_json all = troupe_array();
    int32_t h = rows;
    while (h >= 0 && (h = troupe_next(rows)) > 0) {
        troupe_text id = {0};
        troupe_get_text(h, "id", &id);
        troupe_put_text(&all, NULL, id);
    }
    return tell(h, troupe_json_end(&all));
}

static int32_t tell_sql(int32_t rows) {
    troupe_json all = troupe_array();
    int32_t h = rows;
    while (h >= 0 && (h = troupe_next(rows)) > 0) {
        troupe_text row = {0};
        troupe_row(rows, &row);
        troupe_put_json(&all, NULL, row);
    }
    if (h >= 0) {
        troupe_put_int(&all, NULL, troupe_affected(rows));
        troupe_close(rows);
    }
    return tell(h, troupe_json_end(&all));
}

/* Creates a record with the same script in a collection, and refuses what is under way if that fails. */
static int32_t copy(troupe_text collection) {
    troupe_text script;
    TROUPE_TRY(troupe_get_json(TROUPE_RECORD, "script", &script));
    troupe_json j = troupe_object();
    troupe_put_json(&j, "script", script);
    int32_t h = troupe_create(TROUPE_AS_EXTENSION, zero(collection), troupe_json_end(&j));
    if (h == TROUPE_LIMIT) {
        tell(h, TROUPE_T(""));
        return troupe_reject(422, "too deep");
    }
    return h;
}

static uint32_t recurse(uint32_t n) { return n == 0xffffffff ? 0 : recurse(n + 1) * 3 + sink; }

/* Bad behaviour. */
static int32_t hostile(troupe_text what) {
    if (troupe_equal(what, TROUPE_T("loop")))
        for (;;)
            sink++;
    if (troupe_equal(what, TROUPE_T("recurse")))
        return (int32_t)recurse(0);
    if (troupe_equal(what, TROUPE_T("memory"))) {
        while (__builtin_wasm_memory_grow(0, 16) != (size_t)-1)
            ;
        uint32_t size = (uint32_t)__builtin_wasm_memory_size(0) << 16;
        for (uint32_t at = 1 << 20; at < size; at += 4096)
            *(volatile char *)(uintptr_t)at = 1;
        __builtin_trap();
    }
    if (troupe_equal(what, TROUPE_T("calls")))
        for (;;)
            troupe_now();
    if (troupe_equal(what, TROUPE_T("exit")))
        exit_with(3);
    if (troupe_equal(what, TROUPE_T("pointer")))
        return tell(troupe_host_record_text(1, (void *)0xfffffff0, 64, (void *)0xfffffff0, 64), TROUPE_T(""));
    if (troupe_equal(what, TROUPE_T("beyond")))
        troupe_result = (troupe_text){(char *)0xfffff000, 64};
    else if (troupe_equal(what, TROUPE_T("giant")))
        troupe_result = (troupe_text){(char *)1024, 1u << 30};
    else if (troupe_equal(what, TROUPE_T("huge"))) /* more than may be handed over, of what is really there */
        troupe_result = (troupe_text){troupe_alloc(9 << 20), 9 << 20};
    else
        __builtin_trap();
    return 0;
}

#define IS(command) troupe_equal(name, TROUPE_T(command))

static int32_t run_record(troupe_text name) {
    troupe_text out = {0};
    const char *field = zero(part[1]);
    double n = 0;
    if (IS("text"))
        return tell(troupe_get_text(TROUPE_RECORD, field, &out), out);
    if (IS("json"))
        return tell(troupe_get_json(TROUPE_RECORD, field, &out), out);
    if (IS("number")) {
        int32_t result = troupe_get_number(TROUPE_RECORD, field, &n);
        return tell(result, digits((int64_t)(n * 1000)));
    }
    if (IS("collection"))
        return tell(troupe_collection(TROUPE_RECORD, &out), out);
    if (IS("original")) {
        int32_t h = troupe_original(TROUPE_RECORD);
        return tell(h < 0 ? h : troupe_get_text(h, field, &out), out);
    }
    if (IS("set"))
        return tell(troupe_set_text(TROUPE_RECORD, field, part[2]), TROUPE_T("ok"));
    if (IS("setnumber"))
        return tell(troupe_set_number(TROUPE_RECORD, field, number(part[2]) / 1000.0), TROUPE_T("ok"));
    if (IS("setjson"))
        return tell(troupe_set_json(TROUPE_RECORD, field, part[2]), TROUPE_T("ok"));
    if (IS("add")) { /* appends to a text */
        TROUPE_TRY(troupe_get_text(TROUPE_RECORD, field, &out));
        troupe_json j = {0};
        troupe_append(&j, out.ptr, out.len);
        troupe_append(&j, part[2].ptr, part[2].len);
        return troupe_set_text(TROUPE_RECORD, field, (troupe_text){j.ptr, j.len});
    }
    if (IS("hide"))
        return tell(troupe_hide(TROUPE_RECORD, field), TROUPE_T("ok"));
    if (IS("show"))
        return tell(troupe_show(TROUPE_RECORD, field), TROUPE_T("ok"));
    if (IS("copy"))
        return copy(part[1]);
    if (IS("failure"))
        return tell(troupe_failure(&out), out);
    return TROUPE_INVALID;
}

static int32_t run_data(troupe_text name) {
    int32_t as = number(part[1]);
    const char *collection = zero(part[2]);
    if (IS("find"))
        return tell_record(troupe_find(as, collection, part[3]), part[4]);
    if (IS("list"))
        return tell_list(troupe_list(as, collection, part[3]));
    if (IS("create"))
        return tell_record(troupe_create(as, collection, part[3]), part[4]);
    if (IS("update"))
        return tell_record(troupe_update(as, collection, part[3], part[4]), part[5]);
    if (IS("delete"))
        return tell(troupe_delete(as, collection, part[3]), TROUPE_T("ok"));
    if (IS("sql"))
        return tell_sql(troupe_sql(zero(part[1]), part[2]));
    if (IS("status"))
        return tell(0, digits(troupe_host_error_status()));
    if (IS("begin"))
        return tell(troupe_host_transaction_begin(), TROUPE_T("ok"));
    if (IS("commit"))
        return tell(troupe_host_transaction_commit(), TROUPE_T("ok"));
    if (IS("rollback"))
        return tell(troupe_host_transaction_rollback(), TROUPE_T("ok"));
    if (IS("pass"))
        return tell(troupe_host_pass_on(), TROUPE_T("ok"));
    return run_record(name);
}

static int32_t run(troupe_text name) {
    troupe_text out = {0};
    if (IS("request"))
        return tell(troupe_request(number(part[1]), part[2], &out), out);
    if (IS("auth")) {
        int32_t h = troupe_auth();
        return tell(h < 0 ? h : troupe_get_text(h, "id", &out), out);
    }
    if (IS("superuser"))
        return tell(troupe_is_superuser(), digits(troupe_is_superuser()));
    if (IS("reject"))
        return troupe_reject(number(part[1]), zero(part[2]));
    if (IS("field"))
        return troupe_reject_field(zero(part[1]), zero(part[2]), zero(part[3]));
    if (IS("respond"))
        return tell(troupe_answer(number(part[1]), zero(part[2]), troupe_result), TROUPE_T("ok"));
    if (IS("header"))
        return tell(troupe_header(zero(part[1]), part[2]), TROUPE_T("ok"));
    if (IS("bytes")) { /* the answer is all bytes there are */
        char *all = troupe_alloc(256);
        for (int i = 0; i < 256; i++)
            all[i] = (char)i;
        troupe_result = (troupe_text){all, 256};
        return 0;
    }
    if (IS("state"))
        *state_out = part[1];
    else if (IS("tellstate"))
        say(state_in);
    else if (IS("version"))
        say(TROUPE_T(VERSION));
    else if (IS("seen"))
        say(part[1]);
    else if (IS("hostile"))
        return hostile(part[1]);
    else
        return run_data(name);
    return 0;
}

/* Replaces @field and %name. */
static troupe_text resolve(troupe_text t) {
    troupe_text out = {0};
    if (t.len > 1 && t.ptr[0] == '@') {
        troupe_get_text(TROUPE_RECORD, zero((troupe_text){t.ptr + 1, t.len - 1}), &out);
        return out;
    }
    if (t.len > 1 && t.ptr[0] == '%') {
        troupe_request(TROUPE_PARAM, (troupe_text){t.ptr + 1, t.len - 1}, &out);
        return out;
    }
    return t;
}

/* Takes the text before a byte off the front. */
static troupe_text cut(troupe_text *rest, char at) {
    troupe_text head = {rest->ptr, 0};
    while (head.len < rest->len && rest->ptr[head.len] != at)
        head.len++;
    uint32_t used = head.len < rest->len ? head.len + 1 : head.len;
    rest->ptr += used;
    rest->len -= used;
    return head;
}

/* Runs the lines of a script that are meant for label; all of them when it is empty. */
static int32_t play(troupe_text script, const char *label) {
    troupe_text wanted = troupe_c(label);
    while (script.len) {
        troupe_text line = cut(&script, '\n');
        if (wanted.len && !troupe_equal(cut(&line, '\t'), wanted))
            continue;
        for (int i = 0; i < PARTS; i++)
            part[i] = resolve(cut(&line, '\t'));
        TROUPE_TRY(run(part[0]));
    }
    return 0;
}

static int32_t hook(const char *label, troupe_text *out, troupe_text in) {
    troupe_text script;
    in_route = false;
    state_out = out;
    state_in = in;
    if (troupe_get_text(TROUPE_RECORD, "script", &script) < 0)
        return 0; /* not a collection for this */
    return play(script, label);
}

#define HOOK(id, event)                                                                                      \
    static int32_t id##_before(troupe_text *state) { return hook(event "<", state, (troupe_text){NULL, 0}); } \
    static int32_t id##_after(troupe_text state) { return hook(event ">", NULL, state); }

#define STAGES(action)                                  \
    HOOK(action##_request, "record." #action ".request") \
    HOOK(action, "record." #action)                      \
    HOOK(action##_execute, "record." #action ".execute") \
    HOOK(action##_success, "record." #action ".success") \
    HOOK(action##_error, "record." #action ".error")

STAGES(create)
STAGES(update)
STAGES(delete)
HOOK(validate, "record.validate")
HOOK(enrich, "record.enrich")
HOOK(tagged, "tagged")

#define LIFE(id)                                                                            \
    static int32_t id##_before(troupe_text *state) {                                          \
        *state = TROUPE_T(#id " state");                                                      \
        troupe_log(TROUPE_INFO, TROUPE_T(NAME " " #id "<"));                                  \
        return 0;                                                                             \
    }                                                                                         \
    static int32_t id##_after(troupe_text state) {                                            \
        if (!troupe_equal(state, TROUPE_T(#id " state")))                                     \
            return TROUPE_INVALID;                                                            \
        troupe_log(TROUPE_INFO, TROUPE_T(NAME " " #id ">"));                                  \
        return 0;                                                                             \
    }
LIFE(bootstrap)
LIFE(serve)
LIFE(terminate)

#define ON(id, name) {.event = name, .priority = PRIORITY, .before = id##_before, .after = id##_after}
#define ON_STAGES(action)                                \
    ON(action##_request, "record." #action ".request"),  \
    ON(action, "record." #action),                       \
    ON(action##_execute, "record." #action ".execute"),  \
    ON(action##_success, "record." #action ".success"),  \
    ON(action##_error, "record." #action ".error")

static const troupe_hook hooks[] = {
    ON_STAGES(create), ON_STAGES(update), ON_STAGES(delete),
    ON(validate, "record.validate"), ON(enrich, "record.enrich"),
    {.event = "record.create", .collections = TROUPE_LIST("tagged"), .before = tagged_before, .after = tagged_after},
    ON(bootstrap, "bootstrap"), ON(serve, "serve"), ON(terminate, "terminate"),
};

static int32_t route(void) {
    troupe_text script;
    in_route = true;
    output = (troupe_json){0};
    if (troupe_request(TROUPE_QUERY, TROUPE_T("script"), &script) < 0)
        TROUPE_TRY(troupe_request(TROUPE_BODY, TROUPE_T(""), &script));
    TROUPE_TRY(play(script, ""));
    if (!troupe_result.len)
        troupe_result = (troupe_text){output.ptr, output.len};
    return 0;
}

static const troupe_route routes[] = {
    {.path = "/" NAME "/any/{name}", .run = route},
    {.method = "GET", .path = "/" NAME "/files/{rest...}", .run = route},
    {.method = "POST", .path = "/" NAME "/record", .auth = "record", .run = route},
    {.method = "POST", .path = "/" NAME "/superuser", .auth = "superuser", .run = route},
};

TROUPE_EXTENSION(.name = NAME, .version = VERSION, TROUPE_HOOKS(hooks), TROUPE_ROUTES(routes), .allowed = ALLOWED, .sql = SQL, .grants = GRANTS)
