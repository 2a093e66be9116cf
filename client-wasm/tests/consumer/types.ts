// What the declarations promise: wrong uses do not compile.

import { Client, init, type ClientEvent, type Message, TimError, WebApi } from "tim-im-client";

declare const client: Client;
declare const compiled: WebAssembly.Module;

await init(compiled);
// @ts-expect-error: a module does not come from nothing
await init(null);

const mid: bigint | undefined = (await client.send("node", "text")).mid;
// @ts-expect-error: numbers would be rounded
const rounded: number | undefined = mid;

client.on("message", (message) => {
  const text: string | undefined = message.text;
  const bytes: Uint8Array | undefined = message.binary;
  return void [text, bytes];
});
// @ts-expect-error: there is no such event
client.on("massage", () => {});
const stop: () => void = client.on("event", (event: ClientEvent) => void event.type);
stop();

for await (const event of client.events()) {
  if (event.type === "loggedOut" && event.reason.kind === "refused") {
    const code: number = event.reason.code;
    void code;
  }
}

for await (const page of client.historyPages("node")) {
  const messages: Message[] = page;
  void messages;
}

const room = await client.createRoom("open", "Lunch");
await client.send(room, { kind: 40, extend: { "tim.sync": "{}" } });
// @ts-expect-error: rooms are open or private
await client.createRoom("secret", "Lunch");
// @ts-expect-error: clients come from Client.connect
new Client();
// @ts-expect-error: somebody has to log in
await Client.connect({ server: "wss://chat.example.org" });

await Client.connect({ login: new WebApi(), reconnect: false });
await Client.connect({ login: async () => (Math.random() < 0.5 ? null : { retryAfter: 1000 }) });

try {
  await client.recall(room, 1n);
} catch (error) {
  if (error instanceof TimError && error.kind === "timedOut") {
    const status: number | undefined = error.status;
    void status;
  }
}
void rounded;
