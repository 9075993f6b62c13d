import type * as tf from '@tensorflow/tfjs';
import type { ParameterLayout, ParameterSpec } from './spec.js';

/** Tensor type of a parameter layout. */
export type TensorOf<Layout extends ParameterLayout> = Layout extends 'vector'
  ? tf.Tensor1D
  : Layout extends 'linear'
    ? tf.Tensor2D
    : tf.Tensor4D;

/** Parameters of a forward pass: a tree of specs with every leaf replaced by its tensor. */
export type TensorTree<Tree> =
  Tree extends ParameterSpec<infer Layout>
    ? TensorOf<Layout>
    : { readonly [Key in keyof Tree]: TensorTree<Tree[Key]> };
