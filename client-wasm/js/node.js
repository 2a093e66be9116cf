// The same for Node, where files are read and not fetched.

import { readFile } from "node:fs/promises";

import { loader } from "./load.js";

loader.source = () => readFile(new URL("./tim_client_wasm_bg.wasm", import.meta.url));

export * from "./tim.js";
