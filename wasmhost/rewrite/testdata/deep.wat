;; Recursion as deep as the parameter says, in the shapes that the depth has to count. Each returns how deep it came.
(module
  (type $step (func (param i32) (result i32)))
  (memory (export "memory") 1)
  (table $t 4 funcref)
  (elem (i32.const 0) $indirect)
  (elem declare func $reference)

  (func $direct (export "direct") (param i32) (result i32)
    (if (i32.le_u (local.get 0) (i32.const 1)) (then (return (i32.const 1))))
    (i32.add (call $direct (i32.sub (local.get 0) (i32.const 1))) (i32.const 1)))

  (func $ping (export "mutual") (param i32) (result i32)
    (if (i32.le_u (local.get 0) (i32.const 1)) (then (return (i32.const 1))))
    (i32.add (call $pong (i32.sub (local.get 0) (i32.const 1))) (i32.const 1)))
  (func $pong (param i32) (result i32)
    (if (i32.le_u (local.get 0) (i32.const 1)) (then (return (i32.const 1))))
    (i32.add (call $ping (i32.sub (local.get 0) (i32.const 1))) (i32.const 1)))

  (func $indirect (export "indirect") (param i32) (result i32)
    (if (i32.le_u (local.get 0) (i32.const 1)) (then (return (i32.const 1))))
    (i32.add (call_indirect (type $step) (i32.sub (local.get 0) (i32.const 1)) (i32.const 0)) (i32.const 1)))

  ;; Reached only by way of a reference that the code itself puts into the table.
  (func $reference (export "reference") (param i32) (result i32)
    (if (i32.le_u (local.get 0) (i32.const 1)) (then (return (i32.const 1))))
    (table.set $t (i32.const 1) (ref.func $reference))
    (i32.add (call_indirect (type $step) (i32.sub (local.get 0) (i32.const 1)) (i32.const 1)) (i32.const 1)))

  ;; Begins with a loop, as all functions of a Go guest do.
  (func $leading (export "leading") (param i32) (result i32)
    (loop $l (result i32)
      (if (result i32) (i32.le_u (local.get 0) (i32.const 1))
        (then (i32.const 1))
        (else (i32.add (call $leading (i32.sub (local.get 0) (i32.const 1))) (i32.const 1))))))

  ;; Has a loop without calls, so that the state is in a local, and leaves in several ways.
  (func $hot (export "hot") (param i32) (result i32) (local i32)
    (block $out (result i32)
      (loop $l
        (local.set 1 (i32.add (local.get 1) (i32.const 1)))
        (br_if $l (i32.lt_u (local.get 1) (i32.const 10))))
      (drop (br_if $out (i32.const 1) (i32.le_u (local.get 0) (i32.const 1))))
      (br_if 1 (i32.add (call $hot (i32.sub (local.get 0) (i32.const 1))) (i32.const 1)) (i32.const 1))))

  ;; Exits at every place, thousands of times: the depth has to be what it was.
  (func $exits (param i32 i32) (result i32)
    (block $c (result i32)
      (block $b (result i32)
        (if (i32.eqz (local.get 1)) (then (return (i32.const 1))))
        (br_table $c $b 2 $c
          (call $exits (i32.sub (local.get 1) (i32.const 1)) (i32.sub (local.get 1) (i32.const 1)))
          (i32.and (local.get 0) (i32.const 3)))))
    (i32.const 1)
    i32.add)
  (func (export "balanced") (param i32) (result i32) (local i32)
    (loop $l
      (drop (call $exits (local.get 1) (i32.const 10)))
      (local.set 1 (i32.add (local.get 1) (i32.const 1)))
      (br_if $l (i32.lt_u (local.get 1) (i32.const 100000))))
    (call $direct (local.get 0)))
)
