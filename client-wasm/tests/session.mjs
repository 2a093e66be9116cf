// Two people against a real server. Started with the folder of the package, the address of the server, and perhaps a
// module with another WebSocket than that of Node. The program that starts it kills the server and starts it again when
// it is asked to on standard output, and answers on standard input.

import assert from "node:assert/strict";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const [folder, address, module] = process.argv.slice(2);
const { Client, TimError, init, toDate } = await import(pathToFileURL(`${folder}/node.js`));

const { default: WebSocket } = module ? await import(pathToFileURL(module)) : {};
const where = { server: address, WebSocket };
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

/** Has the program do something to the server. */
async function ask(what) {
  console.log(`ask: ${what}`);
  assert.equal((await lines.next()).value, "done");
}

/** The next event that fits. */
async function next(events, fits) {
  for (;;) {
    const { done, value } = await events.next();
    assert.ok(!done, "the session has ended");
    if (fits(value)) {
      return value;
    }
  }
}

const isText = (text) => (event) => event.type === "message" && event.text === text;

await init();

const password = "correct horse battery";
const people = {};
for (const name of ["alice", "bob"]) {
  people[name] = await Client.register({ ...where, name, password });
}

// Errors say what happened.
await assert.rejects(Client.register({ ...where, name: "alice", password }), (error) => {
  assert.ok(error instanceof TimError && error instanceof Error);
  assert.equal(error.name, "TimError");
  assert.equal(error.kind, "refused");
  assert.equal(error.code, 4101);
  assert.equal(error.codeName, "HasExist");
  assert.match(error.stack, /session\.mjs/);
  return true;
});
await assert.rejects(Client.connect({ ...where, login: { name: "alice", password: "wrong" } }), { code: 4105 });
await assert.rejects(Client.connect({ ...where, server: "127.0.0.1:1", login: { name: "a", password } }), {
  kind: "unreachable",
});
await assert.rejects(Client.connect({ ...where, login: { name: 7, password } }), { kind: "invalid" });
// A socket that is given up while it is being opened says so later, and nobody minds.
await assert.rejects(Client.connect({ ...where, connectTimeout: 0, login: { name: "bob", password } }), {
  kind: "unreachable",
});

// Alice by a source that first has nothing, Bob by his password.
let asked = 0;
const alice = await Client.connect({
  ...where,
  device: "laptop",
  login: async () => ({ token: await Client.token({ ...where, name: "alice", password }), turn: (asked += 1) }),
  reconnect: { first: 100, longest: 500 },
});
const bob = await Client.connect({
  ...where,
  device: "phone",
  login: { name: "bob", password },
  acknowledge: "next",
  reconnect: { first: 100, longest: 500 },
});
assert.equal(alice.node, people.alice);
assert.ok(alice.isOnline);

// Handlers and iterators see the same events.
const seen = [];
const stop = bob.on("message", (message) => seen.push(message.text));
const everything = [];
bob.on("event", (event) => everything.push(event.type));
bob.on("message", () => {
  throw new Error("a handler that fails");
});
globalThis.reportError = (error) => assert.equal(error.message, "a handler that fails");
const toAlice = alice.events();
const toBob = bob.events();

assert.equal(await alice.addFriend(bob.node, "It is Alice"), "requested");
const request = await next(toBob, (event) => event.type === "notice");
assert.deepEqual([request.kind, request.from, request.text], ["friendRequest", alice.node, "It is Alice"]);
assert.equal(await bob.acceptFriend(alice.node), "friendsNow");
assert.deepEqual(await bob.friends(), [alice.node]);

// Everything a message can carry comes out as it went in.
const bytes = Uint8Array.from({ length: 300 }, (_, index) => index % 256);
const before = BigInt(Date.now()) * 1_000_000n;
const sent = await alice.send(bob.node, {
  text: "你好 <b>\u{1F600}</b>",
  binary: bytes,
  contentType: -32768,
  display: 7,
  extend: { colour: "blue", ["__proto__"]: "a name like others" },
  extra: { raw: bytes.subarray(250), ["__proto__"]: bytes.subarray(0, 1) },
});
const received = await next(toBob, (event) => event.type === "message");
assert.equal(received.text, "你好 <b>\u{1F600}</b>");
assert.deepEqual(received.binary, bytes);
assert.equal(received.contentType, -32768);
assert.equal(received.display, 7);
assert.deepEqual(Object.entries(received.extend).sort(), [
  ["__proto__", "a name like others"],
  ["colour", "blue"],
]);
assert.deepEqual(received.extra["__proto__"], bytes.subarray(0, 1));
assert.deepEqual(received.extra.raw, bytes.subarray(250));
assert.deepEqual(received.conversation, { kind: "peer", peer: alice.node });
assert.equal(received.device.name, "laptop");
assert.equal(received.kind, "chat");

// Whole numbers of 64 bits are exact: times are beyond what a number can hold.
assert.equal(typeof sent.id, "bigint");
assert.ok(sent.timestamp > 2n ** 53n);
assert.equal(received.id, sent.id);
assert.equal(received.timestamp, sent.timestamp);
assert.equal(received.mid, sent.mid);
assert.equal(sent.mid, 1n);
assert.ok(sent.timestamp > before - 60_000_000_000n && sent.timestamp < before + 60_000_000_000n);
assert.ok(Math.abs(toDate(sent.timestamp).getTime() - Date.now()) < 60_000);

// The server goes away in the middle of a conversation.
await ask("kill");
await next(toAlice, (event) => event.type === "disconnected" && event.retryIn > 0);
const underWay = [];
for (let number = 0; number < 10; number += 1) {
  underWay.push(alice.send(bob.node, `number ${number}`));
}
await assert.rejects(alice.send(bob.node, { kind: "stream", binary: bytes }), { kind: "notConnected" });
await ask("run");
alice.nudge();
bob.nudge();
const confirmed = await Promise.all(underWay);
assert.deepEqual(
  confirmed.map((one) => one.mid),
  Array.from({ length: 10 }, (_, index) => BigInt(index + 2)),
);
for (let number = 0; number < 10; number += 1) {
  const message = await next(toBob, (event) => event.type === "message");
  assert.equal(message.text, `number ${number}`);
}
assert.equal(asked, 2, "every login takes a fresh token");

// History, from the newest, in pages, and from a time.
const texts = [];
for await (const page of alice.historyPages(bob.node, { pageSize: 4 })) {
  assert.ok(page.length <= 4);
  texts.push(...page.map((message) => message.text));
}
assert.equal(texts.length, 11);
assert.equal(texts[0], "number 9");
const [first] = await alice.history(bob.node, { start: { at: 1n }, limit: 1 });
assert.equal(first.mid, 1n);
assert.deepEqual(first.binary, bytes);
assert.deepEqual(await alice.history(bob.node, { start: { time: new Date(0) } }), []);

// Recall and burn.
await alice.recall(bob.node, 11n);
assert.equal((await next(toBob, (event) => event.type === "recalled")).mid, 11n);
const burning = bob.burn(alice.node, 10n);
assert.equal((await next(toAlice, (event) => event.type === "burned")).mid, 10n);
await Promise.all([burning, next(toBob, (event) => event.type === "burned")]);
await assert.rejects(alice.recall(bob.node, 999n), { kind: "refused", code: 4104 });
await assert.rejects(alice.recall(bob.node, -1n), { kind: "invalid" });

// What is not kept: live data, large data, and kinds of the application.
await alice.send(bob.node, { kind: "stream", binary: bytes });
assert.deepEqual((await next(toBob, (event) => event.kind === "stream")).binary, bytes);
const large = new Uint8Array(3 << 20).map((_, index) => index % 251);
await alice.send(bob.node, { kind: "bigBinary", binary: large });
assert.deepEqual((await next(toBob, (event) => event.kind === "bigBinary")).binary, large);
await alice.send(bob.node, { kind: 40, extend: { "tim.sync": "{}" } });
assert.equal((await next(toBob, (event) => event.kind === 40)).extend["tim.sync"], "{}");
await assert.rejects(alice.send(bob.node, { kind: 3, text: "no kind of the application" }), {
  kind: "invalid",
});
await assert.rejects(alice.send(bob.node, { text: "x".repeat(2 << 20) }), { kind: "tooLarge" });

// Notes to oneself reach the other devices, and do not come back.
const tablet = await Client.connect({ ...where, device: "tablet", login: { name: "alice", password } });
const toTablet = tablet.events();
await next(toTablet, (event) => event.type === "offlineDrained");
const own = [];
const stopOwn = alice.on("message", (message) => own.push(message.text));
await alice.send(alice.node, { kind: 40, extend: { "tim.sync": "{}" } });
await alice.send(alice.node, "a note");
const synchronised = await next(toTablet, (event) => event.kind === 40);
assert.ok(synchronised.outgoing);
const note = await next(toTablet, isText("a note"));
assert.deepEqual(note.conversation, { kind: "peer", peer: alice.node });
await tablet.close();
await bob.send(alice.node, "after the note");
assert.equal((await next(toAlice, (event) => event.type === "message")).text, "after the note");
assert.deepEqual(own, ["after the note"]);
stopOwn();

// Profiles and presence.
await alice.setProfile({ nickname: "Al", gender: 1, photos: ["/a"], extend: { motto: "sing" } });
const profile = await bob.profile(alice.node);
assert.deepEqual([profile.nickname, profile.gender, profile.photos], ["Al", 1, ["/a"]]);
assert.equal(typeof profile.created, "bigint");
await alice.setPresence({ show: 3, status: "singing", subStatus: "subscribe" });
const presence = await next(toBob, (event) => event.type === "presence" && !event.offline);
assert.deepEqual([presence.from, presence.show, presence.subStatus], [alice.node, 3, "subscribe"]);

// Rooms.
const room = await alice.createRoom("private", "Choir");
await bob.room(room.id).join("May I?");
const wish = await next(toAlice, (event) => event.kind === "joinRequest");
assert.deepEqual([wish.from, wish.room], [bob.node, room.id]);
await room.approve(wish.from);
await next(toBob, (event) => event.type === "notice" && event.room === room.id);
assert.deepEqual((await room.members()).sort(), [alice.node, bob.node].sort());
await room.send("Practice is on Friday.");
const announced = await next(toBob, isText("Practice is on Friday."));
assert.deepEqual(announced.conversation, { kind: "room", room: room.id });
await room.setManagers([bob.node]);
await bob.room(room.id).setProfile({ topic: "Chor", category: 2n ** 53n + 1n });
const choir = await room.profile();
assert.deepEqual([choir.topic, choir.kind, choir.founder], ["Chor", "private", alice.node]);
assert.equal(choir.category, 2n ** 53n + 1n);
await room.kick(bob.node);
await next(toBob, (event) => event.kind === "roomRemoved");
await room.dissolve();

// Virtual rooms.
const stage = await alice.createVirtualRoom({ password: "open sesame" });
await assert.rejects(bob.virtualRoom(stage.id).subscribe({ password: "wrong" }), { kind: "refused" });
const frames = await bob.virtualRoom(stage.id).subscribe({ password: "open sesame" });
await stage.publish(bytes, { kind: 5 });
const frame = (await frames.next()).value;
assert.deepEqual([frame.from, frame.kind, frame.body], [alice.node, 5, bytes]);
assert.equal(frames.dropped, 0n);
const waiting = frames.next();
frames.close();
assert.equal((await waiting).done, true);

// The password.
await bob.changePassword(password, "another horse");
await assert.rejects(bob.changePassword("wrong", "x"), { code: 4112 });

// The end: iterators end, handlers are gone, nothing keeps the program alive.
assert.ok(seen.includes("number 9") && everything.includes("presence"));
stop();
const rest = (async () => {
  const types = [];
  for await (const event of toBob) {
    types.push(event.type);
  }
  return types;
})();
await bob.close();
assert.ok((await rest).every((type) => type !== "message"));
assert.equal((await bob.events().next()).done, true);
await assert.rejects(bob.send(alice.node, "too late"), { kind: "closed" });
await toAlice.return();
await alice.close();
console.log("all is well");
process.stdin.unref();
lines.return();
