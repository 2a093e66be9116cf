// Loading the WebAssembly, once.

import load from "./tim_client_wasm.js";

/** Where the module comes from when the application does not say: beside this file, unless the host changes it. */
export const loader = { source: () => undefined };

let loading;

export async function init(source) {
  loading ??= start(source);
  try {
    await loading;
  } catch (error) {
    loading = undefined;
    throw error;
  }
}

async function start(source) {
  const module = await (source ?? loader.source());
  await load(module === undefined ? undefined : { module_or_path: module });
  loader.isReady = true;
}
