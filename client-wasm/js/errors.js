// One class for everything that can go wrong.

export class TimError extends Error {
  constructor({ kind, code = 0, codeName, message, status, retryAfter }) {
    super(message);
    this.kind = kind;
    this.code = code;
    this.codeName = codeName;
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

TimError.prototype.name = "TimError";

/** What the WebAssembly throws is a plain object; errors of the host stay what they are. */
function wrapped(error) {
  return error instanceof Error || typeof error?.kind !== "string" ? error : new TimError(error);
}

/** Waits for a promise of the WebAssembly. */
export async function call(promise) {
  try {
    return await promise;
  } catch (error) {
    throw wrapped(error);
  }
}

/** Calls a function of the WebAssembly. */
export function attempt(run) {
  try {
    return run();
  } catch (error) {
    throw wrapped(error);
  }
}

/** Refuses what is no string by the name of the parameter. */
export function text(value, name) {
  if (typeof value !== "string") {
    throw new TimError({ kind: "invalid", message: `${name} must be a string` });
  }
  return value;
}
