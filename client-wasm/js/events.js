// Events for handlers and iterators. An event is taken from the client, which counts as received, only when somebody
// wants it: what nobody has taken stays with the server. While there are only iterators, or when that is asked for, every
// iterator has to come back for it. Handlers want everything at once, so an iterator that lags behind them collects.

import { TimError } from "./errors.js";

export class EventPump {
  #next;
  #handlers = new Map();
  #iterators = new Set();
  #isRunning = false;
  #hasEnded = false;
  /** Taken when everybody had stopped listening. */
  #held;

  #isStrict;
  #backlog;
  /** The iterator that holds everything up. */
  #waitsFor;

  /**
   * `next` promises the next event, or undefined after the last. `isStrict`: iterators never collect; `backlog`: how
   * many events they may.
   */
  constructor(next, { isStrict = false, backlog = 1024 } = {}) {
    this.#next = next;
    this.#isStrict = isStrict;
    this.#backlog = backlog;
  }

  on(type, handler) {
    if (typeof handler !== "function") {
      throw new TimError({ kind: "invalid", message: "the handler must be a function" });
    }
    // A set of its own for each call: the same function may be added twice and removed once.
    const entry = { handler };
    const entries = this.#handlers.get(type) ?? new Set();
    this.#handlers.set(type, entries.add(entry));
    this.#waitsFor?.changed();
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
      await this.#turn();
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

  /** Waits until the next event may be taken. */
  async #turn() {
    const mayCollect = () => (this.#isStrict || this.#handlers.size === 0 ? 0 : this.#backlog);
    for (;;) {
      const limit = mayCollect();
      const slow = [...this.#iterators].find((iterator) => !iterator.takes(limit));
      if (!slow) {
        return;
      }
      this.#waitsFor = slow;
      await slow.change();
      this.#waitsFor = undefined;
    }
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
  #changes = [];
  #isOver = false;
  #leave;

  constructor(leave) {
    this.#leave = leave;
  }

  /** Whether it takes an event now: the application waits for it, or fewer than `limit` wait for the application. */
  takes(limit) {
    return this.#isOver || this.#waiting.length > 0 || this.#events.length < limit;
  }

  /** Resolved when that may have changed. */
  change() {
    return new Promise((resolve) => this.#changes.push(resolve));
  }

  changed() {
    for (const resolve of this.#changes.splice(0)) {
      resolve();
    }
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
    this.changed();
  }

  next() {
    if (this.#events.length > 0) {
      const value = this.#events.shift();
      this.changed();
      return Promise.resolve({ done: false, value });
    }
    if (this.#isOver) {
      return Promise.resolve({ done: true, value: undefined });
    }
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.changed();
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
