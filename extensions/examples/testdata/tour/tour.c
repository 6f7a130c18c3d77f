/* Uses all of the SDK, so that the tests can see it work. */
#include "../../../sdk/c/troupe.h"

static int32_t before(troupe_text *state) {
    troupe_text title, from, method;
    double n;
    if (troupe_get_text(TROUPE_RECORD, "nothing", &title) != TROUPE_NOT_FOUND || troupe_original(TROUPE_RECORD) != TROUPE_NOT_FOUND)
        return troupe_reject(500, "A field or an original that is not there.");
    TROUPE_TRY(troupe_get_text(TROUPE_RECORD, "title", &title));
    TROUPE_TRY(troupe_get_number(TROUPE_RECORD, "count", &n));
    TROUPE_TRY(troupe_set_number(TROUPE_RECORD, "count", n + 0.5));
    TROUPE_TRY(troupe_get_number(TROUPE_RECORD, "done", &n));
    TROUPE_TRY(troupe_set_number(TROUPE_RECORD, "done", n == 0));
    TROUPE_TRY(troupe_collection(TROUPE_RECORD, &from));
    TROUPE_TRY(troupe_set_text(TROUPE_RECORD, "from", from));
    troupe_json copy = troupe_object();
    troupe_put_text(&copy, "title", title);
    TROUPE_TRY(troupe_set_json(TROUPE_RECORD, "copy", troupe_json_end(&copy)));
    if (troupe_request(TROUPE_METHOD, TROUPE_T(""), &method) >= 0)
        TROUPE_TRY(troupe_set_text(TROUPE_RECORD, "method", method));
    troupe_json text = {0};
    troupe_append(&text, "state of ", 9);
    troupe_append(&text, title.ptr, title.len);
    *state = (troupe_text){text.ptr, text.len};
    return TROUPE_OK;
}

static int32_t after(troupe_text state) {
    troupe_log(TROUPE_INFO, state);
    return TROUPE_OK;
}

static int32_t failed(troupe_text *state) {
    (void)state;
    troupe_text why;
    TROUPE_TRY(troupe_failure(&why));
    troupe_json text = {0};
    troupe_append(&text, "failed: ", 8);
    troupe_append(&text, why.ptr, why.len);
    troupe_log(TROUPE_WARNING, (troupe_text){text.ptr, text.len});
    return TROUPE_OK;
}

static int32_t enrich(troupe_text *state) {
    (void)state;
    TROUPE_TRY(troupe_hide(TROUPE_RECORD, "secret"));
    TROUPE_TRY(troupe_show(TROUPE_RECORD, "hidden"));
    return troupe_set_json(TROUPE_RECORD, "extra", TROUPE_T("[1,\"x\"]"));
}

static int32_t bootstrap(troupe_text *state) {
    (void)state;
    troupe_log(TROUPE_INFO, TROUPE_T("up"));
    return TROUPE_OK;
}

static int32_t put_part(troupe_json *j, const char *key, int32_t part, troupe_text name) {
    troupe_text v;
    TROUPE_TRY(troupe_request(part, name, &v));
    troupe_put_text(j, key, v);
    return TROUPE_OK;
}

static int32_t tour(void) {
    char random[8];
    TROUPE_TRY(troupe_random(random, sizeof random));
    if (troupe_now() < 1700000000000)
        return troupe_reject(500, "No time.");
    troupe_text name, q, header, value;
    TROUPE_TRY(troupe_request(TROUPE_PARAM, TROUPE_T("name"), &name));
    TROUPE_TRY(troupe_request(TROUPE_QUERY, TROUPE_T("q"), &q));
    troupe_json j = troupe_object();
    troupe_put_text(&j, "id", TROUPE_T("n1"));
    troupe_put_text(&j, "title", name);
    troupe_put_int(&j, "count", 3);
    TROUPE_TRY(troupe_create(TROUPE_AS_EXTENSION, "notes", troupe_json_end(&j)));
    j = troupe_object();
    troupe_put_text(&j, "title", q);
    TROUPE_TRY(troupe_update(TROUPE_AS_EXTENSION, "notes", TROUPE_T("n1"), troupe_json_end(&j)));
    int32_t found = troupe_find(TROUPE_AS_EXTENSION, "notes", TROUPE_T("n1"));
    TROUPE_TRY(found);
    j = troupe_object();
    TROUPE_TRY(troupe_get_json(found, "title", &value));
    troupe_put_json(&j, "record", value);
    int32_t rows = troupe_list(TROUPE_AS_EXTENSION, "notes",
                               TROUPE_T("{\"filter\":\"title = {:t}\",\"params\":{\"t\":\"x\"},\"sort\":\"-title\",\"limit\":5}"));
    TROUPE_TRY(rows);
    troupe_json list = troupe_array();
    int32_t r;
    while ((r = troupe_next(rows)) > 0) {
        TROUPE_TRY(troupe_get_text(r, "title", &value));
        troupe_put_text(&list, NULL, value);
    }
    TROUPE_TRY(r);
    TROUPE_TRY(troupe_close(rows));
    troupe_put_json(&j, "titles", troupe_json_end(&list));
    rows = troupe_sql("SELECT ?", TROUPE_T("[42]"));
    TROUPE_TRY(rows);
    list = troupe_array();
    while ((r = troupe_next(rows)) > 0) {
        TROUPE_TRY(troupe_row(rows, &value));
        troupe_put_json(&list, NULL, value);
    }
    TROUPE_TRY(r);
    troupe_put_json(&j, "rows", troupe_json_end(&list));
    troupe_put_int(&j, "affected", troupe_affected(rows));
    TROUPE_TRY(troupe_delete(TROUPE_AS_EXTENSION, "notes", TROUPE_T("n1")));
    troupe_put_bool(&j, "forbidden", troupe_find(TROUPE_AS_EXTENSION, "users", TROUPE_T("u1")) == TROUPE_FORBIDDEN);
    TROUPE_TRY(troupe_request(TROUPE_HEADER, TROUPE_T("X-Tour"), &header));
    TROUPE_TRY(troupe_header("X-Tour", header));
    int32_t auth = troupe_auth();
    TROUPE_TRY(auth);
    TROUPE_TRY(troupe_get_text(auth, "title", &value));
    troupe_put_text(&j, "auth", value);
    troupe_put_bool(&j, "superuser", troupe_is_superuser() == 1);
    troupe_put_text(&j, "deep", TROUPE_T("deep"));
    TROUPE_TRY(put_part(&j, "path", TROUPE_PATH, TROUPE_T("")));
    TROUPE_TRY(put_part(&j, "address", TROUPE_ADDRESS, TROUPE_T("")));
    TROUPE_TRY(put_part(&j, "uri", TROUPE_URI, TROUPE_T("")));
    TROUPE_TRY(put_part(&j, "situation", TROUPE_SITUATION, TROUPE_T("")));
    return troupe_answer_json(201, &j);
}

static int32_t teapot(void) { return troupe_reject(418, "I am one."); }

static int32_t missing(void) { return troupe_find(TROUPE_AS_CALLER, "notes", TROUPE_T("nothing")); }

static int32_t create_note(void *title) {
    troupe_json j = troupe_object();
    troupe_put_text(&j, "id", troupe_c(title));
    troupe_put_text(&j, "title", troupe_c(title));
    return troupe_create(TROUPE_AS_EXTENSION, "notes", troupe_json_end(&j));
}

/* Writes a note in a transaction, and in another one a note that is refused. */
static int32_t taboo(void) {
    TROUPE_TRY(troupe_transaction(create_note, (void *)"fine"));
    return troupe_transaction(create_note, (void *)"taboo");
}

static int32_t nothing(troupe_text *state) {
    (void)state;
    return TROUPE_OK;
}

static int32_t created(troupe_text *state) {
    (void)state;
    troupe_text id;
    TROUPE_TRY(troupe_request(TROUPE_CALL, TROUPE_T(""), &id));
    troupe_json text = {0};
    troupe_append(&text, "call ", 5);
    troupe_append(&text, id.ptr, id.len);
    troupe_log(TROUPE_INFO, (troupe_text){text.ptr, text.len});
    return TROUPE_OK;
}

static int32_t broken(void) { __builtin_trap(); }

static const troupe_hook hooks[] = {
    {.event = "record.create", .collections = TROUPE_LIST("notes"), .before = before, .after = after, .priority = 7},
    {.event = "record.update.error", .before = failed},
    {.event = "record.enrich", .collections = TROUPE_LIST("notes"), .before = enrich},
    {.event = "bootstrap", .before = bootstrap},
    {.event = "record.update", .before = nothing, .atomic = TROUPE_NOT_ATOMIC},
    {.event = "record.create.success", .before = created},
};

static const troupe_route routes[] = {
    {.method = "POST", .path = "/tour/{name}", .auth = "record", .run = tour},
    {.method = "GET", .path = "/teapot", .run = teapot},
    {.method = "GET", .path = "/missing", .run = missing},
    {.method = "GET", .path = "/broken", .run = broken},
    {.method = "GET", .path = "/taboo", .run = taboo},
};

TROUPE_EXTENSION(.name = "tour", .version = "1.2.3", TROUPE_HOOKS(hooks), TROUPE_ROUTES(routes), .allowed = TROUPE_LIST("notes"), .sql = true,
                 .requires = TROUPE_LIST("transactions", "atomic", "pass_on"))
