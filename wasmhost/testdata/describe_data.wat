;; Reaches for data before it is anybody.
(module
  (import "troupe_1" "find" (func $find (param i32 i32 i32 i32 i32) (result i32)))
  (import "troupe_1" "reject" (func $reject (param i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 16) "{\"name\":\"early\"}")
  (func (export "alloc") (param i32) (result i32) i32.const 0)
  (func (export "handle") (param i32 i32 i32 i32) (result i64)
    (if (i32.ne (call $find (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)) (i32.const -7)) (then unreachable))
    (if (i32.ne (call $reject (i32.const 400) (i32.const 0) (i32.const 0)) (i32.const -7)) (then unreachable))
    i64.const 0x0000001000000010))
