import type * as tf from '@tensorflow/tfjs';
import type { ParameterLayout, ParameterSpec, SpecTree } from './spec.js';

/** Tensor type of a parameter layout. */
type TensorOf<Layout extends ParameterLayout> = Layout extends 'vector'
  ? tf.Tensor1D
  : Layout extends 'linear'
    ? tf.Tensor2D
    : tf.Tensor4D;

/**
 * Parameters of a forward pass: a tree of specs with every leaf replaced by its tensor. Unknown for trees that their
 * owner alone knows, such as those of backbones.
 */
export type TensorTree<Tree> = SpecTree extends Tree
  ? unknown
  : Tree extends ParameterSpec<infer Layout>
    ? TensorOf<Layout>
    : { readonly [Key in keyof Tree]: TensorTree<Tree[Key]> };
