// Code generated from the table in wasmhost/abi; DO NOT EDIT.
// What the host offers, as ../../abi.md names it.

// @ts-ignore: decorator
@external("troupe_1", "error_message") export declare function host_error_message(buf: usize, cap: i32): i32;

// @ts-ignore: decorator
@external("troupe_1", "error_status") export declare function host_error_status(): i32;

// @ts-ignore: decorator
@external("troupe_1", "log") export declare function host_log(level: i32, ptr: usize, len: i32): i32;

// @ts-ignore: decorator
@external("troupe_1", "now") export declare function host_now(): i64;

// @ts-ignore: decorator
@external("troupe_1", "random") export declare function host_random(ptr: usize, len: i32): i32;

// @ts-ignore: decorator
@external("troupe_1", "record_text") export declare function host_record_text(h: i32, name: usize, nlen: i32, buf: usize, cap: i32): i32;

// @ts-ignore: decorator
@external("troupe_1", "record_set_text") export declare function host_record_set_text(h: i32, name: usize, nlen: i32, ptr: usize, len: i32): i32;

// @ts-ignore: decorator
@external("troupe_1", "record_number") export declare function host_record_number(h: i32, name: usize, nlen: i32, out: usize): i32;

// @ts-ignore: decorator
@external("troupe_1", "record_set_number") export declare function host_record_set_number(h: i32, name: usize, nlen: i32, v: f64): i32;

// @ts-ignore: decorator
@external("troupe_1", "record_json") export declare function host_record_json(h: i32, name: usize, nlen: i32, buf: usize, cap: i32): i32;

// @ts-ignore: decorator
@external("troupe_1", "record_set_json") export declare function host_record_set_json(h: i32, name: usize, nlen: i32, ptr: usize, len: i32): i32;

// @ts-ignore: decorator
@external("troupe_1", "record_collection") export declare function host_record_collection(h: i32, buf: usize, cap: i32): i32;

// @ts-ignore: decorator
@external("troupe_1", "record_original") export declare function host_record_original(h: i32): i32;

// @ts-ignore: decorator
@external("troupe_1", "record_hide") export declare function host_record_hide(h: i32, name: usize, nlen: i32): i32;

// @ts-ignore: decorator
@external("troupe_1", "record_show") export declare function host_record_show(h: i32, name: usize, nlen: i32): i32;

// @ts-ignore: decorator
@external("troupe_1", "find") export declare function host_find(as: i32, coll: usize, clen: i32, id: usize, idlen: i32): i32;

// @ts-ignore: decorator
@external("troupe_1", "list") export declare function host_list(as: i32, coll: usize, clen: i32, query: usize, qlen: i32): i32;

// @ts-ignore: decorator
@external("troupe_1", "create") export declare function host_create(as: i32, coll: usize, clen: i32, ptr: usize, len: i32): i32;

// @ts-ignore: decorator
@external("troupe_1", "update") export declare function host_update(as: i32, coll: usize, clen: i32, id: usize, idlen: i32, ptr: usize, len: i32): i32;

// @ts-ignore: decorator
@external("troupe_1", "delete") export declare function host_delete(as: i32, coll: usize, clen: i32, id: usize, idlen: i32): i32;

// @ts-ignore: decorator
@external("troupe_1", "sql") export declare function host_sql(ptr: usize, len: i32, params: usize, plen: i32): i32;

// @ts-ignore: decorator
@external("troupe_1", "rows_next") export declare function host_rows_next(rows: i32): i32;

// @ts-ignore: decorator
@external("troupe_1", "rows_json") export declare function host_rows_json(rows: i32, buf: usize, cap: i32): i32;

// @ts-ignore: decorator
@external("troupe_1", "rows_affected") export declare function host_rows_affected(rows: i32): i32;

// @ts-ignore: decorator
@external("troupe_1", "close") export declare function host_close(h: i32): i32;

// @ts-ignore: decorator
@external("troupe_1", "transaction_begin") export declare function host_transaction_begin(): i32;

// @ts-ignore: decorator
@external("troupe_1", "transaction_commit") export declare function host_transaction_commit(): i32;

// @ts-ignore: decorator
@external("troupe_1", "transaction_rollback") export declare function host_transaction_rollback(): i32;

// @ts-ignore: decorator
@external("troupe_1", "request") export declare function host_request(part: i32, name: usize, nlen: i32, buf: usize, cap: i32): i32;

// @ts-ignore: decorator
@external("troupe_1", "auth") export declare function host_auth(): i32;

// @ts-ignore: decorator
@external("troupe_1", "auth_superuser") export declare function host_auth_superuser(): i32;

// @ts-ignore: decorator
@external("troupe_1", "respond") export declare function host_respond(status: i32, ctype: usize, clen: i32): i32;

// @ts-ignore: decorator
@external("troupe_1", "respond_header") export declare function host_respond_header(name: usize, nlen: i32, value: usize, vlen: i32): i32;

// @ts-ignore: decorator
@external("troupe_1", "reject") export declare function host_reject(status: i32, ptr: usize, len: i32): i32;

// @ts-ignore: decorator
@external("troupe_1", "reject_field") export declare function host_reject_field(name: usize, nlen: i32, code: usize, clen: i32, msg: usize, mlen: i32): i32;

// @ts-ignore: decorator
@external("troupe_1", "pass_on") export declare function host_pass_on(): i32;

// @ts-ignore: decorator
@external("troupe_1", "failure") export declare function host_failure(buf: usize, cap: i32): i32;
