// What tim.d.ts declares is there, and what is there is declared.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";

const [folder] = process.argv.slice(2);
const declarations = await readFile(`${folder}/tim.d.ts`, "utf8");
const package_ = await import(pathToFileURL(`${folder}/node.js`));

const declared = new Map();
let members;
for (const line of declarations.split("\n")) {
  const exported = /^export (class|function) (\w+)/.exec(line);
  if (exported) {
    members = exported[1] === "class" ? { own: new Set(), static: new Set() } : undefined;
    declared.set(exported[2], members);
  } else if (/^\S/.test(line)) {
    members = undefined;
  }
  const member = /^  (static |get )?(\w+|\[Symbol\.asyncIterator\])[(<]/.exec(line);
  if (members && member && member[2] !== "constructor") {
    (member[1] === "static " ? members.static : members.own).add(member[2]);
  }
}

const names = (object) =>
  Reflect.ownKeys(object)
    .map((key) => (typeof key === "symbol" ? "[Symbol.asyncIterator]" : key))
    .filter((key) => !["constructor", "length", "name", "prototype"].includes(key))
    .sort();

assert.deepEqual([...declared.keys()].sort(), Object.keys(package_).sort());
for (const [name, members] of declared) {
  if (members) {
    const real = package_[name];
    assert.deepEqual([...members.own].sort(), names(real.prototype), name);
    assert.deepEqual([...members.static].sort(), names(real), name);
  }
}
assert.ok(declared.size >= 8);
console.log("all is well");
