//! The structs of `tim.thrift`, each declared once as a table of field id, presence, Rust name, type and wire
//! name, from which both codecs are generated. Only data: what a field means to the server is decided there.
//!
//! Every time is nanoseconds since the Unix epoch. `None` and an empty value are different and both survive
//! the compact encoding; JSON leaves empty optional lists and maps out.

mod acknowledge;
mod redact;

pub(crate) use redact::Redacted;

use std::collections::BTreeMap;

use bytes::Bytes;

wire_structs! {
    /// Error detail of a [`TimAck`] (`wire-protocol 9`).
    #[derive(Clone, Debug, Default, PartialEq, Eq)]
    pub struct TimError {
        /// Error code, see [`ErrorCode`](crate::ErrorCode).
        1 => optional code: i32 = "code",
        /// Text of the error.
        2 => optional info: String = "info",
    }

    /// Generic answer of the server (packet type 12). Not the five-byte delivery acknowledgement of clients,
    /// which has the same type number.
    ///
    /// `Debug` hides `n` when it is a login token.
    #[derive(Clone, Default, PartialEq, Eq)]
    pub struct TimAck {
        /// Whether the request succeeded. If not, see `error`.
        1 => required ok: bool = "ok",
        /// Packet type of the request that this answers.
        2 => required tim_type: i8 = "timType",
        /// Why the request was refused.
        3 => optional error: TimError = "error",
        /// Meaning depends on `tim_type`.
        4 => optional t: i64 = "t",
        /// Meaning depends on `tim_type`, mostly a node.
        5 => optional n: String = "n",
        /// Meaning depends on `tim_type`.
        6 => optional t2: i64 = "t2",
        /// Meaning depends on `tim_type`.
        7 => optional n2: String = "n2",
    }

    /// Request of packet types 21 (history), 22 (virtual rooms) and 41 (friends, rooms, password).
    ///
    /// `Debug` hides the strings of a password change.
    #[derive(Clone, Default, PartialEq, Eq)]
    pub struct TimReq {
        /// Selects the operation.
        1 => optional rtype: i32 = "rtype",
        /// First object: user, room or virtual room, or the title of a new room.
        2 => optional node: String = "node",
        /// Second object: user, or a time in decimal for type 21.
        3 => optional node2: String = "node2",
        /// First number.
        4 => optional req_int: i64 = "reqInt",
        /// Second number.
        5 => optional req_int2: i64 = "reqInt2",
        /// First text.
        6 => optional req_str: String = "reqStr",
        /// Second text.
        7 => optional req_str2: String = "reqStr2",
    }

    /// Who, and from which device.
    #[derive(Clone, Debug, Default, PartialEq, Eq)]
    pub struct Tid {
        /// Public address of a user or a room.
        1 => required node: String = "node",
        /// Tenant. Absent and empty are the same.
        2 => optional domain: String = "domain",
        /// Free text that describes the device.
        3 => optional resource: String = "resource",
        /// Device class, defined by the application.
        4 => optional termtyp: i8 = "termtyp",
        /// As given at login.
        5 => optional extend: BTreeMap<String, String> = "extend",
    }

    /// Profile of a user. Field id 3 was never assigned.
    #[derive(Clone, Debug, Default, PartialEq, Eq)]
    pub struct TimUserBean {
        /// Name for other people to see. Not the login name.
        1 => optional name: String = "name",
        /// Second name for other people to see.
        2 => optional nick_name: String = "nickName",
        /// Birthday, free text. The name is spelt as on the wire.
        4 => optional brithday: String = "brithday",
        /// Defined by the application.
        5 => optional gender: i8 = "gender",
        /// Address of the picture.
        6 => optional cover: String = "cover",
        /// Free text.
        7 => optional area: String = "area",
        /// When the account was made, ns. Set by the server.
        8 => optional createtime: i64 = "createtime",
        /// Addresses of further pictures.
        9 => optional photo_tid_album: Vec<String> = "photoTidAlbum",
        /// Defined by the application.
        10 => optional extend: BTreeMap<String, String> = "extend",
        /// Defined by the application.
        11 => optional extra: BTreeMap<String, Bytes> = "extra",
    }

    /// Profile of a room.
    #[derive(Clone, Debug, Default, PartialEq, Eq)]
    pub struct TimRoomBean {
        /// Node of the creator.
        1 => optional founder: String = "founder",
        /// Nodes of the managers.
        2 => optional managers: Vec<String> = "managers",
        /// Address of the picture.
        3 => optional cover: String = "cover",
        /// Title.
        4 => optional topic: String = "topic",
        /// Free text.
        5 => optional label: String = "label",
        /// 1 private, 2 open.
        6 => optional gtype: i8 = "gtype",
        /// Defined by the application.
        7 => optional kind: i64 = "kind",
        /// When the room was made, ns. Set by the server.
        8 => optional createtime: i64 = "createtime",
        /// Defined by the application.
        9 => optional extend: BTreeMap<String, String> = "extend",
        /// Defined by the application.
        10 => optional extra: BTreeMap<String, Bytes> = "extra",
    }

    /// Registration, token request and login (packet types 14, 15 and 16).
    ///
    /// `Debug` hides `pwd` and `token`.
    #[derive(Clone, Default, PartialEq, Eq)]
    pub struct TimAuth {
        /// Login name.
        1 => optional name: String = "name",
        /// Password.
        2 => optional pwd: String = "pwd",
        /// Tenant.
        3 => optional domain: String = "domain",
        /// Free text that describes the device.
        4 => optional resource: String = "resource",
        /// Device class, defined by the application.
        5 => optional termtyp: i8 = "termtyp",
        /// Login token. When it is not empty the password is ignored.
        6 => optional token: String = "token",
        /// Shown to others in [`Tid::extend`].
        7 => optional extend: BTreeMap<String, String> = "extend",
    }

    /// Presence (packet types 91 and 19).
    #[derive(Clone, Debug, Default, PartialEq, Eq)]
    pub struct TimPresence {
        /// Number to drop duplicates by. Set by the server when absent.
        1 => optional id: i64 = "id",
        /// Set by the server when the last session of the sender ended.
        2 => optional offline: bool = "offline",
        /// Defined by the application; by convention 1 asks for a presence and 2 answers.
        3 => optional sub_status: i8 = "subStatus",
        /// Sender, set by the server.
        4 => optional from_tid: Tid = "fromTid",
        /// One addressee.
        5 => optional to_tid: Tid = "toTid",
        /// Several addressees.
        6 => optional to_list: Vec<String> = "toList",
        /// Defined by the application.
        7 => optional show: i16 = "show",
        /// Free text.
        8 => optional status: String = "status",
        /// Defined by the application.
        9 => optional extend: BTreeMap<String, String> = "extend",
        /// Defined by the application.
        10 => optional extra: BTreeMap<String, Bytes> = "extra",
    }

    /// Message of every kind (packet types 90, 92 and 93).
    #[derive(Clone, Debug, Default, PartialEq, Eq)]
    pub struct TimMessage {
        /// 1 from the system, 2 to a user, 3 to a room.
        1 => required ms_type: i8 = "msType",
        /// 1 chat, 2 recall, 3 burn, 4 business notice, 5 stream, 6 and 7 big data, above 30 application.
        2 => required od_type: i8 = "odType",
        /// Number to drop duplicates by. Set by the server when absent.
        3 => optional id: i64 = "id",
        /// Number of the stored message inside its conversation. Set by the server.
        4 => optional mid: i64 = "mid",
        /// Kind of a business notice.
        5 => optional bn_type: i32 = "bnType",
        /// Sender, set by the server.
        6 => optional from_tid: Tid = "fromTid",
        /// Addressed user.
        7 => optional to_tid: Tid = "toTid",
        /// Addressed room.
        8 => optional room_tid: Tid = "roomTid",
        /// Body as bytes.
        9 => optional data_binary: Bytes = "dataBinary",
        /// Body as text.
        10 => optional data_string: String = "dataString",
        /// Set by the server on messages from the offline queue.
        11 => optional is_offline: bool = "isOffline",
        /// When the server took the message, ns. Set by the server.
        12 => optional timestamp: i64 = "timestamp",
        /// Content type, defined by the application.
        13 => optional udtype: i16 = "udtype",
        /// Display hint, defined by the application.
        14 => optional udshow: i16 = "udshow",
        /// Defined by the application.
        15 => optional extend: BTreeMap<String, String> = "extend",
        /// Defined by the application.
        16 => optional extra: BTreeMap<String, Bytes> = "extra",
        /// List of receivers between servers. Never to be believed when a client sends it.
        17 => optional to_list: Vec<String> = "ToList",
    }

    /// Piece of a stream of a virtual room (packet type 94).
    #[derive(Clone, Debug, Default, PartialEq, Eq)]
    pub struct TimStream {
        /// Set by the server.
        1 => required id: i64 = "id",
        /// Virtual room.
        2 => required vnode: String = "VNode",
        /// Defined by the application.
        3 => optional dtype: i8 = "dtype",
        /// The data.
        4 => optional body: Bytes = "body",
        /// Publisher, set by the server.
        5 => required from_node: String = "fromNode",
    }

    /// Lists and profiles (packet type 42).
    #[derive(Clone, Debug, Default, PartialEq, Eq)]
    pub struct TimNodes {
        /// Selects the operation or tells the kind of list.
        1 => required ntype: i32 = "ntype",
        /// Nodes asked for, or the list.
        2 => optional nodelist: Vec<String> = "nodelist",
        /// Profiles of users by node.
        3 => optional usermap: BTreeMap<String, TimUserBean> = "usermap",
        /// Profiles of rooms by node.
        4 => optional roommap: BTreeMap<String, TimRoomBean> = "roommap",
        /// The room that the list belongs to.
        5 => optional node: String = "node",
    }

    /// Page of history (packet type 21) or batch of the offline queue (packet type 17).
    #[derive(Clone, Debug, Default, PartialEq, Eq)]
    pub struct TimMessageList {
        /// Number of an offline batch.
        1 => optional id: i64 = "id",
        /// The messages.
        2 => optional message_list: Vec<TimMessage> = "messageList",
    }
}
