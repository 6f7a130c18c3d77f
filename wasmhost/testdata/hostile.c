// One bad thing for each hook.
#include "troupe.h"

__attribute__((import_module("wasi_snapshot_preview1"), import_name("proc_exit"))) _Noreturn void exit_(i32);
__attribute__((import_module("wasi_snapshot_preview1"), import_name("fd_write"))) i32 fd_write(i32, u32, u32, u32);
__attribute__((import_module("wasi_snapshot_preview1"), import_name("poll_oneoff"))) i32 poll_oneoff(u32, u32, u32, u32);
__attribute__((import_module("wasi_snapshot_preview1"), import_name("fd_renumber"))) i32 fd_renumber(u32, u32);

#define HOOK "{\"event\":\"record.create\",\"phases\":[\"before\",\"after\"]}"
#define HOOKS4 HOOK "," HOOK "," HOOK "," HOOK
static const char description[] =
    "{\"name\":\"hostile\",\"hooks\":[" HOOKS4 "," HOOKS4 "," HOOKS4 "," HOOKS4 "," HOOKS4 "],"
    "\"routes\":[{\"path\":\"/hostile\"}],"
    "\"permissions\":{\"collections\":[\"*\"]}}";
static char buffer[1024];
static volatile u32 sink;

EXPORT(alloc) u32 alloc(u32 n) {
  if (n == 1) return 0;          // no room
  if (n == 2) return 0xfffffff0; // outside of the memory
  if (n == 3) __builtin_trap();
  return n <= sizeof buffer ? P(buffer) : 0;
}

static u32 recurse(u32 n) { return n == 0xffffffff ? 0 : recurse(n + 1) * 3 + sink; }

static void grow(void) {
  while (__builtin_wasm_memory_grow(0, 16) != (__SIZE_TYPE__)-1) {
  }
  u32 size = __builtin_wasm_memory_size(0) << 16;
  for (u32 at = 1 << 20; at < size; at += 4096) *(volatile char *)(__UINTPTR_TYPE__)at = 1;
}

EXPORT(handle) i64 handle(i32 op, i32 index, u32 ptr, u32 len) {
  if (op == 0) return PACK(description, sizeof description - 1);
  if (op == 2) return 0;
  if (op == 3) {
    t_respond(200, STR("text/plain"));
    return PACK(buffer, 9 << 20); // more than a payload, more than the memory
  }
  switch (index) {
  case 0: // endless loop
    for (;;) sink++;
  case 1: return recurse(0);
  case 2: { // guest, host, guest, …
    i32 h = t_create(1, STR("posts"), STR("{}"));
    if (h < 0) {
      i32 n = t_error_message(P(buffer), sizeof buffer);
      t_reject(422, P(buffer), n);
    }
    return 0;
  }
  case 3: grow(); return 0;
  case 4: // host calls without end
    for (;;) t_now();
  case 5: exit_(3);
  case 6: __builtin_trap();
  case 7: return ((i64)0xfffff000 << 32) | 64;                     // beyond the memory
  case 8: return ((i64)P(buffer) << 32) | (1 << 30);               // 1 GiB
  case 9: return 0;                                                // fine
  case 10: { // lines without end
    static const char line[] = "a line\n";
    u32 vector[2] = {STR(line)};
    for (;;) fd_write(1, P(vector), 1, P(&sink));
  }
  case 11: { // sleep for an hour
    static u64 sub[6] = {1, 0, 1, 3600000000000ull, 0, 0};
    static char event[32];
    poll_oneoff(P(sub), P(event), 1, P(&sink));
    return 0;
  }
  case 12: return fd_renumber(1, 0x7fffffff) == 52 ? 0 : PACK(buffer, 1);
  case 13: { // subscriptions whose number overflows
    return poll_oneoff(P(buffer), P(buffer), 0x05555556, P(&sink)) == 28 ? 0 : PACK(buffer, 1);
  }
  case 14: // host calls that ignore errors
    for (u32 i = 0; i < 100500; i++) t_now();
    return 0;
  case 15: return PACK(buffer, sizeof buffer) | 0x10000; // more state than there may be
  case 16: // a handle for each find
    for (;;) {
      i32 h = t_find(1, STR("posts"), STR("1"));
      if (h < 0) return h == -6 ? 0 : PACK(buffer, 1);
    }
  case 17: { // a second that is not over in a loop with a way out
    i64 end = t_now() + 3600000;
    while (t_now() < end) {
    }
    return 0;
  }
  case 18: t_reject(418, STR("no")); __builtin_trap();
  case 19: { // a line that does not end, printed
    static const char part[] = "ends with the call";
    u32 vector[2] = {STR(part)};
    fd_write(2, P(vector), 1, P(&sink));
    return 0;
  }
  }
  return 0;
}
