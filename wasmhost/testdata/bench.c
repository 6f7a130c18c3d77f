// What a hook and a route cost at least.
#include "troupe.h"

static const char description[] =
    "{\"name\":\"bench\",\"version\":\"1\",\"hooks\":["
    "{\"event\":\"record.create\"},"
    "{\"event\":\"record.create\",\"phases\":[\"before\",\"after\"]}],"
    "\"routes\":[{\"method\":\"GET\",\"path\":\"/bench/{name}\"}]}";
static char buffer[4096];
static char body[4096];

EXPORT(alloc) u32 alloc(u32 n) { return n <= sizeof buffer ? P(buffer) : 0; }

static i64 route(void) {
  static const char begin[] = "{\"hello\":\"", end[] = "\"}";
  u32 n = 0;
  for (u32 i = 0; i < sizeof begin - 1; i++) body[n++] = begin[i];
  i32 len = t_request(2, STR("name"), P(body + n), 1024);
  if (len < 0) return 0;
  n += len;
  for (u32 i = 0; i < sizeof end - 1; i++) body[n++] = end[i];
  return PACK(body, n);
}

EXPORT(handle) i64 handle(i32 op, i32 index, u32 ptr, u32 len) {
  if (op == 0) return PACK(description, sizeof description - 1);
  if (op == 3) return route();
  if (index == 0) return 0;
  if (op == 2) return t_record_set_text(1, STR("state"), ptr, len) != 0;
  i32 n = t_record_text(1, STR("title"), P(buffer), sizeof buffer);
  if (n < 0) return 0;
  for (i32 i = 0; i < n; i++)
    if (buffer[i] == ' ') buffer[i] = '-';
  t_record_set_text(1, STR("slug"), P(buffer), n);
  return PACK(buffer, n);
}
