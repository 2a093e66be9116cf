// Handlers and iterators, without a client: who gets which event, and when the next one is taken.

import assert from "node:assert/strict";
import { pathToFileURL } from "node:url";

const [folder] = process.argv.slice(2);
const { EventPump } = await import(pathToFileURL(`${folder}/events.js`));

/** A source that counts what was taken from it. */
function source() {
  const waiting = [];
  const ready = [];
  return {
    taken: 0,
    give(event) {
      const resolve = waiting.shift();
      if (resolve) {
        resolve(event);
      } else {
        ready.push(event);
      }
    },
    next() {
      this.taken += 1;
      return ready.length > 0
        ? Promise.resolve(ready.shift())
        : new Promise((resolve) => waiting.push(resolve));
    },
  };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));
const message = (text) => ({ type: "message", text });

// Nothing is taken while nobody listens, and handlers added together get the same events.
{
  const events = source();
  const pump = new EventPump(() => events.next());
  events.give(message("1"));
  await settled();
  assert.equal(events.taken, 0);
  const [first, second] = [[], []];
  pump.on("message", (event) => first.push(event.text));
  pump.on("event", (event) => second.push(event.text));
  await settled();
  assert.deepEqual([first, second], [["1"], ["1"]]);
}

// An event that was taken when the last one stopped listening waits for the next who does.
{
  const events = source();
  const pump = new EventPump(() => events.next());
  const seen = [];
  const stop = pump.on("message", () => seen.push("first"));
  await settled();
  stop();
  stop();
  events.give(message("1"));
  await settled();
  assert.equal(events.taken, 1);
  pump.on("message", (event) => seen.push(event.text));
  await settled();
  assert.deepEqual(seen, ["1"]);
}

// The slowest iterator decides when the next event is taken.
{
  const events = source();
  const pump = new EventPump(() => events.next());
  const [quick, slow] = [pump.iterate(), pump.iterate()];
  for (const text of ["1", "2", "3"]) {
    events.give(message(text));
  }
  const one = quick.next();
  await settled();
  assert.equal(events.taken, 0);
  assert.equal((await slow.next()).value.text, "1");
  assert.equal((await one).value.text, "1");
  await settled();
  assert.equal(events.taken, 1);
  const two = quick.next();
  // Whoever leaves holds nobody up.
  await slow.return();
  assert.equal((await two).value.text, "2");
  assert.equal((await slow.next()).done, true);
  events.give(undefined);
  assert.equal((await quick.next()).value.text, "3");
  assert.equal((await quick.next()).done, true);
  assert.equal((await pump.iterate().next()).done, true);
}

// Handlers do not wait for an iterator that lags, until it has collected a lot, or when that is asked for.
for (const isStrict of [false, true]) {
  const events = source();
  const pump = new EventPump(() => events.next(), { isStrict, backlog: 2 });
  const seen = [];
  const idle = pump.iterate();
  pump.on("message", (event) => seen.push(event.text));
  for (const text of ["1", "2", "3", "4"]) {
    events.give(message(text));
  }
  await settled();
  assert.deepEqual(seen, isStrict ? [] : ["1", "2"]);
  assert.equal((await idle.next()).value.text, "1");
  await settled();
  assert.deepEqual(seen, isStrict ? ["1"] : ["1", "2", "3"]);
  await idle.return();
  await settled();
  assert.deepEqual(seen, ["1", "2", "3", "4"]);
}

// A handler that comes while an iterator holds everything up does not wait for it.
{
  const events = source();
  const pump = new EventPump(() => events.next());
  const idle = pump.iterate();
  events.give(message("1"));
  await settled();
  const seen = [];
  pump.on("message", (event) => seen.push(event.text));
  await settled();
  assert.deepEqual(seen, ["1"]);
  assert.equal((await idle.next()).value.text, "1");
}

// The same handler twice is two handlers; one that fails disturbs nobody; one may stop itself.
{
  const events = source();
  const pump = new EventPump(() => events.next());
  const failures = [];
  globalThis.reportError = (error) => failures.push(error.message);
  const seen = [];
  const handler = (event) => seen.push(event.text);
  const once = pump.on("message", handler);
  pump.on("message", handler);
  const stop = pump.on("message", () => {
    stop();
    throw new Error("oh");
  });
  events.give(message("1"));
  await settled();
  once();
  events.give(message("2"));
  await settled();
  assert.deepEqual(seen, ["1", "1", "2"]);
  assert.deepEqual(failures, ["oh"]);
  assert.throws(() => pump.on("message", "no function"), { kind: "invalid" });
}
console.log("all is well");
