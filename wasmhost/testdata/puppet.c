// Does what the body of the request says: a list of commands of eight words each, the first of which is a function. Its answer is one word for each result.
#include "troupe.h"

static const char description[] =
    "{\"name\":\"puppet\",\"version\":\"1\",\"hooks\":["
    "{\"event\":\"record.create\",\"phases\":[\"before\",\"after\"]}],"
    "\"routes\":[{\"method\":\"POST\",\"path\":\"/puppet\"}],"
    "\"permissions\":{\"collections\":[\"posts\",\"_named\"],\"sql\":true}}";
static u64 script[8192];
static char out[60 << 10];
static u32 used;
char room[64 << 10]; // for arguments; its place is the first result

EXPORT(alloc) u32 alloc(u32 n) { return n <= sizeof room ? P(room) : 0; }

static void add(const void *from, u32 n) {
  for (u32 i = 0; i < n && used < sizeof out; i++) out[used++] = ((const char *)from)[i];
}

static i64 call(u64 *c) {
  u64 *a = c + 1;
  union { u64 bits; double number; } d = {.bits = a[3]};
  switch (c[0]) {
  case 0: return t_error_message(a[0], a[1]);
  case 1: return t_log(a[0], a[1], a[2]);
  case 2: return t_random(a[0], a[1]);
  case 3: return t_record_text(a[0], a[1], a[2], a[3], a[4]);
  case 4: return t_record_set_text(a[0], a[1], a[2], a[3], a[4]);
  case 5: return t_record_number(a[0], a[1], a[2], a[3]);
  case 6: return t_record_set_number(a[0], a[1], a[2], d.number);
  case 7: return t_record_json(a[0], a[1], a[2], a[3], a[4]);
  case 8: return t_record_set_json(a[0], a[1], a[2], a[3], a[4]);
  case 9: return t_record_collection(a[0], a[1], a[2]);
  case 10: return t_record_original(a[0]);
  case 11: return t_record_hide(a[0], a[1], a[2]);
  case 12: return t_record_show(a[0], a[1], a[2]);
  case 13: return t_find(a[0], a[1], a[2], a[3], a[4]);
  case 14: return t_list(a[0], a[1], a[2], a[3], a[4]);
  case 15: return t_create(a[0], a[1], a[2], a[3], a[4]);
  case 16: return t_update(a[0], a[1], a[2], a[3], a[4], a[5], a[6]);
  case 17: return t_delete(a[0], a[1], a[2], a[3], a[4]);
  case 18: return t_sql(a[0], a[1], a[2], a[3]);
  case 19: return t_rows_next(a[0]);
  case 20: return t_rows_json(a[0], a[1], a[2]);
  case 21: return t_rows_affected(a[0]);
  case 22: return t_close(a[0]);
  case 23: return t_request(a[0], a[1], a[2], a[3], a[4]);
  case 24: return t_auth();
  case 25: return t_auth_superuser();
  case 26: return t_respond(a[0], a[1], a[2]);
  case 27: return t_respond_header(a[0], a[1], a[2], a[3]);
  case 28: return t_reject(a[0], a[1], a[2]);
  case 29: return t_reject_field(a[0], a[1], a[2], a[3], a[4], a[5]);
  case 30: return t_failure(a[0], a[1]);
  case 31: return t_now();
  }
  return -1000;
}

EXPORT(handle) i64 handle(i32 op, i32 index, u32 ptr, u32 len) {
  if (op == 0) return PACK(description, sizeof description - 1);
  used = 0;
  i64 v = P(room);
  add(&v, 8);
  if (op == 2) {
    v = len;
    add(&v, 8);
  }
  i32 n = t_request(5, 0, 0, P(script), sizeof script);
  if (n < 0 || n > (i32)sizeof script) __builtin_trap();
  for (u64 *c = script; c + 8 <= script + n / 8; c += 8) {
    switch (c[0]) {
    case 100: return c[1]; // the result of handle
    case 101:              // copy bytes that follow to room
      for (u32 i = 0; i < c[2]; i++) room[c[1] + i] = ((char *)(c + 8))[i];
      c += (c[2] + 63) / 64 * 8;
      continue;
    case 102: add(room + c[1], c[2]); continue;
    }
    // The pointers in arguments whose bit is set in the upper half of the function count from room.
    for (u32 i = 0; i < 7; i++)
      if (c[0] >> (32 + i) & 1) c[1 + i] += P(room);
    c[0] = (u32)c[0];
    v = call(c);
    add(&v, 8);
  }
  return PACK(out, used);
}
