// A page as small as it gets: loads the package without a bundler and leaves it to the test.

import * as tim from "./tim.js";

await tim.init();
globalThis.tim = tim;

/** The next event of that type. */
globalThis.next = async (events, type) => {
  for await (const event of { [Symbol.asyncIterator]: () => ({ next: () => events.next() }) }) {
    if (event.type === type) {
      return event;
    }
  }
  throw new Error(`the session has ended before ${type}`);
};

document.querySelector("#state").textContent = "ready";
