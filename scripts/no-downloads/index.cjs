'use strict';

/**
 * Stands in for `global-agent` in this checkout (`overrides` in package.json): the install script of onnxruntime-node calls this before
 * it downloads libraries of CUDA, which only those need who ask for them (`--onnxruntime-node-install=cuda12`). A setting in .npmrc does
 * the same, but npm 11 warns of it at every call.
 */
exports.bootstrap = () => {
  const { ONNXRUNTIME_NODE_INSTALL, npm_config_onnxruntime_node_install } = process.env;
  if (!ONNXRUNTIME_NODE_INSTALL && !npm_config_onnxruntime_node_install) process.exit(0);
};
