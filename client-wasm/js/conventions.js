// What applications put into the text fields of messages (docs/web-api.md). Everything read comes from strangers: what
// does not fit is no file and no answer.

import { TimError } from "./errors.js";

const FILE = "tim.file";
const REPLY = "tim.reply";
const QUOTE = 200;

const isCount = (value) => Number.isSafeInteger(value) && value >= 0;

function parsed(message, field) {
  const text = message?.extend?.[field];
  if (typeof text !== "string") {
    return undefined;
  }
  try {
    const value = JSON.parse(text);
    return value !== null && typeof value === "object" ? value : undefined;
  } catch {
    return undefined;
  }
}

export function fileMessage(uploaded, { name, type, width, height, duration, voice } = {}) {
  if (typeof name !== "string" || name === "") {
    throw new TimError({ kind: "invalid", message: "a file needs a name" });
  }
  const file = {
    id: uploaded.file,
    name,
    size: Number(uploaded.size),
    type: type || "application/octet-stream",
    sha256: uploaded.sha256,
    width,
    height,
    duration,
    voice: voice || undefined,
  };
  return { text: name, extend: { [FILE]: JSON.stringify(file) } };
}

export function fileOf(message) {
  const file = parsed(message, FILE);
  const texts = [file?.id, file?.name, file?.type, file?.sha256];
  if (!texts.every((text) => typeof text === "string" && text !== "") || !isCount(file.size)) {
    return undefined;
  }
  const { id, name, size, type, sha256 } = file;
  const result = { id, name, size, type, sha256 };
  for (const part of ["width", "height", "duration"]) {
    if (isCount(file[part])) {
      result[part] = file[part];
    }
  }
  if (file.voice === true) {
    result.voice = true;
  }
  return result;
}

export function replyMessage(text, message) {
  if (message.mid === undefined || message.from === undefined) {
    throw new TimError({ kind: "invalid", message: "only stored messages of users can be answered" });
  }
  const quote = [...(message.text ?? "")].slice(0, QUOTE).join("");
  const reply = { mid: Number(message.mid), from: message.from, text: quote };
  return { text, extend: { [REPLY]: JSON.stringify(reply) } };
}

export function replyOf(message) {
  const reply = parsed(message, REPLY);
  if (!isCount(reply?.mid) || reply.mid === 0 || typeof reply.from !== "string") {
    return undefined;
  }
  const text = typeof reply.text === "string" ? reply.text : "";
  return { mid: BigInt(reply.mid), from: reply.from, text: [...text].slice(0, QUOTE).join("") };
}
