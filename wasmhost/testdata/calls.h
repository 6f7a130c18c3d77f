// Code generated from the table in wasmhost/abi; DO NOT EDIT.
#pragma once
#include "troupe.h"

// The function with this index in the table is called with words of 64 bits, those of a double as they are.
static i64 call(u64 function, u64 *a) {
  switch (function) {
  case 0: return t_error_message(a[0], a[1]);
  case 1: return t_error_status();
  case 2: return t_log(a[0], a[1], a[2]);
  case 3: return t_now();
  case 4: return t_random(a[0], a[1]);
  case 5: return t_record_text(a[0], a[1], a[2], a[3], a[4]);
  case 6: return t_record_set_text(a[0], a[1], a[2], a[3], a[4]);
  case 7: return t_record_number(a[0], a[1], a[2], a[3]);
  case 8: return t_record_set_number(a[0], a[1], a[2], number(a[3]));
  case 9: return t_record_json(a[0], a[1], a[2], a[3], a[4]);
  case 10: return t_record_set_json(a[0], a[1], a[2], a[3], a[4]);
  case 11: return t_record_collection(a[0], a[1], a[2]);
  case 12: return t_record_original(a[0]);
  case 13: return t_record_hide(a[0], a[1], a[2]);
  case 14: return t_record_show(a[0], a[1], a[2]);
  case 15: return t_find(a[0], a[1], a[2], a[3], a[4]);
  case 16: return t_list(a[0], a[1], a[2], a[3], a[4]);
  case 17: return t_create(a[0], a[1], a[2], a[3], a[4]);
  case 18: return t_update(a[0], a[1], a[2], a[3], a[4], a[5], a[6]);
  case 19: return t_delete(a[0], a[1], a[2], a[3], a[4]);
  case 20: return t_sql(a[0], a[1], a[2], a[3]);
  case 21: return t_rows_next(a[0]);
  case 22: return t_rows_json(a[0], a[1], a[2]);
  case 23: return t_rows_affected(a[0]);
  case 24: return t_close(a[0]);
  case 25: return t_transaction_begin();
  case 26: return t_transaction_commit();
  case 27: return t_transaction_rollback();
  case 28: return t_request(a[0], a[1], a[2], a[3], a[4]);
  case 29: return t_auth();
  case 30: return t_auth_superuser();
  case 31: return t_respond(a[0], a[1], a[2]);
  case 32: return t_respond_header(a[0], a[1], a[2], a[3]);
  case 33: return t_reject(a[0], a[1], a[2]);
  case 34: return t_reject_field(a[0], a[1], a[2], a[3], a[4], a[5]);
  case 35: return t_pass_on();
  case 36: return t_failure(a[0], a[1]);
  }
  return -1000;
}
