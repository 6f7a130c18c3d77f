/* troupe.h: extensions of a Troupe server in C. It wraps ../../abi.md and adds nothing to it. No libc is needed.
 *
 *     #include "troupe.h"
 *
 *     static int32_t hello(void) {
 *         troupe_text name;
 *         TROUPE_TRY(troupe_request(TROUPE_PARAM, TROUPE_T("name"), &name));
 *         troupe_json j = troupe_object();
 *         troupe_put_text(&j, "hello", name);
 *         return troupe_answer_json(200, &j);
 *     }
 *
 *     static const troupe_route routes[] = {{.method = "GET", .path = "/hello/{name}", .run = hello}};
 *
 *     TROUPE_EXTENSION(.name = "greeter", .version = "1.0.0", TROUPE_ROUTES(routes))
 *
 *     clang --target=wasm32 -mbulk-memory -Os -ffreestanding -c -o greeter.o greeter.c
 *     clang --target=wasm32 -nostdlib -Wl,--no-entry,--stack-first,--strip-all -o greeter.wasm greeter.o
 *
 * Include it in one file of the module: it defines the exports.
 *
 * Errors: functions give 0 or more when all is well and a negative TROUPE_… otherwise. A handler that returns the negative
 * number of what failed last is answered as what refused it said (a rule, a check, another extension's hook); where nothing
 * did, with a status that fits, and the log says what failed. One that returns 0 after troupe_reject or troupe_reject_field
 * is answered as those say.
 *
 * Memory: troupe_alloc gives memory until the handler has returned and nothing needs to be freed; so does everything here
 * that gives a text. Texts have a length and no zero at the end, except literals that parameters of type const char * take.
 * Static variables are kept between calls, but which instance serves a call is not defined: they are a cache at most. */
#ifndef TROUPE_H
#define TROUPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- what the host offers, as abi.md names it ---- */

#define TROUPE_IMPORT(name) __attribute__((import_module("troupe_1"), import_name(#name))) int32_t troupe_host_##name
#define TROUPE_IMPORT_WIDE(name) __attribute__((import_module("troupe_1"), import_name(#name))) int64_t troupe_host_##name
#define TROUPE_EXPORT(name) __attribute__((export_name(#name), visibility("default")))

/* generated from the table in wasmhost/abi */
TROUPE_IMPORT(error_message)(void *buf, uint32_t cap);
TROUPE_IMPORT(error_status)(void);
TROUPE_IMPORT(log)(int32_t level, const void *ptr, uint32_t len);
TROUPE_IMPORT_WIDE(now)(void);
TROUPE_IMPORT(random)(void *ptr, uint32_t len);
TROUPE_IMPORT(record_text)(int32_t h, const void *name, uint32_t nlen, void *buf, uint32_t cap);
TROUPE_IMPORT(record_set_text)(int32_t h, const void *name, uint32_t nlen, const void *ptr, uint32_t len);
TROUPE_IMPORT(record_number)(int32_t h, const void *name, uint32_t nlen, double *out);
TROUPE_IMPORT(record_set_number)(int32_t h, const void *name, uint32_t nlen, double v);
TROUPE_IMPORT(record_json)(int32_t h, const void *name, uint32_t nlen, void *buf, uint32_t cap);
TROUPE_IMPORT(record_set_json)(int32_t h, const void *name, uint32_t nlen, const void *ptr, uint32_t len);
TROUPE_IMPORT(record_collection)(int32_t h, void *buf, uint32_t cap);
TROUPE_IMPORT(record_original)(int32_t h);
TROUPE_IMPORT(record_hide)(int32_t h, const void *name, uint32_t nlen);
TROUPE_IMPORT(record_show)(int32_t h, const void *name, uint32_t nlen);
TROUPE_IMPORT(find)(int32_t as, const void *coll, uint32_t clen, const void *id, uint32_t idlen);
TROUPE_IMPORT(list)(int32_t as, const void *coll, uint32_t clen, const void *query, uint32_t qlen);
TROUPE_IMPORT(create)(int32_t as, const void *coll, uint32_t clen, const void *ptr, uint32_t len);
TROUPE_IMPORT(update)(int32_t as, const void *coll, uint32_t clen, const void *id, uint32_t idlen, const void *ptr, uint32_t len);
TROUPE_IMPORT(delete)(int32_t as, const void *coll, uint32_t clen, const void *id, uint32_t idlen);
TROUPE_IMPORT(sql)(const void *ptr, uint32_t len, const void *params, uint32_t plen);
TROUPE_IMPORT(rows_next)(int32_t rows);
TROUPE_IMPORT(rows_json)(int32_t rows, void *buf, uint32_t cap);
TROUPE_IMPORT(rows_affected)(int32_t rows);
TROUPE_IMPORT(close)(int32_t h);
TROUPE_IMPORT(transaction_begin)(void);
TROUPE_IMPORT(transaction_commit)(void);
TROUPE_IMPORT(transaction_rollback)(void);
TROUPE_IMPORT(request)(int32_t part, const void *name, uint32_t nlen, void *buf, uint32_t cap);
TROUPE_IMPORT(auth)(void);
TROUPE_IMPORT(auth_superuser)(void);
TROUPE_IMPORT(respond)(int32_t status, const void *ctype, uint32_t clen);
TROUPE_IMPORT(respond_header)(const void *name, uint32_t nlen, const void *value, uint32_t vlen);
TROUPE_IMPORT(reject)(int32_t status, const void *ptr, uint32_t len);
TROUPE_IMPORT(reject_field)(const void *name, uint32_t nlen, const void *code, uint32_t clen, const void *msg, uint32_t mlen);
TROUPE_IMPORT(pass_on)(void);
TROUPE_IMPORT(failure)(void *buf, uint32_t cap);
/* end of what is generated */

/* Why a function failed. */
enum {
    TROUPE_OK = 0,
    TROUPE_INVALID = -1,
    TROUPE_NOT_FOUND = -2,
    TROUPE_FORBIDDEN = -3,
    TROUPE_FAILED = -4, /* the message is the JSON of the failures per field */
    TROUPE_BUSY = -5,
    TROUPE_LIMIT = -6,
    TROUPE_CONTEXT = -7,
    TROUPE_INTERNAL = -8,
};

enum { TROUPE_DEBUG = -4, TROUPE_INFO = 0, TROUPE_WARNING = 4, TROUPE_ERROR = 8 };

/* Under whose rules data is reached: those for the caller, or none but the permissions of the extension. */
enum { TROUPE_AS_CALLER = 0, TROUPE_AS_EXTENSION = 1 };

/* The record of the event. */
enum { TROUPE_RECORD = 1 };

/* The parts of a request. */
enum {
    TROUPE_METHOD = 0,
    TROUPE_PATH = 1,
    TROUPE_PARAM = 2,
    TROUPE_QUERY = 3,
    TROUPE_HEADER = 4,
    TROUPE_BODY = 5,
    TROUPE_ADDRESS = 6,
    TROUPE_URI = 7,
    TROUPE_SITUATION = 8,
    TROUPE_CALL = 9, /* in record.….success the id of the call: the same each time that it is made, as one that fails is made again */
};

/* Returns from the function when a call in it failed. */
#define TROUPE_TRY(call)                          \
    do {                                          \
        int32_t troupe_result = (call);           \
        if (troupe_result < 0)                    \
            return troupe_result;                 \
    } while (0)

/* ---- texts ---- */

typedef struct {
    const char *ptr;
    uint32_t len;
} troupe_text;

/* A literal as a text. */
#define TROUPE_T(literal) ((troupe_text){literal, sizeof(literal) - 1})

static inline troupe_text troupe_c(const char *zero_terminated) {
    troupe_text t = {zero_terminated, 0};
    while (zero_terminated && zero_terminated[t.len])
        t.len++;
    return t;
}

static inline bool troupe_equal(troupe_text a, troupe_text b) {
    if (a.len != b.len)
        return false;
    for (uint32_t i = 0; i < a.len; i++)
        if (a.ptr[i] != b.ptr[i])
            return false;
    return true;
}

/* ---- memory: a call's allocations lie one behind the other and end together ---- */

extern unsigned char __heap_base;
static uintptr_t troupe_top;   /* the next free byte */
static bool troupe_stale;      /* the call that allocated what is below troupe_top has ended */

/* Gives size bytes, 8-aligned, until the handler has returned, or NULL when the instance has no more. */
static void *troupe_alloc(uint32_t size) {
    uintptr_t base = ((uintptr_t)&__heap_base + 7) & ~(uintptr_t)7;
    if (troupe_stale || troupe_top == 0) {
        troupe_top = base;
        troupe_stale = false;
    }
    uintptr_t at = troupe_top;
    uint64_t end = ((uint64_t)at + size + 7) & ~(uint64_t)7;
    uint64_t have = (uint64_t)__builtin_wasm_memory_size(0) << 16;
    if (end > have && __builtin_wasm_memory_grow(0, (uint32_t)((end - have + 65535) >> 16)) == (size_t)-1)
        return NULL;
    troupe_top = (uintptr_t)end;
    return (void *)at;
}

/* The body of a function that lets the host fill in a value of unknown length, by a call that uses buf and cap. It is asked
 * again with as much room as the value needs; what it does not need is given back. */
#define TROUPE_FILL(out, call)                                       \
    do {                                                             \
        uint32_t cap = 256;                                          \
        for (;;) {                                                   \
            char *buf = troupe_alloc(cap);                           \
            if (!buf)                                                \
                return TROUPE_LIMIT;                                 \
            int32_t n = (call);                                      \
            if (n < 0)                                               \
                return n;                                            \
            if ((uint32_t)n <= cap) {                                \
                *(out) = (troupe_text){buf, (uint32_t)n};            \
                troupe_top = ((uintptr_t)buf + (uint32_t)n + 7) & ~(uintptr_t)7; \
                return n;                                            \
            }                                                        \
            troupe_top = (uintptr_t)buf;                             \
            cap = (uint32_t)n;                                       \
        }                                                            \
    } while (0)

/* ---- records ---- */

static inline int32_t troupe_get_text(int32_t h, const char *field, troupe_text *out) {
    troupe_text f = troupe_c(field);
    TROUPE_FILL(out, troupe_host_record_text(h, f.ptr, f.len, buf, cap));
}

static inline int32_t troupe_set_text(int32_t h, const char *field, troupe_text v) {
    troupe_text f = troupe_c(field);
    return troupe_host_record_set_text(h, f.ptr, f.len, v.ptr, v.len);
}

/* Numbers, and bools as 0 and 1. */
static inline int32_t troupe_get_number(int32_t h, const char *field, double *out) {
    troupe_text f = troupe_c(field);
    return troupe_host_record_number(h, f.ptr, f.len, out);
}

static inline int32_t troupe_set_number(int32_t h, const char *field, double v) {
    troupe_text f = troupe_c(field);
    return troupe_host_record_set_number(h, f.ptr, f.len, v);
}

/* An empty field is the whole record. */
static inline int32_t troupe_get_json(int32_t h, const char *field, troupe_text *out) {
    troupe_text f = troupe_c(field);
    TROUPE_FILL(out, troupe_host_record_json(h, f.ptr, f.len, buf, cap));
}

static inline int32_t troupe_set_json(int32_t h, const char *field, troupe_text json) {
    troupe_text f = troupe_c(field);
    return troupe_host_record_set_json(h, f.ptr, f.len, json.ptr, json.len);
}

static inline int32_t troupe_collection(int32_t h, troupe_text *out) {
    TROUPE_FILL(out, troupe_host_record_collection(h, buf, cap));
}

/* A handle of the record as it is stored; TROUPE_NOT_FOUND for a new one. */
static inline int32_t troupe_original(int32_t h) { return troupe_host_record_original(h); }

static inline int32_t troupe_hide(int32_t h, const char *field) {
    troupe_text f = troupe_c(field);
    return troupe_host_record_hide(h, f.ptr, f.len);
}

static inline int32_t troupe_show(int32_t h, const char *field) {
    troupe_text f = troupe_c(field);
    return troupe_host_record_show(h, f.ptr, f.len);
}

/* ---- data: handles of records and rows, see abi.md for what the JSON holds ---- */

static inline int32_t troupe_find(int32_t as, const char *collection, troupe_text id) {
    troupe_text c = troupe_c(collection);
    return troupe_host_find(as, c.ptr, c.len, id.ptr, id.len);
}

static inline int32_t troupe_list(int32_t as, const char *collection, troupe_text query) {
    troupe_text c = troupe_c(collection);
    return troupe_host_list(as, c.ptr, c.len, query.ptr, query.len);
}

static inline int32_t troupe_create(int32_t as, const char *collection, troupe_text json) {
    troupe_text c = troupe_c(collection);
    return troupe_host_create(as, c.ptr, c.len, json.ptr, json.len);
}

static inline int32_t troupe_update(int32_t as, const char *collection, troupe_text id, troupe_text json) {
    troupe_text c = troupe_c(collection);
    return troupe_host_update(as, c.ptr, c.len, id.ptr, id.len, json.ptr, json.len);
}

static inline int32_t troupe_delete(int32_t as, const char *collection, troupe_text id) {
    troupe_text c = troupe_c(collection);
    return troupe_host_delete(as, c.ptr, c.len, id.ptr, id.len);
}

static inline int32_t troupe_sql(const char *statement, troupe_text params) {
    troupe_text s = troupe_c(statement);
    return troupe_host_sql(s.ptr, s.len, params.ptr, params.len);
}

/* The next record's handle (of troupe_list) or 1 (of troupe_sql); 0 at the end. */
static inline int32_t troupe_next(int32_t rows) { return troupe_host_rows_next(rows); }

static inline int32_t troupe_row(int32_t rows, troupe_text *json) {
    TROUPE_FILL(json, troupe_host_rows_json(rows, buf, cap));
}

static inline int32_t troupe_affected(int32_t rows) { return troupe_host_rows_affected(rows); }
static inline int32_t troupe_close(int32_t h) { return troupe_host_close(h); }

/* ---- the request ---- */

/* A part of the request; name is used by TROUPE_PARAM, TROUPE_QUERY and TROUPE_HEADER. */
static inline int32_t troupe_request(int32_t part, troupe_text name, troupe_text *out) {
    TROUPE_FILL(out, troupe_host_request(part, name.ptr, name.len, buf, cap));
}

/* A handle of the record that is signed in; TROUPE_NOT_FOUND for a guest. */
static inline int32_t troupe_auth(void) { return troupe_host_auth(); }
static inline int32_t troupe_is_superuser(void) { return troupe_host_auth_superuser(); }

static inline int32_t troupe_header(const char *name, troupe_text value) {
    troupe_text n = troupe_c(name);
    return troupe_host_respond_header(n.ptr, n.len, value.ptr, value.len);
}

static troupe_text troupe_result; /* what handle gives back: the answer or the state */

static inline int32_t troupe_answer(int32_t status, const char *type, troupe_text body) {
    troupe_text t = troupe_c(type);
    TROUPE_TRY(troupe_host_respond(status, t.ptr, t.len));
    troupe_result = body;
    return TROUPE_OK;
}

/* ---- saying no ---- */

static bool troupe_said_no; /* in this call */

static inline int32_t troupe_reject(int32_t status, const char *message) {
    troupe_text m = troupe_c(message);
    TROUPE_TRY(troupe_host_reject(status, m.ptr, m.len));
    troupe_said_no = true;
    return TROUPE_OK;
}

static inline int32_t troupe_reject_field(const char *field, const char *code, const char *message) {
    troupe_text f = troupe_c(field), c = troupe_c(code), m = troupe_c(message);
    TROUPE_TRY(troupe_host_reject_field(f.ptr, f.len, c.ptr, c.len, m.ptr, m.len));
    troupe_said_no = true;
    return TROUPE_OK;
}

/* What the host call that failed last was refused with, or 0 if nothing refused it. */
static inline int32_t troupe_error_status(void) { return troupe_host_error_status(); }

/* Ends what is under way as the host call that failed last was refused: status, message and fields as they were said. A
 * handler that returns the number of that call does the same. */
static inline int32_t troupe_pass_on(void) {
    TROUPE_TRY(troupe_host_pass_on());
    troupe_said_no = true;
    return TROUPE_OK;
}

/* Why the write failed, in record.….error. */
static inline int32_t troupe_failure(troupe_text *out) { TROUPE_FILL(out, troupe_host_failure(buf, cap)); }

/* ---- transactions, in routes; a hook that is atomic is in one already, and there they are savepoints ---- */

static inline int32_t troupe_transaction_begin(void) { return troupe_host_transaction_begin(); }
static inline int32_t troupe_transaction_commit(void) { return troupe_host_transaction_commit(); }
static inline int32_t troupe_transaction_rollback(void) { return troupe_host_transaction_rollback(); }

/* Runs a function in a transaction: what it wrote is committed together when it returns 0 or more, and none of it when it
 * returns a negative number or said no (troupe_reject, troupe_reject_field). Its number comes back, or that of a commit that
 * failed: then nothing was written. Other writers wait meanwhile. */
static inline int32_t troupe_transaction(int32_t (*run)(void *), void *with) {
    TROUPE_TRY(troupe_host_transaction_begin());
    int32_t result = run(with);
    if (result < 0 || troupe_said_no) {
        troupe_host_transaction_rollback();
        return result;
    }
    int32_t committed = troupe_host_transaction_commit();
    return committed < 0 ? committed : result;
}

/* ---- the rest ---- */

static inline void troupe_log(int32_t level, troupe_text line) { troupe_host_log(level, line.ptr, line.len); }
static inline int64_t troupe_now(void) { return troupe_host_now(); }
static inline int32_t troupe_random(void *ptr, uint32_t len) { return troupe_host_random(ptr, len); }

/* The message of the host call that failed last. */
static inline int32_t troupe_error_message(troupe_text *out) { TROUPE_FILL(out, troupe_host_error_message(buf, cap)); }

/* ---- writing JSON ---- */

/* A growing text. When memory ends it is marked as broken, and what takes it gives TROUPE_LIMIT. */
typedef struct {
    char *ptr;
    uint32_t len, cap;
    char close; /* '}' or ']' */
    bool broken;
} troupe_json;

static void troupe_append(troupe_json *j, const char *p, uint32_t n) {
    if (j->broken)
        return;
    if (j->cap - j->len < n) {
        uint32_t want = j->cap * 2 > j->len + n ? j->cap * 2 : j->len + n + 64;
        char *to = want > j->cap ? troupe_alloc(want) : NULL;
        if (!to) {
            j->broken = true;
            return;
        }
        __builtin_memcpy(to, j->ptr, j->len);
        j->ptr = to;
        j->cap = want;
    }
    __builtin_memcpy(j->ptr + j->len, p, n);
    j->len += n;
}

static inline troupe_json troupe_object(void) {
    troupe_json j = {.close = '}'};
    troupe_append(&j, "{", 1);
    return j;
}

static inline troupe_json troupe_array(void) {
    troupe_json j = {.close = ']'};
    troupe_append(&j, "[", 1);
    return j;
}

/* Appends a JSON string. Bytes must be UTF-8, as texts of the host are. */
static void troupe_append_string(troupe_json *j, troupe_text t) {
    static const char hex[] = "0123456789abcdef";
    troupe_append(j, "\"", 1);
    uint32_t done = 0;
    for (uint32_t i = 0; i < t.len; i++) {
        unsigned char c = (unsigned char)t.ptr[i];
        if (c >= ' ' && c != '"' && c != '\\')
            continue;
        troupe_append(j, t.ptr + done, i - done);
        done = i + 1;
        if (c == '"' || c == '\\') {
            char escaped[2] = {'\\', (char)c};
            troupe_append(j, escaped, 2);
        } else {
            char escaped[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
            troupe_append(j, escaped, 6);
        }
    }
    troupe_append(j, t.ptr + done, t.len - done);
    troupe_append(j, "\"", 1);
}

/* Begins an element: the comma, and the key unless it is NULL (in arrays). */
static void troupe_begin(troupe_json *j, const char *key) {
    if (j->len > 1)
        troupe_append(j, ",", 1);
    if (key) {
        troupe_append_string(j, troupe_c(key));
        troupe_append(j, ":", 1);
    }
}

/* In the following, key is NULL in arrays. */
static inline void troupe_put_text(troupe_json *j, const char *key, troupe_text v) {
    troupe_begin(j, key);
    troupe_append_string(j, v);
}

/* A value that is JSON already: of troupe_get_json, of troupe_json_end, "null". */
static inline void troupe_put_json(troupe_json *j, const char *key, troupe_text v) {
    troupe_begin(j, key);
    troupe_append(j, v.ptr, v.len);
}

static inline void troupe_put_bool(troupe_json *j, const char *key, bool v) {
    troupe_put_json(j, key, v ? TROUPE_T("true") : TROUPE_T("false"));
}

static inline void troupe_put_int(troupe_json *j, const char *key, int64_t v) {
    char digits[20];
    uint32_t at = sizeof digits;
    uint64_t n = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    do
        digits[--at] = (char)('0' + n % 10);
    while ((n /= 10) != 0);
    if (v < 0)
        digits[--at] = '-';
    troupe_put_json(j, key, (troupe_text){digits + at, sizeof digits - at});
}

/* Ends the object or array and gives its text; nothing may be put into it afterwards. */
static inline troupe_text troupe_json_end(troupe_json *j) {
    troupe_append(j, &j->close, 1);
    return (troupe_text){j->ptr, j->broken ? 0 : j->len};
}

static inline int32_t troupe_answer_json(int32_t status, troupe_json *j) {
    troupe_text body = troupe_json_end(j);
    return j->broken ? TROUPE_LIMIT : troupe_answer(status, "application/json", body);
}

/* ---- the extension and its exports ---- */

/* A list of literals: TROUPE_LIST("posts", "pages"). */
#define TROUPE_LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

/* Whether a hook is atomic: it and the write that it is around run in one transaction, so that what it finds does not change
 * until the record is written, and what it writes is taken back when the record is not. By default those before the write are
 * (request, create, update, delete, validate, execute) in an extension that may reach data (.allowed, .sql). Other writers wait
 * while such a hook runs; switch it off for one that only looks at the record. */
enum { TROUPE_BY_DEFAULT = 0, TROUPE_ATOMIC = 1, TROUPE_NOT_ATOMIC = 2 };

typedef struct {
    const char *event;              /* as abi.md names it: "record.create" */
    const char *const *collections; /* TROUPE_LIST, or NULL for all */
    int32_t priority;
    int32_t atomic;                 /* TROUPE_ATOMIC or TROUPE_NOT_ATOMIC */
    int32_t (*before)(troupe_text *state); /* state may be set to what after gets; NULL if the hook has no such phase */
    int32_t (*after)(troupe_text state);
} troupe_hook;

typedef struct {
    const char *method; /* NULL is all */
    const char *path;
    const char *auth; /* NULL, "record" or "superuser" */
    int32_t (*run)(void);
} troupe_route;

typedef struct {
    const char *name, *version;
    const troupe_hook *hooks;
    uint32_t hook_count;
    const troupe_route *routes;
    uint32_t route_count;
    const char *const *allowed; /* collections to reach as TROUPE_AS_EXTENSION */
    bool sql;
    const char *const *grants; /* what to ask the operator for: "headers.secret", "auth.credentials" */
    const char *const *requires; /* what a server has to know, as abi.md lists it, or refuse the module; "atomic" is added where a hook is */
} troupe_extension;

#define TROUPE_HOOKS(array) .hooks = array, .hook_count = sizeof(array) / sizeof(*(array))
#define TROUPE_ROUTES(array) .routes = array, .route_count = sizeof(array) / sizeof(*(array))

/* Defines the extension: fields of troupe_extension. */
#define TROUPE_EXTENSION(...) const troupe_extension troupe_this = {__VA_ARGS__};

extern const troupe_extension troupe_this;

static troupe_text troupe_list_json(const char *const *list) {
    troupe_json j = troupe_array();
    for (; list && *list; list++)
        troupe_put_text(&j, NULL, troupe_c(*list));
    return troupe_json_end(&j);
}

/* Whether an event is one that can still keep a record from being written. */
static bool troupe_before_the_write(const char *event) {
    static const char *const all[] = {"record.create.request", "record.create", "record.create.execute", "record.update.request", "record.update",
                                      "record.update.execute", "record.delete.request", "record.delete", "record.delete.execute", "record.validate"};
    for (uint32_t i = 0; i < sizeof all / sizeof *all; i++)
        if (troupe_equal(troupe_c(all[i]), troupe_c(event)))
            return true;
    return false;
}

static bool troupe_is_atomic(const troupe_hook *h) {
    const troupe_extension *x = &troupe_this;
    if (h->atomic != TROUPE_BY_DEFAULT)
        return h->atomic == TROUPE_ATOMIC;
    return (x->sql || (x->allowed && *x->allowed)) && troupe_before_the_write(h->event);
}

static troupe_text troupe_describe(void) {
    const troupe_extension *x = &troupe_this;
    bool atomic = false;
    troupe_json hooks = troupe_array();
    for (uint32_t i = 0; i < x->hook_count; i++) {
        const troupe_hook *h = &x->hooks[i];
        troupe_json phases = troupe_array();
        if (h->before)
            troupe_put_text(&phases, NULL, TROUPE_T("before"));
        if (h->after)
            troupe_put_text(&phases, NULL, TROUPE_T("after"));
        troupe_json j = troupe_object();
        troupe_put_text(&j, "event", troupe_c(h->event));
        troupe_put_json(&j, "collections", troupe_list_json(h->collections));
        troupe_put_json(&j, "phases", troupe_json_end(&phases));
        troupe_put_int(&j, "priority", h->priority);
        if (troupe_is_atomic(h)) {
            troupe_put_bool(&j, "atomic", true);
            atomic = true;
        }
        troupe_put_json(&hooks, NULL, troupe_json_end(&j));
    }
    troupe_json routes = troupe_array();
    for (uint32_t i = 0; i < x->route_count; i++) {
        troupe_json j = troupe_object();
        troupe_put_text(&j, "method", troupe_c(x->routes[i].method));
        troupe_put_text(&j, "path", troupe_c(x->routes[i].path));
        troupe_put_text(&j, "auth", troupe_c(x->routes[i].auth));
        troupe_put_json(&routes, NULL, troupe_json_end(&j));
    }
    troupe_json permissions = troupe_object();
    troupe_put_json(&permissions, "collections", troupe_list_json(x->allowed));
    troupe_put_bool(&permissions, "sql", x->sql);
    if (x->grants)
        troupe_put_json(&permissions, "grants", troupe_list_json(x->grants));
    troupe_json j = troupe_object();
    troupe_put_text(&j, "name", troupe_c(x->name));
    troupe_put_text(&j, "version", troupe_c(x->version));
    troupe_put_json(&j, "hooks", troupe_json_end(&hooks));
    troupe_put_json(&j, "routes", troupe_json_end(&routes));
    troupe_put_json(&j, "permissions", troupe_json_end(&permissions));
    if (atomic || x->requires) {
        troupe_json requires = troupe_array();
        if (atomic)
            troupe_put_text(&requires, NULL, TROUPE_T("atomic"));
        for (const char *const *name = x->requires; name && *name; name++)
            if (!atomic || !troupe_equal(troupe_c(*name), TROUPE_T("atomic")))
                troupe_put_text(&requires, NULL, troupe_c(*name));
        troupe_put_json(&j, "requires", troupe_json_end(&requires));
    }
    return troupe_json_end(&j);
}

/* The number that a host call gives which was refused with a status; 0 is no refusal, but perhaps a lack of room or time. */
static int32_t troupe_class(int32_t status) {
    switch (status) {
    case 0: return TROUPE_BUSY;
    case 401: case 403: return TROUPE_FORBIDDEN;
    case 404: return TROUPE_NOT_FOUND;
    }
    return TROUPE_FAILED;
}

/* Ends what is under way as what failed last was refused, or else with a status that fits, and logs what failed. */
static void troupe_refuse(int32_t result, bool route) {
    if (troupe_class(troupe_error_status()) == result && troupe_pass_on() >= 0)
        return;
    troupe_text message;
    if (troupe_error_message(&message) > 0)
        troupe_log(TROUPE_ERROR, message);
    int32_t status = 500;
    switch (result) {
    case TROUPE_NOT_FOUND: status = route ? 404 : 500; break; /* in a hook it is a mistake of the extension's */
    case TROUPE_FORBIDDEN: status = 403; break;
    case TROUPE_FAILED: status = 400; break;
    case TROUPE_BUSY: status = 503; break;
    }
    troupe_reject(status, "");
}

TROUPE_EXPORT(alloc) void *troupe_export_alloc(uint32_t size) { return troupe_alloc(size); }

TROUPE_EXPORT(handle) int64_t troupe_export_handle(int32_t op, uint32_t index, const char *ptr, uint32_t len) {
    const troupe_extension *x = &troupe_this;
    int32_t result = TROUPE_INVALID;
    troupe_result = (troupe_text){NULL, 0};
    troupe_said_no = false;
    if (op == 0) {
        troupe_result = troupe_describe();
        result = TROUPE_OK;
    } else if (op == 1 && index < x->hook_count) {
        result = x->hooks[index].before ? x->hooks[index].before(&troupe_result) : TROUPE_OK;
    } else if (op == 2 && index < x->hook_count) {
        result = x->hooks[index].after ? x->hooks[index].after((troupe_text){ptr, len}) : TROUPE_OK;
    } else if (op == 3 && index < x->route_count) {
        result = x->routes[index].run();
    }
    if (result < 0) {
        troupe_refuse(result, op == 3);
        troupe_result.len = 0;
    }
    troupe_stale = true;
    return troupe_result.len ? (int64_t)((uint64_t)(uintptr_t)troupe_result.ptr << 32 | troupe_result.len) : 0;
}

#endif
