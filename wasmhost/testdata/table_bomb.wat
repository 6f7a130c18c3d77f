;; Tables are memory, too.
(module
  (table $t 1 funcref)
  (memory (export "memory") 1)
  (data (i32.const 16) "{\"name\":\"tables\",\"hooks\":[{\"event\":\"serve\"}]}")
  (func (export "alloc") (param i32) (result i32) i32.const 0)
  (func (export "handle") (param $op i32) (param i32 i32 i32) (result i64)
    (if (local.get $op) (then
      (drop (table.grow $t (ref.null func) (i32.const 0x7ffffff0)))
      (loop (br_if 0 (i32.ne (table.grow $t (ref.null func) (i32.const 65536)) (i32.const -1))))
      (return (i64.const 0))))
    i64.const 0x000000100000002d))
