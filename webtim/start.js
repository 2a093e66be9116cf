// Starts the application. The build replaces the three names below by names with a hash of the content.
import start from "/webtim.js";

await start({ module_or_path: "/webtim_bg.wasm" });
