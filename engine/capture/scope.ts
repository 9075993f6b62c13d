import * as tf from '../tfjs.js';

/** Scope names that do not belong to the model. */
const ANONYMOUS = new Set(['default scope', 'unnamed scope', 'gradients', 'forward', '']);
const OP_SUFFIX = '__op';

/** Names of the current layers (see {@link layer}), outermost first. */
export function layerScope(): string {
  return scopeNames()
    .filter((name) => !name.endsWith(OP_SUFFIX) && !ANONYMOUS.has(name))
    .join('/');
}

/** Current layer and tfjs op, for messages. */
export function describeScope(): string {
  const op = scopeNames().findLast((name) => name.endsWith(OP_SUFFIX));
  const parts = [
    layerScope() && `layer ${layerScope()}`,
    op && `op ${op.slice(0, -OP_SUFFIX.length)}`,
  ].filter((part) => part);
  return parts.length > 0 ? parts.join(', ') : 'the gradient computation';
}

function scopeNames(): string[] {
  return tf.engine().state.scopeStack.map((scope) => scope.name);
}

/** Runs `body` as a named layer: a `tf.tidy` whose name appears in the nodes of a captured graph. */
export function layer<T extends tf.TensorContainer>(name: string, body: () => T): T {
  return tf.tidy(name, body);
}
