;; Banded product of one region, the whole of RoIAlign in both directions:
;;
;;   dst[i, j, c] (+)= sum over taps (y, wy) of row i, taps (x, wx) of column j: (wy * wx) * src[y, x, c]
;;
;; Channels are innermost in src and dst. A table is a stream of 32-bit words: for every row (column) the number of its
;; taps, then index and weight of each. Taps are added in the order of the table, y outside, x inside, in float32
;; without fused operations, so that the result does not depend on the path taken (32, 4 or 1 channels at a time).
(module
  (import "env" "memory" (memory 0))

  (func (export "bandedProduct")
    (param $dst i32)          ;; byte address of dst[0, 0, 0]
    (param $dstRow i32)       ;; bytes from one row of dst to the next
    (param $src i32)          ;; byte address of src[0, 0, 0]
    (param $srcRow i32)       ;; bytes from one row of src to the next
    (param $pixel i32)        ;; bytes of the channels of one pixel
    (param $numRows i32)
    (param $numColumns i32)
    (param $yTable i32)       ;; byte address, numRows entries
    (param $xTable i32)       ;; byte address, numColumns entries
    (param $accumulate i32)   ;; 0 overwrites dst, else adds to it
    (local $columnsLeft i32) (local $d i32) (local $xEntry i32)
    (local $yFirst i32) (local $yEnd i32) (local $xFirst i32) (local $xEnd i32)
    (local $c i32) (local $y i32) (local $x i32)
    (local $rowBase i32) (local $p i32) (local $wy f32) (local $w v128)
    (local $a0 v128) (local $a1 v128) (local $a2 v128) (local $a3 v128)
    (local $a4 v128) (local $a5 v128) (local $a6 v128) (local $a7 v128)
    (local $s f32)

    (block $done
      (loop $rows
        (br_if $done (i32.eqz (local.get $numRows)))
        (local.set $yFirst (i32.add (local.get $yTable) (i32.const 4)))
        (local.set $yEnd
          (i32.add (local.get $yFirst) (i32.shl (i32.load (local.get $yTable)) (i32.const 3))))
        (local.set $d (local.get $dst))
        (local.set $xEntry (local.get $xTable))
        (local.set $columnsLeft (local.get $numColumns))

        (block $rowDone
          ;; Adding nothing to a row is a waste.
          (br_if $rowDone
            (i32.and (i32.ne (local.get $accumulate) (i32.const 0))
                     (i32.eq (local.get $yFirst) (local.get $yEnd))))
          (loop $columns
            (br_if $rowDone (i32.eqz (local.get $columnsLeft)))
            (local.set $xFirst (i32.add (local.get $xEntry) (i32.const 4)))
            (local.set $xEnd
              (i32.add (local.get $xFirst) (i32.shl (i32.load (local.get $xEntry)) (i32.const 3))))
            (local.set $c (i32.const 0))

            ;; 32 channels at a time
            (block $blocksDone
              (loop $blocks
                (br_if $blocksDone
                  (i32.gt_u (i32.add (local.get $c) (i32.const 128)) (local.get $pixel)))
                (local.set $a0 (v128.const i32x4 0 0 0 0))
                (local.set $a1 (v128.const i32x4 0 0 0 0))
                (local.set $a2 (v128.const i32x4 0 0 0 0))
                (local.set $a3 (v128.const i32x4 0 0 0 0))
                (local.set $a4 (v128.const i32x4 0 0 0 0))
                (local.set $a5 (v128.const i32x4 0 0 0 0))
                (local.set $a6 (v128.const i32x4 0 0 0 0))
                (local.set $a7 (v128.const i32x4 0 0 0 0))
                (local.set $y (local.get $yFirst))
                (block $yDone
                  (loop $ys
                    (br_if $yDone (i32.ge_u (local.get $y) (local.get $yEnd)))
                    (local.set $rowBase
                      (i32.add
                        (i32.add (local.get $src) (local.get $c))
                        (i32.mul (i32.load (local.get $y)) (local.get $srcRow))))
                    (local.set $wy (f32.load offset=4 (local.get $y)))
                    (local.set $x (local.get $xFirst))
                    (block $xDone
                      (loop $xs
                        (br_if $xDone (i32.ge_u (local.get $x) (local.get $xEnd)))
                        (local.set $p
                          (i32.add (local.get $rowBase)
                                   (i32.mul (i32.load (local.get $x)) (local.get $pixel))))
                        (local.set $w
                          (f32x4.splat (f32.mul (local.get $wy) (f32.load offset=4 (local.get $x)))))
                        (local.set $a0 (f32x4.add (local.get $a0)
                          (f32x4.mul (local.get $w) (v128.load (local.get $p)))))
                        (local.set $a1 (f32x4.add (local.get $a1)
                          (f32x4.mul (local.get $w) (v128.load offset=16 (local.get $p)))))
                        (local.set $a2 (f32x4.add (local.get $a2)
                          (f32x4.mul (local.get $w) (v128.load offset=32 (local.get $p)))))
                        (local.set $a3 (f32x4.add (local.get $a3)
                          (f32x4.mul (local.get $w) (v128.load offset=48 (local.get $p)))))
                        (local.set $a4 (f32x4.add (local.get $a4)
                          (f32x4.mul (local.get $w) (v128.load offset=64 (local.get $p)))))
                        (local.set $a5 (f32x4.add (local.get $a5)
                          (f32x4.mul (local.get $w) (v128.load offset=80 (local.get $p)))))
                        (local.set $a6 (f32x4.add (local.get $a6)
                          (f32x4.mul (local.get $w) (v128.load offset=96 (local.get $p)))))
                        (local.set $a7 (f32x4.add (local.get $a7)
                          (f32x4.mul (local.get $w) (v128.load offset=112 (local.get $p)))))
                        (local.set $x (i32.add (local.get $x) (i32.const 8)))
                        (br $xs)))
                    (local.set $y (i32.add (local.get $y) (i32.const 8)))
                    (br $ys)))
                (local.set $p (i32.add (local.get $d) (local.get $c)))
                (if (local.get $accumulate)
                  (then
                    (local.set $a0 (f32x4.add (v128.load (local.get $p)) (local.get $a0)))
                    (local.set $a1 (f32x4.add (v128.load offset=16 (local.get $p)) (local.get $a1)))
                    (local.set $a2 (f32x4.add (v128.load offset=32 (local.get $p)) (local.get $a2)))
                    (local.set $a3 (f32x4.add (v128.load offset=48 (local.get $p)) (local.get $a3)))
                    (local.set $a4 (f32x4.add (v128.load offset=64 (local.get $p)) (local.get $a4)))
                    (local.set $a5 (f32x4.add (v128.load offset=80 (local.get $p)) (local.get $a5)))
                    (local.set $a6 (f32x4.add (v128.load offset=96 (local.get $p)) (local.get $a6)))
                    (local.set $a7 (f32x4.add (v128.load offset=112 (local.get $p)) (local.get $a7)))))
                (v128.store (local.get $p) (local.get $a0))
                (v128.store offset=16 (local.get $p) (local.get $a1))
                (v128.store offset=32 (local.get $p) (local.get $a2))
                (v128.store offset=48 (local.get $p) (local.get $a3))
                (v128.store offset=64 (local.get $p) (local.get $a4))
                (v128.store offset=80 (local.get $p) (local.get $a5))
                (v128.store offset=96 (local.get $p) (local.get $a6))
                (v128.store offset=112 (local.get $p) (local.get $a7))
                (local.set $c (i32.add (local.get $c) (i32.const 128)))
                (br $blocks)))

            ;; 4 channels at a time
            (block $fourDone
              (loop $fours
                (br_if $fourDone
                  (i32.gt_u (i32.add (local.get $c) (i32.const 16)) (local.get $pixel)))
                (local.set $a0 (v128.const i32x4 0 0 0 0))
                (local.set $y (local.get $yFirst))
                (block $yDone
                  (loop $ys
                    (br_if $yDone (i32.ge_u (local.get $y) (local.get $yEnd)))
                    (local.set $rowBase
                      (i32.add
                        (i32.add (local.get $src) (local.get $c))
                        (i32.mul (i32.load (local.get $y)) (local.get $srcRow))))
                    (local.set $wy (f32.load offset=4 (local.get $y)))
                    (local.set $x (local.get $xFirst))
                    (block $xDone
                      (loop $xs
                        (br_if $xDone (i32.ge_u (local.get $x) (local.get $xEnd)))
                        (local.set $a0 (f32x4.add (local.get $a0)
                          (f32x4.mul
                            (f32x4.splat
                              (f32.mul (local.get $wy) (f32.load offset=4 (local.get $x))))
                            (v128.load
                              (i32.add (local.get $rowBase)
                                       (i32.mul (i32.load (local.get $x)) (local.get $pixel)))))))
                        (local.set $x (i32.add (local.get $x) (i32.const 8)))
                        (br $xs)))
                    (local.set $y (i32.add (local.get $y) (i32.const 8)))
                    (br $ys)))
                (local.set $p (i32.add (local.get $d) (local.get $c)))
                (if (local.get $accumulate)
                  (then
                    (local.set $a0 (f32x4.add (v128.load (local.get $p)) (local.get $a0)))))
                (v128.store (local.get $p) (local.get $a0))
                (local.set $c (i32.add (local.get $c) (i32.const 16)))
                (br $fours)))

            ;; the last 1 to 3 channels
            (block $tailDone
              (loop $tail
                (br_if $tailDone (i32.ge_u (local.get $c) (local.get $pixel)))
                (local.set $s (f32.const 0))
                (local.set $y (local.get $yFirst))
                (block $yDone
                  (loop $ys
                    (br_if $yDone (i32.ge_u (local.get $y) (local.get $yEnd)))
                    (local.set $rowBase
                      (i32.add
                        (i32.add (local.get $src) (local.get $c))
                        (i32.mul (i32.load (local.get $y)) (local.get $srcRow))))
                    (local.set $wy (f32.load offset=4 (local.get $y)))
                    (local.set $x (local.get $xFirst))
                    (block $xDone
                      (loop $xs
                        (br_if $xDone (i32.ge_u (local.get $x) (local.get $xEnd)))
                        (local.set $s (f32.add (local.get $s)
                          (f32.mul
                            (f32.mul (local.get $wy) (f32.load offset=4 (local.get $x)))
                            (f32.load
                              (i32.add (local.get $rowBase)
                                       (i32.mul (i32.load (local.get $x)) (local.get $pixel)))))))
                        (local.set $x (i32.add (local.get $x) (i32.const 8)))
                        (br $xs)))
                    (local.set $y (i32.add (local.get $y) (i32.const 8)))
                    (br $ys)))
                (local.set $p (i32.add (local.get $d) (local.get $c)))
                (if (local.get $accumulate)
                  (then (local.set $s (f32.add (f32.load (local.get $p)) (local.get $s)))))
                (f32.store (local.get $p) (local.get $s))
                (local.set $c (i32.add (local.get $c) (i32.const 4)))
                (br $tail)))

            (local.set $d (i32.add (local.get $d) (local.get $pixel)))
            (local.set $xEntry (local.get $xEnd))
            (local.set $columnsLeft (i32.sub (local.get $columnsLeft) (i32.const 1)))
            (br $columns)))

        (local.set $yTable (local.get $yEnd))
        (local.set $dst (i32.add (local.get $dst) (local.get $dstRow)))
        (local.set $numRows (i32.sub (local.get $numRows) (i32.const 1)))
        (br $rows)))))
