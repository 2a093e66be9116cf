// What applications use: classes over those of the WebAssembly, with one class of errors, and events as handlers and
// iterators. The types and their documentation are in tim.d.ts.

import { fileMessage, fileOf, replyMessage, replyOf } from "./conventions.js";
import { EventPump } from "./events.js";
import { attempt, call, text, TimError } from "./errors.js";
import { init, loader } from "./load.js";
import { conversationOf, Room, Subscription, VirtualRoom } from "./rooms.js";
import { RawClient } from "./tim_client_wasm.js";
import { WebApi, renewalsOf, serverOf } from "./web.js";

export { fileMessage, fileOf, replyMessage, replyOf };
export { init, Room, Subscription, TimError, VirtualRoom, WebApi };

/** Nanoseconds since 1970 as a Date. */
export function toDate(timestamp) {
  return new Date(Number(timestamp / 1_000_000n));
}

function settings(options) {
  if (options?.login instanceof WebApi) {
    return { server: serverOf(options.login), ...options, login: renewalsOf(options.login) };
  }
  return options;
}

function startOf(start) {
  if (start?.time instanceof Date) {
    return { time: BigInt(start.time.getTime()) * 1_000_000n };
  }
  return start;
}

export class Client {
  #raw;
  #events;

  constructor(raw, options) {
    if (!loader.isReady || !(raw instanceof RawClient)) {
      throw new TimError({ kind: "invalid", message: "a client comes from Client.connect" });
    }
    this.#raw = raw;
    const isStrict = options?.acknowledge === "next";
    this.#events = new EventPump(() => raw.next_event(), { isStrict });
  }

  static async connect(options) {
    await init();
    return new Client(await call(RawClient.connect(settings(options))), options);
  }

  static async register(options) {
    await init();
    return call(RawClient.register(options));
  }

  static async token(options) {
    await init();
    return call(RawClient.token(options));
  }

  get node() {
    return this.#raw.node();
  }

  get isOnline() {
    return this.#raw.is_online();
  }

  on(type, handler) {
    return this.#events.on(type, handler);
  }

  events() {
    return this.#events.iterate();
  }

  nudge() {
    this.#raw.nudge();
  }

  async close() {
    await call(this.#raw.close());
  }

  // Messages

  send(to, message) {
    return call(this.#raw.send(conversationOf(to), message));
  }

  recall(conversation, mid) {
    return call(this.#raw.recall(conversationOf(conversation), mid));
  }

  async burn(peer, mid) {
    return call(this.#raw.burn(text(peer, "peer"), mid));
  }

  history(conversation, { start, limit = 50 } = {}) {
    return call(this.#raw.history(conversationOf(conversation), startOf(start), limit));
  }

  async *historyPages(conversation, { start, pageSize = 50 } = {}) {
    const pager = attempt(() =>
      this.#raw.history_pager(conversationOf(conversation), startOf(start), pageSize),
    );
    try {
      for (;;) {
        const page = await call(pager.next());
        if (page.length === 0) {
          return;
        }
        yield page;
      }
    } finally {
      pager.free();
    }
  }

  // Friends

  friends() {
    return call(this.#raw.friends());
  }

  blocked() {
    return call(this.#raw.blocked());
  }

  async addFriend(node, greeting = "") {
    return call(this.#raw.add_friend(text(node, "node"), text(greeting, "greeting")));
  }

  acceptFriend(node) {
    return this.addFriend(node);
  }

  async removeFriend(node) {
    return call(this.#raw.remove_friend(text(node, "node")));
  }

  async block(node) {
    return call(this.#raw.block(text(node, "node")));
  }

  unblock(node) {
    return this.removeFriend(node);
  }

  // People

  async profiles(nodes) {
    return new Map(await call(this.#raw.profiles(nodes)));
  }

  async profile(node) {
    return (await this.profiles([node])).get(node);
  }

  setProfile(change) {
    return call(this.#raw.set_profile(change));
  }

  setPresence(presence = {}) {
    return call(this.#raw.set_presence(presence));
  }

  sendPresence(to, presence = {}) {
    return call(this.#raw.send_presence(to, presence));
  }

  async changePassword(oldPassword, newPassword) {
    return call(
      this.#raw.change_password(text(oldPassword, "oldPassword"), text(newPassword, "newPassword")),
    );
  }

  // Rooms

  async createRoom(kind, topic) {
    return this.room(await call(this.#raw.create_room(text(kind, "kind"), text(topic, "topic"))));
  }

  rooms() {
    return call(this.#raw.rooms());
  }

  blockedRooms() {
    return call(this.#raw.blocked_rooms());
  }

  async roomProfiles(rooms) {
    return new Map(await call(this.#raw.room_profiles(rooms)));
  }

  room(id) {
    return new Room(this, attempt(() => this.#raw.room(text(id, "id"))), id);
  }

  // Virtual rooms

  async createVirtualRoom(access = {}) {
    return this.virtualRoom(await call(this.#raw.create_virtual_room(access)));
  }

  virtualRoom(id) {
    return new VirtualRoom(attempt(() => this.#raw.virtual_room(text(id, "id"))), id);
  }
}
