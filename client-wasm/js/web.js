// The HTTP API of a server.

import { attempt, call, text, TimError } from "./errors.js";
import { loader } from "./load.js";
import { conversationOf } from "./rooms.js";
import { RawApi } from "./tim_client_wasm.js";

const raws = new WeakMap();
const servers = new WeakMap();

/** What a client logs in with. */
export function renewalsOf(api) {
  return raws.get(api).renewals();
}

export function serverOf(api) {
  return servers.get(api);
}

function blobOf(content) {
  return content instanceof Blob ? content : new Blob([content]);
}

export class WebApi {
  constructor({ server, session } = {}) {
    if (!loader.isReady) {
      throw new TimError({ kind: "invalid", message: "await init() before making a WebApi" });
    }
    raws.set(this, attempt(() => new RawApi({ server, session })));
    servers.set(this, server);
  }

  get #raw() {
    return raws.get(this);
  }

  async signIn(options) {
    const signedIn = await call(this.#raw.sign_in(options));
    if (signedIn.session !== undefined) {
      raws.set(this, this.#raw.with_session(signedIn.session));
    }
    return signedIn;
  }

  signedIn() {
    return call(this.#raw.signed_in());
  }

  signOut() {
    return call(this.#raw.sign_out());
  }

  endOtherSessions() {
    return call(this.#raw.end_other_sessions());
  }

  async findPerson(name) {
    return call(this.#raw.find_person(text(name, "name")));
  }

  people(part = {}) {
    return call(this.#raw.people(part));
  }

  rooms(part = {}) {
    return call(this.#raw.rooms(part));
  }

  async delivered(peer) {
    const mid = await call(this.#raw.delivered(text(peer, "peer")));
    return mid === 0n ? undefined : mid;
  }

  async upload(content, conversation, { onProgress, signal } = {}) {
    if (signal?.aborted) {
      throw new TimError({ kind: "aborted", message: "aborted" });
    }
    let abort;
    let finish;
    const aborted = new Promise((resolve, reject) => {
      abort = resolve;
      finish = reject;
    });
    // Waited for only while the upload is under way.
    aborted.catch(() => {});
    signal?.addEventListener("abort", abort, { once: true });
    try {
      const progress = (step) => onProgress?.(step);
      return await call(
        this.#raw.upload(blobOf(content), conversationOf(conversation), progress, aborted),
      );
    } finally {
      signal?.removeEventListener("abort", abort);
      finish();
    }
  }

  fileUrl(file, name) {
    return attempt(() => this.#raw.file_url(text(file, "file"), name));
  }

  url(path) {
    return this.#raw.url(text(path, "path"));
  }

  async download(file) {
    return call(this.#raw.download(text(file, "file")));
  }

  async deleteFile(file) {
    return call(this.#raw.delete_file(text(file, "file")));
  }

  setPicture(picture) {
    return call(this.#raw.set_picture(blobOf(picture)));
  }

  async setRoomPicture(room, picture) {
    return call(this.#raw.set_room_picture(text(room, "room"), blobOf(picture)));
  }
}
