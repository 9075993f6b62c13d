;; The optimiser's loops, four float32 lanes at a time. $memory holds every array that a kernel touches;
;; pointers are byte offsets, counts are numbers of elements and multiples of four (kernels.ts pads).
;; Averages are written x + a(y - x): 1 - 0.9999 would be off by 2e-4 in float32, a = 0.0001 is not.
(module
  (memory (import "env" "memory") 1 65536)

  ;; AdamW (Loshchilov & Hutter, arXiv 1711.05101), bias corrections folded into $stepSize and $eps:
  ;;   g = scale*g;  m += a1*(g - m);  v += a2*(g^2 - v);  p -= decay*p + stepSize*m / (sqrtv + eps)
  (func (export "adamW")
    (param $p i32) (param $m i32) (param $v i32) (param $g i32) (param $count i32)
    (param $scale f32) (param $a1 f32) (param $a2 f32)
    (param $decay f32) (param $stepSize f32) (param $eps f32)
    (local $at i32) (local $end i32)
    (local $gradient v128) (local $mean v128) (local $square v128) (local $value v128)
    (local $scale4 v128) (local $a14 v128) (local $a24 v128)
    (local $decay4 v128) (local $stepSize4 v128) (local $eps4 v128)
    (local.set $scale4 (f32x4.splat (local.get $scale)))
    (local.set $a14 (f32x4.splat (local.get $a1)))
    (local.set $a24 (f32x4.splat (local.get $a2)))
    (local.set $decay4 (f32x4.splat (local.get $decay)))
    (local.set $stepSize4 (f32x4.splat (local.get $stepSize)))
    (local.set $eps4 (f32x4.splat (local.get $eps)))
    (local.set $end (i32.shl (local.get $count) (i32.const 2)))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        (local.set $gradient
          (f32x4.mul (local.get $scale4)
            (v128.load (i32.add (local.get $g) (local.get $at)))))
        (local.set $mean (v128.load (i32.add (local.get $m) (local.get $at))))
        (local.set $mean
          (f32x4.add (local.get $mean)
            (f32x4.mul (local.get $a14)
              (f32x4.sub (local.get $gradient) (local.get $mean)))))
        (v128.store (i32.add (local.get $m) (local.get $at)) (local.get $mean))
        (local.set $square (v128.load (i32.add (local.get $v) (local.get $at))))
        (local.set $square
          (f32x4.add (local.get $square)
            (f32x4.mul (local.get $a24)
              (f32x4.sub
                (f32x4.mul (local.get $gradient) (local.get $gradient))
                (local.get $square)))))
        (v128.store (i32.add (local.get $v) (local.get $at)) (local.get $square))
        (local.set $value (v128.load (i32.add (local.get $p) (local.get $at))))
        (v128.store (i32.add (local.get $p) (local.get $at))
          (f32x4.sub (local.get $value)
            (f32x4.add
              (f32x4.mul (local.get $decay4) (local.get $value))
              (f32x4.div
                (f32x4.mul (local.get $stepSize4) (local.get $mean))
                (f32x4.add (f32x4.sqrt (local.get $square)) (local.get $eps4))))))
        (local.set $at (i32.add (local.get $at) (i32.const 16)))
        (br $next))))

  ;; SGD: g = scale*g + decay*p;  m = momentum*m + g;  p -= ofGradient*g + ofMomentum*m
  ;; (ofGradient = 0, ofMomentum = lr; Nesterov: lr and lr*momentum)
  (func (export "sgd")
    (param $p i32) (param $m i32) (param $g i32) (param $count i32)
    (param $scale f32) (param $momentum f32) (param $decay f32)
    (param $ofGradient f32) (param $ofMomentum f32)
    (local $at i32) (local $end i32)
    (local $gradient v128) (local $mean v128) (local $value v128)
    (local $scale4 v128) (local $momentum4 v128) (local $decay4 v128)
    (local $ofGradient4 v128) (local $ofMomentum4 v128)
    (local.set $scale4 (f32x4.splat (local.get $scale)))
    (local.set $momentum4 (f32x4.splat (local.get $momentum)))
    (local.set $decay4 (f32x4.splat (local.get $decay)))
    (local.set $ofGradient4 (f32x4.splat (local.get $ofGradient)))
    (local.set $ofMomentum4 (f32x4.splat (local.get $ofMomentum)))
    (local.set $end (i32.shl (local.get $count) (i32.const 2)))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        (local.set $value (v128.load (i32.add (local.get $p) (local.get $at))))
        (local.set $gradient
          (f32x4.add
            (f32x4.mul (local.get $scale4)
              (v128.load (i32.add (local.get $g) (local.get $at))))
            (f32x4.mul (local.get $decay4) (local.get $value))))
        (local.set $mean
          (f32x4.add
            (f32x4.mul (local.get $momentum4)
              (v128.load (i32.add (local.get $m) (local.get $at))))
            (local.get $gradient)))
        (v128.store (i32.add (local.get $m) (local.get $at)) (local.get $mean))
        (v128.store (i32.add (local.get $p) (local.get $at))
          (f32x4.sub (local.get $value)
            (f32x4.add
              (f32x4.mul (local.get $ofGradient4) (local.get $gradient))
              (f32x4.mul (local.get $ofMomentum4) (local.get $mean)))))
        (local.set $at (i32.add (local.get $at) (i32.const 16)))
        (br $next))))

  ;; y += a*(x - y)
  (func (export "average")
    (param $y i32) (param $x i32) (param $count i32) (param $a f32)
    (local $at i32) (local $end i32) (local $old v128) (local $a4 v128)
    (local.set $a4 (f32x4.splat (local.get $a)))
    (local.set $end (i32.shl (local.get $count) (i32.const 2)))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        (local.set $old (v128.load (i32.add (local.get $y) (local.get $at))))
        (v128.store (i32.add (local.get $y) (local.get $at))
          (f32x4.add (local.get $old)
            (f32x4.mul (local.get $a4)
              (f32x4.sub
                (v128.load (i32.add (local.get $x) (local.get $at)))
                (local.get $old)))))
        (local.set $at (i32.add (local.get $at) (i32.const 16)))
        (br $next))))

  ;; y = keep*y + scale*x
  (func (export "accumulate")
    (param $y i32) (param $x i32) (param $count i32) (param $keep f32) (param $scale f32)
    (local $at i32) (local $end i32) (local $keep4 v128) (local $scale4 v128)
    (local.set $keep4 (f32x4.splat (local.get $keep)))
    (local.set $scale4 (f32x4.splat (local.get $scale)))
    (local.set $end (i32.shl (local.get $count) (i32.const 2)))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        (v128.store (i32.add (local.get $y) (local.get $at))
          (f32x4.add
            (f32x4.mul (local.get $keep4)
              (v128.load (i32.add (local.get $y) (local.get $at))))
            (f32x4.mul (local.get $scale4)
              (v128.load (i32.add (local.get $x) (local.get $at))))))
        (local.set $at (i32.add (local.get $at) (i32.const 16)))
        (br $next))))

  ;; sum x^2, in float64: lanes i mod 4 are summed apart and added as (s0 + s2) + (s1 + s3).
  (func (export "sumSquares")
    (param $x i32) (param $count i32) (result f64)
    (local $at i32) (local $end i32) (local $four v128)
    (local $low v128) (local $high v128) (local $sum01 v128) (local $sum23 v128)
    (local.set $end (i32.shl (local.get $count) (i32.const 2)))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $at) (local.get $end)))
        (local.set $four (v128.load (i32.add (local.get $x) (local.get $at))))
        (local.set $low (f64x2.promote_low_f32x4 (local.get $four)))
        (local.set $high
          (f64x2.promote_low_f32x4
            (i8x16.shuffle 8 9 10 11 12 13 14 15 8 9 10 11 12 13 14 15
              (local.get $four) (local.get $four))))
        (local.set $sum01
          (f64x2.add (local.get $sum01) (f64x2.mul (local.get $low) (local.get $low))))
        (local.set $sum23
          (f64x2.add (local.get $sum23) (f64x2.mul (local.get $high) (local.get $high))))
        (local.set $at (i32.add (local.get $at) (i32.const 16)))
        (br $next)))
    (local.set $sum01 (f64x2.add (local.get $sum01) (local.get $sum23)))
    (f64.add
      (f64x2.extract_lane 0 (local.get $sum01))
      (f64x2.extract_lane 1 (local.get $sum01)))))
