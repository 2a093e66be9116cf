/**
 * Client SDK for tim instant-messaging servers.
 *
 * The core is the one of the native SDK, compiled to WebAssembly: a client reconnects by itself, repeats what was not
 * confirmed, acknowledges what the application has taken, and hides repeats. It survives sleep, changes of network
 * and background tabs.
 *
 * Whole numbers of 64 bits are `bigint`, binary data is `Uint8Array`, and every failure is a {@link TimError}.
 *
 * @packageDocumentation
 */

/** Address of a user. Opaque; compare with `===`. */
export type NodeId = string;
/** Address of a room. Opaque; compare with `===`. */
export type RoomId = string;
/** Address of a virtual room. */
export type VirtualRoomId = string;
/** Number of a stored message inside one conversation: positive and growing. */
export type Mid = bigint;
/** Time given by the server: nanoseconds since 1970 (UTC). See {@link toDate}. */
export type Timestamp = bigint;
/** Name of an uploaded file. */
export type FileId = string;

/** A `WebAssembly.Module`, where the types of the host have it. */
export type CompiledModule = typeof globalThis extends { WebAssembly: { Module: new (...args: never) => infer Module } }
  ? Module
  : never;

/**
 * Loads the WebAssembly. Call it once before anything else; further calls return at once.
 *
 * @param source Where the module is: a URL, a `Response`, bytes, or a compiled module. Not needed when
 *   `tim_client_wasm_bg.wasm` lies beside `tim.js`, nor in Node. With Vite:
 *   `import wasm from "tim-im-client/tim.wasm?url"; await init(wasm);`
 */
export function init(
  source?: string | URL | Request | Response | ArrayBuffer | ArrayBufferView | CompiledModule | Promise<Response>,
): Promise<void>;

/** Nanoseconds since 1970 as a `Date`, which has milliseconds. */
export function toDate(timestamp: Timestamp): Date;

/** What went wrong, as a word. */
export type TimErrorKind =
  /** The server refused; see {@link TimError.code} and, for HTTP, {@link TimError.status}. */
  | "refused"
  /** No connection to the server. */
  | "unreachable"
  /** No answer in time. A request that changes something may have been carried out. */
  | "timedOut"
  /** The connection was lost before the answer: it is unknown whether the request was carried out. */
  | "connectionLost"
  /** Live data was to be sent without connection. */
  | "notConnected"
  /** The message is larger than permitted. */
  | "tooLarge"
  /** Too many requests are unresolved. */
  | "tooMany"
  /** A parameter is wrong. Nothing was sent. */
  | "invalid"
  /** The client was closed, or has ended. */
  | "closed"
  /** The source of credentials says that the user is signed out. */
  | "signedOut"
  /** The upload was aborted. */
  | "aborted"
  /** The server answered something unusable. */
  | "protocol";

/** Everything that fails in this package. */
export class TimError extends Error {
  readonly name: "TimError";
  /** What went wrong. */
  readonly kind: TimErrorKind;
  /** Number of the server's error, such as 4105; 0 when it gave none. */
  readonly code: number;
  /** Name of a known number, such as `"PermDenied"`. */
  readonly codeName?: string;
  /** HTTP status, for calls of {@link WebApi} and registration. */
  readonly status?: number;
  /** Shortest time until trying again makes sense, in milliseconds. */
  readonly retryAfter?: number;
  constructor(what: {
    kind: TimErrorKind;
    message: string;
    code?: number;
    codeName?: string;
    status?: number;
    retryAfter?: number;
  });
}

/** A constructor that behaves like the browser's `WebSocket`. */
export type WebSocketConstructor = new (url: string) => unknown;

/** Where a server is, and how to speak with it. */
export interface ServerOptions {
  /**
   * `ws://host:port/path`, `wss://…`, `http://…`, `https://…`, or `host:port`. The path is `/tim` when none is given.
   * Default: the server that served the page.
   */
  server?: string;
  /** Tenant. */
  domain?: string;
  /** JSON instead of the compact encoding, to read along in the developer tools. Default `false`. */
  json?: boolean;
  /**
   * What opens connections. Default: the global `WebSocket`, which Node has since version 22; before that give the one
   * of the package `ws`.
   */
  WebSocket?: WebSocketConstructor;
}

/** Login by name and password, which is remembered for reconnects. */
export interface PasswordLogin {
  name: string;
  password: string;
}

/** Login by a token that works once. A reconnect needs a {@link CredentialSource}. */
export interface TokenLogin {
  token: string;
  /** The login name that the token was made for. Without it the token alone decides. */
  name?: string;
}

/** There are no credentials now: the client tries again after a pause. */
export interface RetryLater {
  /** Why, for people. */
  reason?: string;
  /** Shortest time until the next attempt, in milliseconds. */
  retryAfter?: number;
}

/**
 * Asked for fresh credentials before every login. `null` means signed out: the session ends. One that throws is asked
 * again after a pause.
 */
export type CredentialSource = () => Promise<PasswordLogin | TokenLogin | RetryLater | null>;

/** When to connect again. Times in milliseconds. */
export interface Reconnect {
  /** Upper limit of the first pause. Default 1000. */
  first?: number;
  /** Lower limit of every pause. Default 50. */
  shortest?: number;
  /** Upper limit of every pause. Default 60 000. */
  longest?: number;
}

/** Settings of a session. The defaults suit an interactive application. Times are in milliseconds. */
export interface ConnectOptions extends ServerOptions {
  /**
   * Who logs in: name and password, a token, a function that promises one of them, or a {@link WebApi} on which
   * somebody is signed in, which is what pages should use.
   */
  login: PasswordLogin | TokenLogin | CredentialSource | WebApi;
  /**
   * Name of this device. The server keeps a place in the inbox for every device and tells devices apart by this name:
   * give the same name at every start of one installation. Default none.
   */
  device?: string;
  /** Device class, −128 to 127, defined by the application. */
  deviceType?: number;
  /** Application data that other users see with the device. */
  deviceFields?: Record<string, string>;
  /**
   * When a message counts as received: `"taken"` when it was handed to the application (default), `"next"` when the
   * application comes back for the next one, so that a message is never gone before it was processed.
   */
  acknowledge?: "taken" | "next";
  /** Whether to fetch what arrived while this device was away. Default `true`. */
  drainOffline?: boolean;
  /** Whether everybody who asks for the own presence gets it. Default `false`. */
  answerPresence?: boolean;
  /** When to connect again. `false`: a lost connection ends the session. */
  reconnect?: Reconnect | boolean;
  /** How the server answers. Default `"auto"`. */
  serverKind?: "auto" | "ordered" | "original";
  /** Longest wait for the answer to a request. Default 10 000. */
  requestTimeout?: number;
  /** Time after which a request that may get no answer counts as answered. Default 2000. */
  quietTimeout?: number;
  /** Longest time to open a connection. Default 10 000. */
  connectTimeout?: number;
  /** Longest wait for the answer to a login. Default 10 000. */
  loginTimeout?: number;
  /** Pause between opening the connection and login. Default 0. */
  loginDelay?: number;
  /** Longest wait for the confirmation of a message before the connection counts as broken. Default 30 000. */
  echoTimeout?: number;
  /** Longest wait for a sign of life after sleep or a change of network. Default 5000. */
  probeTimeout?: number;
  /** Time between two keep-alive packets. Default 15 000. */
  pingInterval?: number;
  /** Events that may wait for the application. Default 1024. */
  eventCapacity?: number;
  /** Sends that may be unresolved at the same time; further ones wait. Default 256. */
  maxPendingSends?: number;
  /** Bytes of messages that may be unresolved at the same time. Default 16 MiB. */
  maxPendingBytes?: number;
  /** Requests that may be unresolved at the same time. Default 256. */
  maxPendingRequests?: number;
  /** Largest encoded message. Default 1 MiB. */
  maxPacketBytes?: number;
  /** Largest piece of big data. Default 8 MiB. */
  maxBigBytes?: number;
  /** Messages and requests written per second. 0: no limit. Default 2000. */
  packetsPerSecond?: number;
}

/** Where a message belongs. */
export type Conversation =
  /** The conversation with that user. */
  | { kind: "peer"; peer: NodeId }
  /** The conversation of all members of that room. */
  | { kind: "room"; room: RoomId }
  /** Messages of the administration. Nothing can be sent there. */
  | { kind: "system" };

/** Where to send: a user's node, a room, or the conversation of a message. */
export type Target = NodeId | Room | Conversation;

/**
 * Kind of a message: `"chat"` is stored, in history and confirmed; `"stream"`, `"bigText"` and `"bigBinary"` only reach
 * devices that are online now; numbers 31 to 127 are defined by the application and delivered also later.
 */
export type MessageKind = "chat" | "stream" | "bigText" | "bigBinary" | number;

/** A message to be sent. */
export interface OutgoingMessage {
  /** Default `"chat"`. */
  kind?: MessageKind;
  /** Text. */
  text?: string;
  /** Binary content. */
  binary?: Uint8Array;
  /** Content type, defined by the application (16 bits). */
  contentType?: number;
  /** Display hint, defined by the application (16 bits). */
  display?: number;
  /** Text fields of the application. */
  extend?: Record<string, string>;
  /** Binary fields of the application. */
  extra?: Record<string, Uint8Array>;
  /** Makes it a private message inside that room, to one user. */
  inside?: RoomId;
}

/** A message that was sent. Only chat messages have a number and a time. */
export interface Sent {
  /** Number that this device gave the message. */
  id?: bigint;
  /** Number in the conversation. */
  mid?: Mid;
  /** When the server accepted it. */
  timestamp?: Timestamp;
}

/** Where a message was sent from. */
export interface Device {
  /** Name of the device. */
  name?: string;
  /** Device class, defined by the application. */
  type?: number;
  /** Application data of the login. */
  fields: Record<string, string>;
}

/** A message that was received, or read from history. */
export interface Message {
  type: "message";
  /** Where it belongs. */
  conversation: Conversation;
  /** Who sent it. Missing: the administration. */
  from?: NodeId;
  /** For a private message that was sent inside a room: the room. */
  inside?: RoomId;
  /** Device of the sender, when the server told. */
  device?: Device;
  /** The own account sent it, from another device or earlier. */
  outgoing: boolean;
  /** Kind of message. */
  kind: MessageKind;
  /** Number in the conversation. Only chat messages have one. */
  mid?: Mid;
  /** Number that the sending device or the server gave it. Not in history. */
  id?: bigint;
  /** When the server accepted it. */
  timestamp: Timestamp;
  /** It waited for this device. */
  offline: boolean;
  /** Text. Show it as text, never as HTML. */
  text?: string;
  /** Binary content. */
  binary?: Uint8Array;
  /** Content type, defined by the application. */
  contentType?: number;
  /** Display hint, defined by the application. */
  display?: number;
  /** Text fields of the application. The object has no prototype. */
  extend: Record<string, string>;
  /** Binary fields of the application. The object has no prototype. */
  extra: Record<string, Uint8Array>;
}

/** A stored message was taken back by its author (`"recalled"`) or destroyed by its reader (`"burned"`). */
export interface Removal<Type extends "recalled" | "burned" = "recalled" | "burned"> {
  type: Type;
  /** Where the message was. */
  conversation: Conversation;
  /** Number of the message. */
  mid: Mid;
  /** Who removed it. */
  by: NodeId;
  /** The own account removed it. */
  outgoing: boolean;
  /** When the server removed it. */
  timestamp: Timestamp;
  /** The news waited for this device. */
  offline: boolean;
}

/** What a notice tells. Numbers have no name in this version. */
export type NoticeKind =
  /** Somebody asks for friendship. The text is the greeting. */
  | "friendRequest"
  /** Both sides have accepted. */
  | "friendsNow"
  /** The other side ended the friendship, or withdrew its request. */
  | "friendRemoved"
  /** The other side blocked you. */
  | "blocked"
  /** Somebody asks to join a room that you manage. */
  | "joinRequest"
  /** You are in the room. */
  | "roomJoined"
  /** Your request to join was refused. */
  | "joinRefused"
  /** Somebody added you to the room. */
  | "roomAdded"
  /** You were removed from the room. */
  | "roomRemoved"
  | number;

/** News about friends and rooms. */
export interface Notice {
  type: "notice";
  /** What happened. */
  kind: NoticeKind;
  /** Who did it. */
  from?: NodeId;
  /** The room it is about. */
  room?: RoomId;
  /** Text that belongs to it. */
  text?: string;
  /** When the server produced it. */
  timestamp: Timestamp;
  /** It waited for this device. */
  offline: boolean;
}

/** What a presence asks of its receivers: to tell theirs, or nothing because it is the answer. */
export type SubStatus = "subscribe" | "answer" | number;

/** The own presence, as it is told to others. What the numbers and texts mean is up to applications. */
export interface Presence {
  /** Availability, defined by the application (16 bits). */
  show?: number;
  /** Free text. */
  status?: string;
  /** What is asked of the receivers. */
  subStatus?: SubStatus;
  /** Text fields of the application. */
  extend?: Record<string, string>;
  /** Binary fields of the application. */
  extra?: Record<string, Uint8Array>;
}

/** Somebody told their presence, or has left. */
export interface PresenceChange {
  type: "presence";
  /** Who. */
  from: NodeId;
  /** On which device, when the server told. */
  device?: Device;
  /** The last device of that user has left. */
  offline: boolean;
  /** Availability, defined by the application. */
  show?: number;
  /** Free text. */
  status?: string;
  /** What is asked of this user. */
  subStatus?: SubStatus;
  /** Number that the sending device or the server gave it. */
  id?: bigint;
  /** Text fields of the application. */
  extend: Record<string, string>;
  /** Binary fields of the application. */
  extra: Record<string, Uint8Array>;
}

/** Why a connection ended. */
export interface DisconnectReason {
  kind:
    | "closed"
    | "unreachable"
    | "silent"
    | "unconfirmed"
    | "refused"
    | "loginTimedOut"
    | "behind"
    | "protocol";
  /** For people. */
  text: string;
  /** Number of the server's error, when it refused the login for now. */
  code?: number;
}

/** Why a session ended for good. */
export type LogoutReason =
  /**
   * The server ended the session: the administration suspended the account or ended its sessions, or the sign-in that it
   * was opened from has ended, for example because the user signed out in another tab ({@link WebApi.signedIn} tells).
   */
  | { kind: "forced" }
  /** Another device of the account took this one's place. */
  | { kind: "tookPlace" }
  /** There are no credentials any more. */
  | { kind: "signedOut" }
  /** The server no longer accepts the credentials. */
  | { kind: "refused"; text: string; code: number }
  /** The connection was lost and automatic reconnect is off. */
  | { kind: "disconnected"; cause: DisconnectReason };

/** Events by their name. */
export interface ClientEvents {
  /** Logged in. `again` is `false` for the first time in this session. */
  connected: { type: "connected"; node: NodeId; again: boolean };
  /** The connection was lost, or another attempt failed. `retryIn` milliseconds until the next. */
  disconnected: { type: "disconnected"; reason: DisconnectReason; retryIn: number };
  /** A message. */
  message: Message;
  /** A message was taken back by its author. */
  recalled: Removal<"recalled">;
  /** A message was destroyed by its reader. */
  burned: Removal<"burned">;
  /** News about friends and rooms. */
  notice: Notice;
  /** Somebody told their presence. */
  presence: PresenceChange;
  /** Everything that had waited for this device has been delivered. Once after every login. */
  offlineDrained: { type: "offlineDrained"; count: bigint };
  /** The session has ended; nothing follows. */
  loggedOut: { type: "loggedOut"; reason: LogoutReason };
  /** The server refused something that nobody waits for, for example live data. */
  serverError: { type: "serverError"; packetType: number; id?: bigint; about?: NodeId; error: TimError };
  /** The server delivered something this version cannot read. */
  unreadable: { type: "unreadable"; packetType: number; what: string };
  /** Events that the server does not repeat were dropped, because they were not taken in time. */
  dropped: { type: "dropped"; count: bigint };
}

/** Any event. Its `type` says which. */
export type ClientEvent = ClientEvents[keyof ClientEvents];

/** Where a page of history starts. */
export type HistoryStart =
  /** At that message, included. */
  | { at: Mid }
  /** At the newest message that was stored at or before that time. */
  | { time: Timestamp | Date };

/** What a user tells about themselves. In a change, what is missing keeps its value; lists and maps are replaced. */
export interface UserProfile {
  /** Name. */
  name?: string;
  /** Nickname. */
  nickname?: string;
  /** Birthday, free text. */
  birthday?: string;
  /** Gender, defined by the application. */
  gender?: number;
  /** Address of the picture, see {@link WebApi.url}. */
  picture?: string;
  /** Where they live, free text. */
  area?: string;
  /** When the account was created. Ignored in changes. */
  created?: Timestamp;
  /** Addresses of photos. */
  photos?: string[];
  /** Text fields of the application. */
  extend?: Record<string, string>;
  /** Binary fields of the application. */
  extra?: Record<string, Uint8Array>;
}

/** Who may join a room: everybody, or whom founder and managers approve. */
export type RoomKind = "open" | "private";

/** What is known about a room. In a change, what is missing keeps its value; lists and maps are replaced. */
export interface RoomProfile {
  /** Who created the room. Ignored in changes. */
  founder?: NodeId;
  /** The managers, without the founder. In a change the complete new list, for the founder only. */
  managers?: NodeId[];
  /** Title. */
  topic?: string;
  /** Label, defined by the application. */
  label?: string;
  /** Address of the picture, see {@link WebApi.url}. */
  picture?: string;
  /** Who may join. Ignored in changes. */
  kind?: RoomKind;
  /** Category, defined by the application. */
  category?: bigint;
  /** When the room was created. Ignored in changes. */
  created?: Timestamp;
  /** Text fields of the application. */
  extend?: Record<string, string>;
  /** Binary fields of the application. */
  extra?: Record<string, Uint8Array>;
}

/**
 * A session with a server.
 *
 * Messages are confirmed to the server when the application has taken them, and never before: an event is taken when
 * there is a handler for events, or when all iterators have come back for the next one. Until then events wait here, up
 * to a limit, and beyond it with the server. Register all handlers together, before the first `await`: an event for which
 * there is no handler at its turn is gone.
 */
export class Client {
  private constructor();

  /**
   * Opens a session. The promise is resolved when the login was answered; from then on the session reconnects by
   * itself. The first attempt is not repeated, so that wrong addresses and passwords show at once.
   *
   * @throws {TimError} `refused`, `unreachable`, `timedOut`, `signedOut`, `invalid`, `protocol`.
   */
  static connect(options: ConnectOptions): Promise<Client>;

  /**
   * Creates an account and answers its node.
   *
   * @throws {TimError} `refused` with 4101 the name is taken, 4104 name or password not acceptable.
   */
  static register(options: ServerOptions & PasswordLogin): Promise<NodeId>;

  /**
   * Trades name and password for a token that logs in once, within a few seconds.
   *
   * @throws {TimError} `refused` with 4102 wrong name or password.
   */
  static token(options: ServerOptions & PasswordLogin): Promise<string>;

  /** The own node: the address that other people send to. */
  get node(): NodeId;

  /** Whether the session is logged in at this moment. */
  get isOnline(): boolean;

  /**
   * Calls a function for every event of that name; `"event"` stands for all. What it throws is reported like any
   * uncaught error and disturbs nobody else.
   *
   * @returns A function that ends it.
   */
  on<Name extends keyof ClientEvents>(name: Name, handler: (event: ClientEvents[Name]) => void): () => void;
  on(name: "event", handler: (event: ClientEvent) => void): () => void;

  /**
   * All events from now on, for `for await`. Leaving the loop ends it; the client stays open. The loop ends by itself
   * with the session. Each iterator gets every event. One that lags behind handlers collects up to 1024 events; then, and
   * always with `acknowledge: "next"`, everybody waits for the slowest: do not keep an iterator from which you take
   * nothing.
   */
  events(): AsyncIterableIterator<ClientEvent>;

  /**
   * Connects at once instead of after the pause between two attempts, or finds out quickly whether the connection is
   * still alive. Happens by itself when the page becomes visible and when the network comes back.
   */
  nudge(): void;

  /** Closes the session in an orderly way, within two seconds. What is unresolved fails with `closed`. */
  close(): Promise<void>;

  /**
   * Sends a message. Resolved when the server has stored it; kinds other than chat when it is on its way. Messages
   * leave in the order of the calls, and are kept and repeated across reconnects without being stored twice.
   *
   * @throws {TimError} `refused` with 4105 not friends or not a member; `tooLarge`, `invalid`, `notConnected`,
   *   `connectionLost`, `closed`.
   */
  send(to: Target, message: string | OutgoingMessage): Promise<Sent>;

  /**
   * Takes an own message back. It disappears from the history of all sides. The server confirms in conversations with
   * users by an event, so events must be taken.
   *
   * @throws {TimError} `refused` with 4104 no such message, 4105 not the author.
   */
  recall(conversation: Target, mid: Mid): Promise<void>;

  /**
   * Destroys a message received from that user. The server confirms by an event, so events must be taken.
   *
   * @throws {TimError} `refused` with 4104 no such message, 4105 not its recipient.
   */
  burn(peer: NodeId, mid: Mid): Promise<void>;

  /** One page of a conversation, newest first, 1 to 1000 messages. Default: the newest 50. */
  history(conversation: Target, options?: { start?: HistoryStart; limit?: number }): Promise<Message[]>;

  /** Pages of a conversation from newest to oldest, for `for await`. */
  historyPages(
    conversation: Target,
    options?: { start?: HistoryStart; pageSize?: number },
  ): AsyncGenerator<Message[], void, void>;

  /** The friends. */
  friends(): Promise<NodeId[]>;

  /** The users that are blocked. */
  blocked(): Promise<NodeId[]>;

  /**
   * Asks for friendship. When the other side has asked before, this accepts. Lifts an own block.
   *
   * @throws {TimError} `refused` with 4106 no such user, 4110 blocked by the other side, 4117 friends already.
   */
  addFriend(node: NodeId, greeting?: string): Promise<"requested" | "friendsNow">;

  /** Accepts somebody's request for friendship. */
  acceptFriend(node: NodeId): Promise<"requested" | "friendsNow">;

  /** Ends a friendship, withdraws or declines a request, or lifts an own block. */
  removeFriend(node: NodeId): Promise<void>;

  /** Blocks a user, which ends a friendship. */
  block(node: NodeId): Promise<void>;

  /** Lifts an own block. */
  unblock(node: NodeId): Promise<void>;

  /** The profiles of 1 to 1000 users. Unknown users are left out. */
  profiles(nodes: readonly NodeId[]): Promise<Map<NodeId, UserProfile>>;

  /** The profile of one user. */
  profile(node: NodeId): Promise<UserProfile | undefined>;

  /** Changes the own profile. */
  setProfile(change: UserProfile): Promise<void>;

  /** Tells all friends who are online now, and again after every reconnect. */
  setPresence(presence?: Presence): Promise<void>;

  /** Tells 1 to 1000 users, who need not be friends. */
  sendPresence(to: readonly NodeId[], presence?: Presence): Promise<void>;

  /**
   * Changes the password. Reconnects use the new one.
   *
   * @throws {TimError} `refused` with 4112 the old password is wrong or the new one not acceptable.
   */
  changePassword(oldPassword: string, newPassword: string): Promise<void>;

  /** Creates a room with that title. Its creator is founder and first member. */
  createRoom(kind: RoomKind, topic: string): Promise<Room>;

  /** The rooms of which this user is a member. */
  rooms(): Promise<RoomId[]>;

  /** The rooms that this user blocks. */
  blockedRooms(): Promise<RoomId[]>;

  /** The profiles of 1 to 1000 rooms. Unknown and dissolved rooms are left out. */
  roomProfiles(rooms: readonly RoomId[]): Promise<Map<RoomId, RoomProfile>>;

  /** A handle for a room. Asks nothing of the server. */
  room(id: RoomId): Room;

  /** Creates a virtual room: a channel that is not stored, to which this user publishes and others subscribe. */
  createVirtualRoom(access?: VirtualRoomAccess): Promise<VirtualRoom>;

  /** A handle for a virtual room. Asks nothing of the server. */
  virtualRoom(id: VirtualRoomId): VirtualRoom;
}

/**
 * A room, as this user sees it. Every operation can be refused with 4108 (dissolved), 4109 (no such room, or no
 * relation with it) and 4105 (not allowed).
 */
export class Room {
  private constructor();

  /** The address of the room, which others need to join. */
  get id(): RoomId;

  /** Sends a message to all members, see {@link Client.send}. */
  send(message: string | OutgoingMessage): Promise<Sent>;

  /** Sends a message to one member. It belongs to the conversation with that user. */
  sendPrivate(member: NodeId, message: string | OutgoingMessage): Promise<Sent>;

  /** Takes an own message back. */
  recall(mid: Mid): Promise<void>;

  /** One page of the room's messages, see {@link Client.history}. */
  history(options?: { start?: HistoryStart; limit?: number }): Promise<Message[]>;

  /** Pages of the room's messages, see {@link Client.historyPages}. */
  historyPages(options?: { start?: HistoryStart; pageSize?: number }): AsyncGenerator<Message[], void, void>;

  /** The members, the founder included. */
  members(): Promise<NodeId[]>;

  /** The users that the room blocks. Empty also for those who do not manage it. */
  blockedMembers(): Promise<NodeId[]>;

  /** Joins an open room, or asks those who manage a private one. That it is done is told by a notice. */
  join(greeting?: string): Promise<void>;

  /** Makes a user a member. */
  invite(user: NodeId): Promise<void>;

  /** Approves a request to join. */
  approve(user: NodeId): Promise<void>;

  /** Refuses a request to join. */
  reject(user: NodeId, reason?: string): Promise<void>;

  /** Removes a member. */
  kick(member: NodeId): Promise<void>;

  /** Removes a member for good. */
  blockMember(member: NodeId): Promise<void>;

  /** Lets a blocked user ask to join again. */
  unblockMember(user: NodeId): Promise<void>;

  /** Leaves the room, or withdraws the own request to join. The founder cannot leave. */
  leave(): Promise<void>;

  /** Dissolves the room for good. Only the founder can, when nobody else is left in it. */
  dissolve(): Promise<void>;

  /** Leaves the room and cannot be added to it any more. */
  block(): Promise<void>;

  /** Lifts the own block of the room. */
  unblock(): Promise<void>;

  /** The profile of the room. */
  profile(): Promise<RoomProfile | undefined>;

  /** Changes the profile. For those who manage the room. */
  setProfile(change: RoomProfile): Promise<void>;

  /** Appoints and dismisses managers: the complete new list, without the founder, who alone may do this. */
  setManagers(managers: readonly NodeId[]): Promise<void>;
}

/** Who may subscribe to a virtual room. Without any restriction everybody may who knows its address. */
export interface VirtualRoomAccess {
  /** Subscribers must give this password. */
  password?: string;
  /** Subscribers must be members of that room. */
  membersOf?: RoomId;
}

/** A frame of a virtual room. */
export interface Frame {
  /** Who published it; not told in binary mode. */
  from?: NodeId;
  /** Kind of content, defined by the application. */
  kind?: number;
  /** Number that the server gave it; not told in binary mode. */
  id?: bigint;
  /** Content. */
  body: Uint8Array;
}

/** How to subscribe. */
export interface SubscribeOptions {
  /** Only the bytes of the frames are wanted, which is the shortest form on the wire. */
  binary?: boolean;
  /** Password of the virtual room. */
  password?: string;
  /** Frames that may wait; when more arrive the oldest are dropped. Default 256. */
  maxFrames?: number;
  /** Bytes of frames that may wait. Default 8 MiB. */
  maxBytes?: number;
}

/** A virtual room, as this user sees it. */
export class VirtualRoom {
  private constructor();

  /** The address of the virtual room, which others need to subscribe. */
  get id(): VirtualRoomId;

  /**
   * Publishes a frame to everybody who is subscribed now. Resolved when it is on its way. A refusal is the event
   * `serverError`.
   */
  publish(body: Uint8Array, options?: { kind?: number; binary?: boolean }): Promise<void>;

  /** Subscribes, also after every reconnect, until the subscription is closed. */
  subscribe(options?: SubscribeOptions): Promise<Subscription>;

  /** Lets a user publish too. */
  grant(user: NodeId): Promise<void>;

  /** Takes back what `grant` gave. */
  revoke(user: NodeId): Promise<void>;

  /** Ends the virtual room. Subscribers are not told. */
  remove(): Promise<void>;
}

/**
 * Frames as they arrive, for `for await`. Leaving the loop ends the subscription. It throws when the server ends it, for
 * example because the virtual room is gone after a reconnect.
 */
export class Subscription implements AsyncIterableIterator<Frame> {
  private constructor();

  /** Frames that were dropped because they were not taken in time. */
  get dropped(): bigint;

  next(): Promise<IteratorResult<Frame, undefined>>;
  return(): Promise<IteratorResult<Frame, undefined>>;
  [Symbol.asyncIterator](): this;

  /** Ends the subscription. */
  close(): void;
}

/** Who is signed in. */
export interface SignedIn {
  /** The own node. */
  node: NodeId;
  /** Logs in once over the WebSocket, within a few seconds. */
  token: string;
  /** Secret of the session, when it was asked for (`bearer`). */
  session?: string;
}

/** A part of a list. */
export interface Page<Entry> {
  entries: Entry[];
  /** Where the next part begins. Missing: this was the last. */
  next?: string;
}

/** Which part of a list: `after` is {@link Page.next} of the part before; 1 to 500 entries, default 100. */
export interface PageOptions {
  after?: string;
  limit?: number;
}

/** Somebody of the own domain. */
export interface Person {
  node: NodeId;
  nickname?: string;
  /** Address of the picture, see {@link WebApi.url}. */
  picture?: string;
}

/** A room of the own domain. */
export interface RoomEntry {
  room: RoomId;
  topic?: string;
  /** Address of the picture, see {@link WebApi.url}. */
  picture?: string;
  kind: RoomKind;
  founder?: NodeId;
}

/** A file that the server has stored. Until a message names it nobody else may fetch it. */
export interface Uploaded {
  file: FileId;
  /** Bytes that the server received. */
  size: bigint;
  /** SHA-256 of what the server received, hexadecimal. */
  sha256: string;
}

/**
 * The HTTP API of a server: a login that is remembered, finding people and rooms, files and pictures. In a page the
 * browser keeps the session in a cookie that scripts cannot read; other programs sign in with `bearer`.
 */
export class WebApi {
  /**
   * The WebAssembly must be loaded ({@link init}).
   *
   * @param options `server` as in {@link ServerOptions}; `session`: the secret of an earlier sign-in with `bearer`.
   */
  constructor(options?: { server?: string; session?: string });

  /**
   * Signs in. With `remember` the cookie outlives the browser; with `bearer` there is no cookie, and this object uses
   * the secret from now on.
   *
   * @throws {TimError} `refused` with status 401 wrong name or password, 429 too many attempts.
   */
  signIn(options: {
    name: string;
    password: string;
    domain?: string;
    remember?: boolean;
    bearer?: boolean;
  }): Promise<SignedIn>;

  /**
   * Who is signed in.
   *
   * @throws {TimError} `refused` with status 401: nobody.
   */
  signedIn(): Promise<SignedIn>;

  /** Ends the session. Close the {@link Client} as well. */
  signOut(): Promise<void>;

  /** Ends all other sessions of the account and answers how many there were. */
  endOtherSessions(): Promise<bigint>;

  /**
   * The node of the account with that name.
   *
   * @throws {TimError} `refused` with status 404: there is none.
   */
  findPerson(name: string): Promise<NodeId>;

  /** A part of the list of people, where the server has it switched on. */
  people(part?: PageOptions): Promise<Page<Person>>;

  /** A part of the list of rooms, where the server has it switched on. */
  rooms(part?: PageOptions): Promise<Page<RoomEntry>>;

  /** Up to which message the conversation with that user has reached one of their devices. */
  delivered(peer: NodeId): Promise<Mid | undefined>;

  /**
   * Uploads a file for a conversation. Progress is told in browsers. Aborting leaves nothing on the server.
   *
   * @throws {TimError} `refused` with status 403, 413 too large, 429, 507 no space; `aborted`.
   */
  upload(
    content: Blob | Uint8Array | ArrayBuffer,
    conversation: Target,
    options?: { onProgress?: (progress: { sent: bigint; total: bigint }) => void; signal?: AbortSignal },
  ): Promise<Uploaded>;

  /** Where a file can be fetched or shown. With a name it is saved under that name. */
  fileUrl(file: FileId, name?: string): string;

  /** The URL of a path of this server, such as that of a picture. Other URLs stay as they are. */
  url(path: string): string;

  /** Fetches a whole file. */
  download(file: FileId): Promise<Blob>;

  /** Deletes an own file that no message names. */
  deleteFile(file: FileId): Promise<void>;

  /** Stores the own picture (PNG, JPEG, GIF, WebP, at most 1 MiB) and answers its path for the profile. */
  setPicture(picture: Blob | Uint8Array | ArrayBuffer): Promise<string>;

  /** Stores the picture of a room and answers its path for the profile of the room. */
  setRoomPicture(room: RoomId, picture: Blob | Uint8Array | ArrayBuffer): Promise<string>;
}

/** A file in a message. */
export interface Attachment {
  /** What {@link WebApi.fileUrl} and {@link WebApi.download} take. */
  id: FileId;
  /** Name to show and to save as. It comes from the sender: never use it as a path. */
  name: string;
  /** Bytes. */
  size: number;
  /** Content type, as the sender says. */
  type: string;
  /** SHA-256, hexadecimal, to check what was fetched. */
  sha256: string;
  /** Of pictures and videos, in pixels. */
  width?: number;
  height?: number;
  /** Of sound and videos, in milliseconds. */
  duration?: number;
  /** It is a voice message. */
  voice?: true;
}

/**
 * The message that carries an uploaded file, in the form that webtim and other applications read. The server lets those
 * fetch the file who may read the message.
 */
export function fileMessage(
  uploaded: Uploaded,
  about: {
    name: string;
    type?: string;
    width?: number;
    height?: number;
    duration?: number;
    voice?: boolean;
  },
): OutgoingMessage;

/** The file that a message carries. */
export function fileOf(message: { extend?: Record<string, string> }): Attachment | undefined;

/** A text that answers a message, with at most 200 characters of it as a quote. */
export function replyMessage(text: string, message: Message): OutgoingMessage;

/** What a message answers. The quote comes from the sender and may differ from the message. */
export function replyOf(message: {
  extend?: Record<string, string>;
}): { mid: Mid; from: NodeId; text: string } | undefined;
