// Rooms and virtual rooms. Clients give them out.

import { call, text, TimError } from "./errors.js";

/** A target as the WebAssembly takes it. */
export function conversationOf(to) {
  return to instanceof Room ? { kind: "room", room: to.id } : to;
}

export class Room {
  #client;
  #raw;
  #id;

  constructor(client, raw, id) {
    this.#client = client;
    this.#raw = raw;
    this.#id = id;
  }

  get id() {
    return this.#id;
  }

  send(message) {
    return this.#client.send(this, message);
  }

  async sendPrivate(member, message) {
    const content = typeof message === "string" ? { text: message } : message;
    return this.#client.send(text(member, "member"), { ...content, inside: this.#id });
  }

  recall(mid) {
    return this.#client.recall(this, mid);
  }

  history(options) {
    return this.#client.history(this, options);
  }

  historyPages(options) {
    return this.#client.historyPages(this, options);
  }

  members() {
    return call(this.#raw.members());
  }

  blockedMembers() {
    return call(this.#raw.blocked_members());
  }

  async join(greeting = "") {
    return call(this.#raw.join(text(greeting, "greeting")));
  }

  async invite(user) {
    return call(this.#raw.invite(text(user, "user")));
  }

  approve(user) {
    return this.invite(user);
  }

  async reject(user, reason = "") {
    return call(this.#raw.reject(text(user, "user"), text(reason, "reason")));
  }

  async kick(member) {
    return call(this.#raw.kick(text(member, "member")));
  }

  async blockMember(member) {
    return call(this.#raw.block_member(text(member, "member")));
  }

  async unblockMember(user) {
    return call(this.#raw.unblock_member(text(user, "user")));
  }

  leave() {
    return call(this.#raw.leave());
  }

  dissolve() {
    return call(this.#raw.dissolve());
  }

  block() {
    return call(this.#raw.block());
  }

  unblock() {
    return call(this.#raw.unblock());
  }

  async profile() {
    return (await this.#client.roomProfiles([this.#id])).get(this.#id);
  }

  setProfile(change) {
    return call(this.#raw.set_profile(change));
  }

  setManagers(managers) {
    return this.setProfile({ managers });
  }
}

export class VirtualRoom {
  #raw;
  #id;

  constructor(raw, id) {
    this.#raw = raw;
    this.#id = id;
  }

  get id() {
    return this.#id;
  }

  async publish(body, options = {}) {
    if (!(body instanceof Uint8Array)) {
      throw new TimError({ kind: "invalid", message: "body must be a Uint8Array" });
    }
    return call(this.#raw.publish(body, options));
  }

  async subscribe(options = {}) {
    return new Subscription(await call(this.#raw.subscribe(options)));
  }

  async grant(user) {
    return call(this.#raw.grant(text(user, "user")));
  }

  async revoke(user) {
    return call(this.#raw.revoke(text(user, "user")));
  }

  remove() {
    return call(this.#raw.remove());
  }
}

export class Subscription {
  #raw;

  constructor(raw) {
    this.#raw = raw;
  }

  get dropped() {
    return this.#raw.dropped();
  }

  async next() {
    const frame = await call(this.#raw.next());
    return frame === undefined ? { done: true, value: undefined } : { done: false, value: frame };
  }

  async return() {
    this.close();
    return { done: true, value: undefined };
  }

  close() {
    this.#raw.close();
  }

  [Symbol.asyncIterator]() {
    return this;
  }
}
