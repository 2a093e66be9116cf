// The fields that applications share, as they are written and as strangers may write them.

import assert from "node:assert/strict";
import { pathToFileURL } from "node:url";

const [folder] = process.argv.slice(2);
const { fileMessage, fileOf, replyMessage, replyOf } = await import(pathToFileURL(`${folder}/node.js`));

const uploaded = { file: "f1", size: 5n, sha256: "00" };
const picture = fileMessage(uploaded, { name: "cat.png", type: "image/png", width: 3, height: 2 });
assert.equal(picture.text, "cat.png");
assert.deepEqual(fileOf(picture), {
  id: "f1",
  name: "cat.png",
  size: 5,
  type: "image/png",
  sha256: "00",
  width: 3,
  height: 2,
});
assert.deepEqual(fileOf(fileMessage(uploaded, { name: "a", duration: 900, voice: true })), {
  id: "f1",
  name: "a",
  size: 5,
  type: "application/octet-stream",
  sha256: "00",
  duration: 900,
  voice: true,
});
assert.throws(() => fileMessage(uploaded, {}), { kind: "invalid" });

const file = JSON.parse(picture.extend["tim.file"]);
for (const strange of [
  "",
  "null",
  "7",
  "{",
  JSON.stringify({ ...file, id: 7 }),
  JSON.stringify({ ...file, size: -1 }),
  JSON.stringify({ ...file, size: 1e300 }),
]) {
  assert.equal(fileOf({ extend: { "tim.file": strange } }), undefined, strange);
}
assert.equal(fileOf({ extend: { "tim.file": JSON.stringify({ ...file, width: "3" }) } }).width, undefined);
assert.equal(fileOf({ extend: {} }), undefined);

const original = { mid: 7n, from: "node", text: "\u{1F600}".repeat(300) };
const answer = replyMessage("yes", original);
assert.equal(answer.text, "yes");
assert.deepEqual(replyOf(answer), { mid: 7n, from: "node", text: "\u{1F600}".repeat(200) });
assert.throws(() => replyMessage("yes", { text: "live" }), { kind: "invalid" });
assert.equal(replyOf({ extend: { "tim.reply": '{"mid": 1.5, "from": "node"}' } }), undefined);
assert.equal(replyOf({ extend: { "tim.reply": '{"mid": 9007199254740993, "from": "node"}' } }), undefined);
console.log("all is well");
