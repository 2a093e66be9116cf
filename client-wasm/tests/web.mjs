// The HTTP API from a program: a session by its secret instead of a cookie. Started like session.mjs.

import assert from "node:assert/strict";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const [folder, server] = process.argv.slice(2);
const { Client, WebApi, TimError, init } = await import(pathToFileURL(`${folder}/node.js`));

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

/** Has the program do something to the server. */
async function ask(what) {
  console.log(`ask: ${what}`);
  assert.equal((await lines.next()).value, "done");
}

assert.throws(() => new WebApi({ server }), { kind: "invalid" });
await init();

const [name, password] = ["alice", "correct horse battery"];
const node = await Client.register({ server, name, password });
const bob = await Client.register({ server, name: "bob", password });

const api = new WebApi({ server });
await assert.rejects(api.signedIn(), { kind: "refused", status: 401 });
await assert.rejects(api.signIn({ name, password: "wrong", bearer: true }), (error) => {
  assert.ok(error instanceof TimError);
  assert.deepEqual([error.kind, error.status, error.code, error.codeName], ["refused", 401, 4102, "NoPass"]);
  return true;
});
await assert.rejects(new WebApi({ server: "127.0.0.1:1" }).signedIn(), { kind: "unreachable" });

const signedIn = await api.signIn({ name, password, bearer: true });
assert.equal(signedIn.node, node);
assert.match(signedIn.token, /./);
assert.match(signedIn.session, /./);
assert.equal((await api.signedIn()).node, node);

// Another session, ended from here.
const elsewhere = new WebApi({ server });
const { session } = await elsewhere.signIn({ name, password, bearer: true });
assert.equal(await api.endOtherSessions(), 1n);
await assert.rejects(elsewhere.signedIn(), { status: 401 });
await assert.rejects(new WebApi({ server, session }).signedIn(), { status: 401 });

// A client that logs in from the session, again after the server has gone and come back, and not after signing out.
const client = await Client.connect({
  server,
  login: api,
  reconnect: { first: 100, longest: 300 },
});
assert.equal(client.node, node);
const events = client.events();
const next = async (type) => {
  for (;;) {
    const { done, value } = await events.next();
    assert.ok(!done, `the session has ended before ${type}`);
    if (value.type === type) {
      return value;
    }
  }
};
assert.equal((await next("connected")).again, false);
await ask("kill");
// While the server is away there are no credentials, which is not the end.
await next("disconnected");
await next("disconnected");
await ask("run");
client.nudge();
assert.equal((await next("connected")).again, true);

// People, rooms, and what was delivered.
assert.equal(await api.findPerson("bob"), bob);
await assert.rejects(api.findPerson("nobody"), { status: 404, code: 4106 });
await client.setProfile({ nickname: "Al" });
const people = [];
for (let after; ; ) {
  const page = await api.people({ limit: 1, after });
  assert.ok(page.entries.length <= 1);
  people.push(...page.entries);
  if (page.next === undefined) {
    break;
  }
  after = page.next;
}
assert.deepEqual(people.map((person) => person.node).sort(), [node, bob].sort());
assert.equal(people.find((person) => person.node === node).nickname, "Al");
const room = await client.createRoom("open", "Choir");
const [entry] = (await api.rooms()).entries;
assert.deepEqual([entry.room, entry.topic, entry.kind, entry.founder], [room.id, "Choir", "open", node]);

const other = await Client.connect({ server, login: { name: "bob", password } });
await client.addFriend(bob);
await other.acceptFriend(node);
const otherEvents = other.events();
assert.equal(await api.delivered(bob), undefined);
const { mid } = await client.send(bob, "Hello");
for await (const event of otherEvents) {
  if (event.type === "message") {
    break;
  }
}
await other.close();
assert.equal(await api.delivered(bob), mid);

// Who signs out is signed out everywhere: the server ends the connections of the session as well.
await api.signOut();
await assert.rejects(api.signedIn(), { status: 401 });
assert.deepEqual((await next("loggedOut")).reason, { kind: "forced" });
assert.equal((await events.next()).done, true);
await assert.rejects(Client.connect({ server, login: api }), { kind: "signedOut" });
await client.close();

console.log("all is well");
process.stdin.unref();
lines.return();
