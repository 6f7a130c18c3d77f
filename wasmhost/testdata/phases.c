// One deed in each phase of a guest's life. Tests write into the plan what it does while it starts; afterwards the index says it.
#include "troupe.h"

__attribute__((import_module("wasi_snapshot_preview1"), import_name("proc_exit"))) _Noreturn void exit_(i32);

enum { DEEDS = 6 };

#define HOOK "{\"event\":\"record.create\",\"phases\":[\"before\",\"after\"]}"
#define HOOKS6 HOOK "," HOOK "," HOOK "," HOOK "," HOOK "," HOOK
#define ROUTE(n) "{\"path\":\"/" #n "\"}"
#define ROUTES6(n) ROUTE(n##0) "," ROUTE(n##1) "," ROUTE(n##2) "," ROUTE(n##3) "," ROUTE(n##4) "," ROUTE(n##5)
static const char description[] =
    "{\"name\":\"phases\",\"requires\":[\"transactions\"],\"hooks\":[" HOOKS6 "," HOOKS6 "],"
    "\"routes\":[" ROUTES6(a) "," ROUTES6(b) "," ROUTES6(c) "," ROUTES6(d) "," ROUTES6(e) "," ROUTES6(f) "],"
    "\"permissions\":{\"collections\":[\"*\"]}}";
static volatile unsigned char plan[] = {'P', 'L', 'A', 'N', 0, 0, 0}; // while it starts, initializes, describes itself
static volatile u32 sink;
static char room[1024];

EXPORT(alloc) u32 alloc(u32 n) { return n <= sizeof room ? P(room) : 0; }

static u32 recurse(u32 n) { return n == 0xffffffff ? 0 : recurse(n + 1) * 3 + sink; }

static void grow(void) {
  while (__builtin_wasm_memory_grow(0, 16) != (__SIZE_TYPE__)-1) {
  }
}

static void deed(u32 which) {
  switch (which) {
  case 1:
    for (;;) sink++;
  case 2: __builtin_trap();
  case 3: exit_(3);
  case 4: grow(); return;
  case 5: sink = recurse(0);
  }
}

EXPORT(first) void first(void) { deed(plan[4]); }
EXPORT(_initialize) void initialize(void) { deed(plan[5]); }

static i32 write_(void) { return t_create(1, STR("posts"), STR("{}")); }

EXPORT(handle) i64 handle(i32 op, i32 index, u32 ptr, u32 len) {
  switch (op) {
  case 0: deed(plan[6]); return PACK(description, sizeof description - 1);
  case 1:
    if (index < DEEDS) deed(index);
    return 0;
  case 2: deed(index % DEEDS); return 0;
  }
  switch (index / DEEDS) {
  case 1: // within a transaction
    t_transaction_begin();
    write_();
    break;
  case 2: // after a commit
    t_transaction_begin();
    write_();
    if (t_transaction_commit() != 0) return 0;
    break;
  case 4: // after a while of its own, and a host call
    for (u32 n = 0; n < 60000000; n++) sink = n;
    write_();
    break;
  case 5: // after a host call and a while of its own
    write_();
    for (u32 n = 0; n < 10000000; n++) sink = n;
    break;
  case 3: // after a host call that waits until there is no time for it
    if (write_() != -5) return 0;
    break;
  }
  deed(index % DEEDS);
  return 0;
}
