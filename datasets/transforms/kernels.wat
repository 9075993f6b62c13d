;; Inner loops of resizing and normalising, on 8-bit RGB rows in $memory. All pointers are byte offsets. Loops read and write up to
;; 48 bytes beyond the end of a row; rows are written in order, so only the last one needs room behind it (kernels.ts leaves it).
(module
  (memory (import "env" "memory") 1)

  ;; Pillow's horizontal pass. Output column x of every row sums pairs of pixels, which begin at byte $first[x] of the row, with
  ;; 22-bit weights split in two: w = high * 2^11 + low. A pair of taps is two packed int32: (high, high'), (low, low').
  (func (export "pilColumns")
    (param $source i32) (param $sourceStride i32) (param $numRows i32) (param $out i32) (param $width i32)
    (param $first i32) (param $numPairs i32) (param $weights i32) (param $weightStride i32)
    (local $x i32) (local $pixel i32) (local $weight i32) (local $end i32)
    (local $high v128) (local $low v128) (local $pair v128)
    (block $doneRows
      (loop $nextRow
        (br_if $doneRows (i32.eqz (local.get $numRows)))
        (local.set $x (i32.const 0))
        (block $doneColumns
          (loop $nextColumn
            (br_if $doneColumns (i32.ge_u (local.get $x) (local.get $width)))
            (local.set $pixel (i32.add (local.get $source)
              (i32.load (i32.add (local.get $first) (i32.shl (local.get $x) (i32.const 2))))))
            (local.set $weight (i32.add (local.get $weights)
              (i32.mul (local.get $x) (local.get $weightStride))))
            (local.set $end (i32.add (local.get $weight) (i32.shl
              (i32.load (i32.add (local.get $numPairs) (i32.shl (local.get $x) (i32.const 2))))
              (i32.const 3))))
            (local.set $high (v128.const i32x4 0 0 0 0))
            (local.set $low (v128.const i32x4 0 0 0 0))
            (block $doneTaps
              (loop $nextTap
                (br_if $doneTaps (i32.ge_u (local.get $weight) (local.get $end)))
                ;; r0 g0 b0 r1 g1 b1 to the int16 pairs (r0 r1) (g0 g1) (b0 b1) (0 0)
                (local.set $pair (i8x16.shuffle 0 16 3 16 1 16 4 16 2 16 5 16 16 16 16 16
                  (v128.load64_zero (local.get $pixel)) (v128.const i32x4 0 0 0 0)))
                (local.set $high (i32x4.add (local.get $high) (i32x4.dot_i16x8_s
                  (local.get $pair) (v128.load32_splat (local.get $weight)))))
                (local.set $low (i32x4.add (local.get $low) (i32x4.dot_i16x8_s
                  (local.get $pair) (v128.load32_splat offset=4 (local.get $weight)))))
                (local.set $pixel (i32.add (local.get $pixel) (i32.const 6)))
                (local.set $weight (i32.add (local.get $weight) (i32.const 8)))
                (br $nextTap)))
            (local.set $high (i32x4.shr_s
              (i32x4.add
                (i32x4.add (i32x4.shl (local.get $high) (i32.const 11)) (local.get $low))
                (v128.const i32x4 2097152 2097152 2097152 2097152))
              (i32.const 22)))
            (local.set $high (i16x8.narrow_i32x4_s (local.get $high) (local.get $high)))
            (v128.store32_lane 0 (local.get $out)
              (i8x16.narrow_i16x8_u (local.get $high) (local.get $high)))
            (local.set $out (i32.add (local.get $out) (i32.const 3)))
            (local.set $x (i32.add (local.get $x) (i32.const 1)))
            (br $nextColumn)))
        (local.set $source (i32.add (local.get $source) (local.get $sourceStride)))
        (local.set $numRows (i32.sub (local.get $numRows) (i32.const 1)))
        (br $nextRow))))

  ;; Pillow's vertical pass: 16 bytes of an output row at a time, pairs of input rows, the first at byte $first[y].
  (func (export "pilRows")
    (param $source i32) (param $rowBytes i32) (param $out i32) (param $height i32)
    (param $first i32) (param $numPairs i32) (param $weights i32) (param $weightStride i32)
    (local $y i32) (local $at i32) (local $top i32) (local $row i32) (local $weight i32) (local $end i32)
    (local $even v128) (local $odd v128) (local $pairs v128) (local $weightHigh v128) (local $weightLow v128)
    (local $h0 v128) (local $h1 v128) (local $h2 v128) (local $h3 v128)
    (local $l0 v128) (local $l1 v128) (local $l2 v128) (local $l3 v128)
    (block $doneRows
      (loop $nextRow
        (br_if $doneRows (i32.ge_u (local.get $y) (local.get $height)))
        (local.set $top (i32.add (local.get $source)
          (i32.load (i32.add (local.get $first) (i32.shl (local.get $y) (i32.const 2))))))
        (local.set $end (i32.add
          (i32.add (local.get $weights) (i32.mul (local.get $y) (local.get $weightStride)))
          (i32.shl (i32.load (i32.add (local.get $numPairs) (i32.shl (local.get $y) (i32.const 2))))
            (i32.const 3))))
        (local.set $at (i32.const 0))
        (block $doneBytes
          (loop $nextBytes
            (br_if $doneBytes (i32.ge_u (local.get $at) (local.get $rowBytes)))
            (local.set $weight
              (i32.add (local.get $weights) (i32.mul (local.get $y) (local.get $weightStride))))
            (local.set $row (i32.add (local.get $top) (local.get $at)))
            (local.set $h0 (v128.const i32x4 0 0 0 0))
            (local.set $h1 (local.get $h0))
            (local.set $h2 (local.get $h0))
            (local.set $h3 (local.get $h0))
            (local.set $l0 (local.get $h0))
            (local.set $l1 (local.get $h0))
            (local.set $l2 (local.get $h0))
            (local.set $l3 (local.get $h0))
            (block $doneTaps
              (loop $nextTap
                (br_if $doneTaps (i32.ge_u (local.get $weight) (local.get $end)))
                (local.set $even (v128.load (local.get $row)))
                (local.set $odd (v128.load (i32.add (local.get $row) (local.get $rowBytes))))
                (local.set $weightHigh (v128.load32_splat (local.get $weight)))
                (local.set $weightLow (v128.load32_splat offset=4 (local.get $weight)))
                ;; bytes 0 to 7 of both rows, alternating
                (local.set $pairs (i8x16.shuffle 0 16 1 17 2 18 3 19 4 20 5 21 6 22 7 23
                  (local.get $even) (local.get $odd)))
                (local.set $h0 (i32x4.add (local.get $h0) (i32x4.dot_i16x8_s
                  (i16x8.extend_low_i8x16_u (local.get $pairs)) (local.get $weightHigh))))
                (local.set $l0 (i32x4.add (local.get $l0) (i32x4.dot_i16x8_s
                  (i16x8.extend_low_i8x16_u (local.get $pairs)) (local.get $weightLow))))
                (local.set $h1 (i32x4.add (local.get $h1) (i32x4.dot_i16x8_s
                  (i16x8.extend_high_i8x16_u (local.get $pairs)) (local.get $weightHigh))))
                (local.set $l1 (i32x4.add (local.get $l1) (i32x4.dot_i16x8_s
                  (i16x8.extend_high_i8x16_u (local.get $pairs)) (local.get $weightLow))))
                ;; bytes 8 to 15
                (local.set $pairs (i8x16.shuffle 8 24 9 25 10 26 11 27 12 28 13 29 14 30 15 31
                  (local.get $even) (local.get $odd)))
                (local.set $h2 (i32x4.add (local.get $h2) (i32x4.dot_i16x8_s
                  (i16x8.extend_low_i8x16_u (local.get $pairs)) (local.get $weightHigh))))
                (local.set $l2 (i32x4.add (local.get $l2) (i32x4.dot_i16x8_s
                  (i16x8.extend_low_i8x16_u (local.get $pairs)) (local.get $weightLow))))
                (local.set $h3 (i32x4.add (local.get $h3) (i32x4.dot_i16x8_s
                  (i16x8.extend_high_i8x16_u (local.get $pairs)) (local.get $weightHigh))))
                (local.set $l3 (i32x4.add (local.get $l3) (i32x4.dot_i16x8_s
                  (i16x8.extend_high_i8x16_u (local.get $pairs)) (local.get $weightLow))))
                (local.set $row (i32.add (local.get $row) (i32.shl (local.get $rowBytes) (i32.const 1))))
                (local.set $weight (i32.add (local.get $weight) (i32.const 8)))
                (br $nextTap)))
            (v128.store (i32.add (local.get $out) (local.get $at))
              (i8x16.narrow_i16x8_u
                (i16x8.narrow_i32x4_s
                  (call $rounded (local.get $h0) (local.get $l0))
                  (call $rounded (local.get $h1) (local.get $l1)))
                (i16x8.narrow_i32x4_s
                  (call $rounded (local.get $h2) (local.get $l2))
                  (call $rounded (local.get $h3) (local.get $l3)))))
            (local.set $at (i32.add (local.get $at) (i32.const 16)))
            (br $nextBytes)))
        (local.set $out (i32.add (local.get $out) (local.get $rowBytes)))
        (local.set $y (i32.add (local.get $y) (i32.const 1)))
        (br $nextRow))))

  ;; (high * 2^11 + low + 2^21) / 2^22, rounded down
  (func $rounded (param $high v128) (param $low v128) (result v128)
    (i32x4.shr_s
      (i32x4.add
        (i32x4.add (i32x4.shl (local.get $high) (i32.const 11)) (local.get $low))
        (v128.const i32x4 2097152 2097152 2097152 2097152))
      (i32.const 22)))

  ;; OpenCV's horizontal step of one row: (a * left + b * right) >> 4 as int16. $taps holds for every output the byte offset of
  ;; the left pixel and the weights (a, b) as two int16.
  (func (export "cvColumns")
    (param $source i32) (param $out i32) (param $width i32) (param $taps i32)
    (local $end i32) (local $sum v128)
    (local.set $end (i32.add (local.get $taps) (i32.shl (local.get $width) (i32.const 3))))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $taps) (local.get $end)))
        (local.set $sum (i32x4.shr_s
          (i32x4.dot_i16x8_s
            (i8x16.shuffle 0 16 3 16 1 16 4 16 2 16 5 16 16 16 16 16
              (v128.load64_zero (i32.add (local.get $source) (i32.load (local.get $taps))))
              (v128.const i32x4 0 0 0 0))
            (v128.load32_splat offset=4 (local.get $taps)))
          (i32.const 4)))
        (v128.store64_lane 0 (local.get $out)
          (i16x8.narrow_i32x4_s (local.get $sum) (local.get $sum)))
        (local.set $out (i32.add (local.get $out) (i32.const 6)))
        (local.set $taps (i32.add (local.get $taps) (i32.const 8)))
        (br $next))))

  ;; OpenCV's vertical step: ((upper * w0 >> 16) + (lower * w1 >> 16) + 2) >> 2
  (func (export "cvRows")
    (param $upper i32) (param $lower i32) (param $out i32) (param $count i32) (param $w0 i32) (param $w1 i32)
    (local $end i32) (local $weight0 v128) (local $weight1 v128)
    (local.set $weight0 (i16x8.splat (local.get $w0)))
    (local.set $weight1 (i16x8.splat (local.get $w1)))
    (local.set $end (i32.add (local.get $out) (local.get $count)))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $out) (local.get $end)))
        (v128.store (local.get $out)
          (i8x16.narrow_i16x8_u
            (call $blend (v128.load (local.get $upper)) (v128.load (local.get $lower))
              (local.get $weight0) (local.get $weight1))
            (call $blend (v128.load offset=16 (local.get $upper)) (v128.load offset=16 (local.get $lower))
              (local.get $weight0) (local.get $weight1))))
        (local.set $upper (i32.add (local.get $upper) (i32.const 32)))
        (local.set $lower (i32.add (local.get $lower) (i32.const 32)))
        (local.set $out (i32.add (local.get $out) (i32.const 16)))
        (br $next))))

  (func $blend (param $upper v128) (param $lower v128) (param $w0 v128) (param $w1 v128) (result v128)
    (i16x8.shr_s
      (i16x8.add
        (i16x8.narrow_i32x4_s
          (i32x4.add
            (i32x4.shr_s (i32x4.extmul_low_i16x8_s (local.get $upper) (local.get $w0)) (i32.const 16))
            (i32x4.shr_s (i32x4.extmul_low_i16x8_s (local.get $lower) (local.get $w1)) (i32.const 16)))
          (i32x4.add
            (i32x4.shr_s (i32x4.extmul_high_i16x8_s (local.get $upper) (local.get $w0)) (i32.const 16))
            (i32x4.shr_s (i32x4.extmul_high_i16x8_s (local.get $lower) (local.get $w1)) (i32.const 16))))
        (v128.const i16x8 2 2 2 2 2 2 2 2))
      (i32.const 2)))

  ;; Bytes to float32: value * scale + shift, with scales and shifts of three channels repeated to 12 values each at $affine.
  (func (export "normalize") (param $source i32) (param $out i32) (param $count i32) (param $affine i32)
    (local $end i32) (local $bytes v128) (local $low v128)
    (local $scale0 v128) (local $scale1 v128) (local $scale2 v128)
    (local $shift0 v128) (local $shift1 v128) (local $shift2 v128)
    (local.set $scale0 (v128.load (local.get $affine)))
    (local.set $scale1 (v128.load offset=16 (local.get $affine)))
    (local.set $scale2 (v128.load offset=32 (local.get $affine)))
    (local.set $shift0 (v128.load offset=48 (local.get $affine)))
    (local.set $shift1 (v128.load offset=64 (local.get $affine)))
    (local.set $shift2 (v128.load offset=80 (local.get $affine)))
    (local.set $end (i32.add (local.get $source) (local.get $count)))
    (block $done
      (loop $next
        (br_if $done (i32.ge_u (local.get $source) (local.get $end)))
        (local.set $bytes (v128.load (local.get $source)))
        (local.set $low (i16x8.extend_low_i8x16_u (local.get $bytes)))
        (v128.store (local.get $out)
          (f32x4.add (f32x4.mul (local.get $scale0)
            (f32x4.convert_i32x4_u (i32x4.extend_low_i16x8_u (local.get $low)))) (local.get $shift0)))
        (v128.store offset=16 (local.get $out)
          (f32x4.add (f32x4.mul (local.get $scale1)
            (f32x4.convert_i32x4_u (i32x4.extend_high_i16x8_u (local.get $low)))) (local.get $shift1)))
        (v128.store offset=32 (local.get $out)
          (f32x4.add (f32x4.mul (local.get $scale2)
            (f32x4.convert_i32x4_u (i32x4.extend_low_i16x8_u
              (i16x8.extend_high_i8x16_u (local.get $bytes))))) (local.get $shift2)))
        (local.set $source (i32.add (local.get $source) (i32.const 12)))
        (local.set $out (i32.add (local.get $out) (i32.const 48)))
        (br $next)))))
