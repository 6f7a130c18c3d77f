;; Functions that never end, one for each shape that could slip past the counts. Those that recurse do so with returns in between, so that the depth
;; limit does not end them.
(module
  (type $nothing (func))
  (type $step (func (param i32) (result i32)))
  (memory (export "memory") 1)
  (table 4 funcref)
  (elem (i32.const 0) $bounce $twice_indirect)
  (global $n (mut i32) (i32.const 0))

  (func (export "loop") (loop $l (br $l)))
  (func (export "loop_if") (loop $l (br_if $l (i32.const 1))))
  (func (export "loop_result") (result i32)
    (loop $l (result i32) (br $l)))
  (func (export "loop_param")
    i32.const 1
    (loop $l (param i32)
      i32.const 1
      i32.add
      br $l))
  (func (export "loop_table")
    (loop $l (block $b (br_table $b $b $l (i32.const 7)))))
  (func (export "loop_table_default")
    (loop $l (br_table $l (i32.const 0))))
  (func (export "loop_nested")
    (loop $a (loop $b (loop $c (br_if $c (i32.const 0)) (br $a)))))
  (func (export "loop_inner") (local $i i32)
    (loop $a
      (local.set $i (i32.const 3))
      (loop $b
        (local.set $i (i32.sub (local.get $i) (i32.const 1)))
        (br_if $b (local.get $i)))
      (br $a)))
  (func (export "loop_else")
    (loop $l (if (i32.const 0) (then) (else (br $l)))))
  (func (export "loop_memory") (local $p i32)
    (loop $l
      (i32.store (local.get $p) (i32.add (i32.load (local.get $p)) (i32.const 1)))
      (local.set $p (i32.and (i32.add (local.get $p) (i32.const 4)) (i32.const 0xffc)))
      (br $l)))

  (func $leaf (param i32) (result i32) (i32.add (local.get 0) (i32.const 1)))
  (func (export "loop_leaf") (local i32)
    (loop $l (local.set 0 (call $leaf (local.get 0))) (br $l)))
  (func (export "loop_indirect") (local i32)
    (loop $l (local.set 0 (call_indirect (type $step) (local.get 0) (i32.const 0))) (br $l)))

  ;; Exponential recursion: shallow, but 2^4000 calls.
  (func $twice (param i32) (result i32)
    (if (result i32) (local.get 0)
      (then
        (drop (call $twice (i32.sub (local.get 0) (i32.const 1))))
        (call $twice (i32.sub (local.get 0) (i32.const 1))))
      (else (i32.const 1))))
  (func (export "exponential") (result i32) (call $twice (i32.const 4000)))

  (func $even (param i32) (result i32)
    (if (result i32) (local.get 0)
      (then (i32.xor (call $odd (i32.sub (local.get 0) (i32.const 1))) (call $odd (i32.sub (local.get 0) (i32.const 1)))))
      (else (i32.const 1))))
  (func $odd (param i32) (result i32)
    (if (result i32) (local.get 0)
      (then (i32.xor (call $even (i32.sub (local.get 0) (i32.const 1))) (call $even (i32.sub (local.get 0) (i32.const 1)))))
      (else (i32.const 0))))
  (func (export "mutual") (result i32) (call $even (i32.const 2000)))

  (func $bounce (param i32) (result i32) (local.get 0))
  (func $twice_indirect (param i32) (result i32)
    (if (result i32) (local.get 0)
      (then
        (drop (call_indirect (type $step) (i32.sub (local.get 0) (i32.const 1)) (i32.const 1)))
        (call_indirect (type $step) (i32.sub (local.get 0) (i32.const 1)) (i32.const 1)))
      (else (i32.const 1))))
  (func (export "exponential_indirect") (result i32) (call $twice_indirect (i32.const 4000)))

  ;; No cycle and no loop, and still 4^20 calls.
  (func $a0 (global.set $n (i32.add (global.get $n) (i32.const 1))))
  (func $a1 (call $a0) (call $a0) (call $a0) (call $a0))
  (func $a2 (call $a1) (call $a1) (call $a1) (call $a1))
  (func $a3 (call $a2) (call $a2) (call $a2) (call $a2))
  (func $a4 (call $a3) (call $a3) (call $a3) (call $a3))
  (func $a5 (call $a4) (call $a4) (call $a4) (call $a4))
  (func $a6 (call $a5) (call $a5) (call $a5) (call $a5))
  (func $a7 (call $a6) (call $a6) (call $a6) (call $a6))
  (func $a8 (call $a7) (call $a7) (call $a7) (call $a7))
  (func $a9 (call $a8) (call $a8) (call $a8) (call $a8))
  (func $b0 (call $a9) (call $a9) (call $a9) (call $a9))
  (func $b1 (call $b0) (call $b0) (call $b0) (call $b0))
  (func $b2 (call $b1) (call $b1) (call $b1) (call $b1))
  (func $b3 (call $b2) (call $b2) (call $b2) (call $b2))
  (func $b4 (call $b3) (call $b3) (call $b3) (call $b3))
  (func $b5 (call $b4) (call $b4) (call $b4) (call $b4))
  (func $b6 (call $b5) (call $b5) (call $b5) (call $b5))
  (func $b7 (call $b6) (call $b6) (call $b6) (call $b6))
  (func $b8 (call $b7) (call $b7) (call $b7) (call $b7))
  (func $b9 (call $b8) (call $b8) (call $b8) (call $b8))
  (func (export "fan") (call $b9) (call $b9) (call $b9) (call $b9))

  ;; Each pass is short, and each fills 64 MiB.
  (func (export "fill") (local i32)
    (drop (memory.grow (i32.const 1023)))
    (local.set 0 (i32.const 0x3ffffff))
    (loop $l (memory.fill (i32.const 0) (i32.const 1) (local.get 0)) (br $l)))
  (func (export "copy") (local i32)
    (drop (memory.grow (i32.const 1023)))
    (local.set 0 (i32.const 0x3fffff0))
    (loop $l (memory.copy (i32.const 8) (i32.const 0) (local.get 0)) (br $l)))
)
