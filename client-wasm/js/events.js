// Events for handlers and iterators. An event is taken from the client, which counts as received, only when somebody
// listens and every iterator has come back for it: what nobody has taken stays with the server.

import { TimError } from "./errors.js";

export class EventPump {
  #next;
  #handlers = new Map();
  #iterators = new Set();
  #isRunning = false;
  #hasEnded = false;
  /** Taken when everybody had stopped listening. */
  #held;

  /** `next` promises the next event, or undefined after the last. */
  constructor(next) {
    this.#next = next;
  }

  on(type, handler) {
    if (typeof handler !== "function") {
      throw new TimError({ kind: "invalid", message: "the handler must be a function" });
    }
    // A set of its own for each call: the same function may be added twice and removed once.
    const entry = { handler };
    const entries = this.#handlers.get(type) ?? new Set();
    this.#handlers.set(type, entries.add(entry));
    this.#start();
    return () => {
      entries.delete(entry);
      if (entries.size === 0 && this.#handlers.get(type) === entries) {
        this.#handlers.delete(type);
      }
    };
  }

  iterate() {
    const iterator = new EventIterator((done) => this.#iterators.delete(done));
    if (this.#hasEnded) {
      iterator.end();
    } else {
      this.#iterators.add(iterator);
      this.#start();
    }
    return iterator;
  }

  get #isWanted() {
    return this.#handlers.size > 0 || this.#iterators.size > 0;
  }

  #start() {
    if (!this.#isRunning && !this.#hasEnded) {
      this.#isRunning = true;
      // In a turn of its own, so that handlers that are added together get the same events.
      queueMicrotask(() => this.#run());
    }
  }

  async #run() {
    while (this.#isWanted) {
      await Promise.all([...this.#iterators].map((iterator) => iterator.wanted()));
      if (!this.#isWanted) {
        break;
      }
      const event = this.#held ?? (await this.#next());
      this.#held = undefined;
      if (event === undefined) {
        this.#hasEnded = true;
        for (const iterator of [...this.#iterators]) {
          iterator.end();
        }
        break;
      }
      if (event.type === "serverError" && !(event.error instanceof TimError)) {
        event.error = new TimError(event.error);
      }
      if (this.#isWanted) {
        this.#deliver(event);
      } else {
        this.#held = event;
      }
    }
    this.#isRunning = false;
  }

  #deliver(event) {
    for (const type of [event.type, "event"]) {
      for (const { handler } of [...(this.#handlers.get(type) ?? [])]) {
        try {
          handler(event);
        } catch (error) {
          report(error);
        }
      }
    }
    for (const iterator of this.#iterators) {
      iterator.push(event);
    }
  }
}

/** What a handler throws is its own business and stops nobody else. */
function report(error) {
  if (typeof globalThis.reportError === "function") {
    globalThis.reportError(error);
  } else {
    console.error(error);
  }
}

class EventIterator {
  #events = [];
  #waiting = [];
  #wants = [];
  #isOver = false;
  #leave;

  constructor(leave) {
    this.#leave = leave;
  }

  /** Resolved when the application waits for an event, or has left. */
  wanted() {
    if (this.#isOver || this.#waiting.length > 0) {
      return undefined;
    }
    return new Promise((resolve) => this.#wants.push(resolve));
  }

  push(event) {
    const waiting = this.#waiting.shift();
    if (waiting) {
      waiting({ done: false, value: event });
    } else {
      this.#events.push(event);
    }
  }

  end() {
    this.#isOver = true;
    this.#leave(this);
    for (const waiting of this.#waiting.splice(0)) {
      waiting({ done: true, value: undefined });
    }
    this.#want();
  }

  #want() {
    for (const resolve of this.#wants.splice(0)) {
      resolve();
    }
  }

  next() {
    if (this.#events.length > 0) {
      return Promise.resolve({ done: false, value: this.#events.shift() });
    }
    if (this.#isOver) {
      return Promise.resolve({ done: true, value: undefined });
    }
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#want();
    });
  }

  return() {
    this.#events.length = 0;
    this.end();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator]() {
    return this;
  }
}
