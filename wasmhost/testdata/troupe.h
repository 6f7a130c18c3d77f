// The functions of troupe_1 for the guests of the tests.
#pragma once
typedef int i32;
typedef unsigned u32;
typedef long long i64;
typedef unsigned long long u64;

#define FN(name) __attribute__((import_module("troupe_1"), import_name(#name)))
#define EXPORT(name) __attribute__((export_name(#name)))

/* generated from the table in wasmhost/abi */
FN(error_message) i32 t_error_message(u32, u32);
FN(error_status) i32 t_error_status(void);
FN(log) i32 t_log(u32, u32, u32);
FN(now) i64 t_now(void);
FN(random) i32 t_random(u32, u32);
FN(record_text) i32 t_record_text(u32, u32, u32, u32, u32);
FN(record_set_text) i32 t_record_set_text(u32, u32, u32, u32, u32);
FN(record_number) i32 t_record_number(u32, u32, u32, u32);
FN(record_set_number) i32 t_record_set_number(u32, u32, u32, double);
FN(record_json) i32 t_record_json(u32, u32, u32, u32, u32);
FN(record_set_json) i32 t_record_set_json(u32, u32, u32, u32, u32);
FN(record_collection) i32 t_record_collection(u32, u32, u32);
FN(record_original) i32 t_record_original(u32);
FN(record_hide) i32 t_record_hide(u32, u32, u32);
FN(record_show) i32 t_record_show(u32, u32, u32);
FN(find) i32 t_find(u32, u32, u32, u32, u32);
FN(list) i32 t_list(u32, u32, u32, u32, u32);
FN(create) i32 t_create(u32, u32, u32, u32, u32);
FN(update) i32 t_update(u32, u32, u32, u32, u32, u32, u32);
FN(delete) i32 t_delete(u32, u32, u32, u32, u32);
FN(sql) i32 t_sql(u32, u32, u32, u32);
FN(rows_next) i32 t_rows_next(u32);
FN(rows_json) i32 t_rows_json(u32, u32, u32);
FN(rows_affected) i32 t_rows_affected(u32);
FN(close) i32 t_close(u32);
FN(transaction_begin) i32 t_transaction_begin(void);
FN(transaction_commit) i32 t_transaction_commit(void);
FN(transaction_rollback) i32 t_transaction_rollback(void);
FN(request) i32 t_request(u32, u32, u32, u32, u32);
FN(auth) i32 t_auth(void);
FN(auth_superuser) i32 t_auth_superuser(void);
FN(respond) i32 t_respond(u32, u32, u32);
FN(respond_header) i32 t_respond_header(u32, u32, u32, u32);
FN(reject) i32 t_reject(u32, u32, u32);
FN(reject_field) i32 t_reject_field(u32, u32, u32, u32, u32, u32);
FN(pass_on) i32 t_pass_on(void);
FN(failure) i32 t_failure(u32, u32);
/* end of what is generated */

// The bits of a double as the number that they are.
static inline double number(u64 bits) {
  union { u64 bits; double number; } d = {.bits = bits};
  return d.number;
}

#define P(p) ((u32)(__UINTPTR_TYPE__)(p))
#define STR(s) P(s), (sizeof(s) - 1)
#define PACK(p, n) (((i64)P(p) << 32) | (u32)(n))
