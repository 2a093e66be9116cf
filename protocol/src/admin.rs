//! What the back-end interfaces share with the client protocol: the structs of the admin channel and the
//! message header of the server API (`admin-api 2` and `3`). The remaining calls are not part of this crate.

use bytes::Bytes;

use crate::codec::compact::{Reader, write_binary, write_unsigned};
use crate::codec::{DecodeError, sealed::Fields};
use crate::wire::Redacted;

wire_structs! {
    /// Login of a back end. `Debug` hides the password.
    #[derive(Clone, Default, PartialEq, Eq)]
    pub struct AuthBean {
        /// Console account.
        1 => optional username: String = "username",
        /// Its password.
        2 => optional password: String = "password",
        /// Tenant.
        3 => optional domain: String = "domain",
    }

    /// Generic answer of the back-end interfaces.
    #[derive(Clone, Debug, Default, PartialEq, Eq)]
    pub struct AdmAck {
        /// Whether the request succeeded.
        1 => optional ok: bool = "ok",
        /// Packet type of the request.
        2 => optional tim_type: i8 = "timType",
        /// Error code, see [`ErrorCode`](crate::ErrorCode).
        3 => optional errcode: i32 = "errcode",
        /// Meaning depends on the request.
        4 => optional t: i64 = "t",
        /// Meaning depends on the request.
        5 => optional n: String = "n",
        /// Meaning depends on the request.
        6 => optional t2: i64 = "t2",
        /// Meaning depends on the request.
        7 => optional n2: String = "n2",
    }

    /// Subscription on the admin channel, and an event of it.
    #[derive(Clone, Debug, Default, PartialEq, Eq)]
    pub struct AdmSubBean {
        /// 1: who is online.
        1 => optional sub_type: i8 = "subType",
        /// For type 1 an [`AdmSubOnlineBean`] in compact form.
        2 => optional bs: Bytes = "bs",
    }

    /// A user went online or offline.
    #[derive(Clone, Debug, Default, PartialEq, Eq)]
    pub struct AdmSubOnlineBean {
        /// The user.
        1 => optional node: String = "node",
        /// 1 online, 2 offline.
        2 => optional status: i8 = "status",
    }

    /// Arguments of the calls that take one [`AuthBean`].
    #[derive(Clone, Debug, Default, PartialEq, Eq)]
    pub struct AuthArguments {
        /// The only argument.
        1 => optional ab: AuthBean = "ab",
    }

    /// Result of the calls that give an [`AdmAck`].
    #[derive(Clone, Debug, Default, PartialEq, Eq)]
    pub struct AckResult {
        /// The answer.
        0 => optional success: AdmAck = "success",
    }
}

const PROTOCOL_ID: u8 = 0x82;
const VERSION: u8 = 1;

/// Whether a message of the server API asks or answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum RpcKind {
    /// A call that gets a reply.
    Call = 1,
    /// The reply to a call.
    Reply = 2,
    /// The call failed; the body is a `TApplicationException`.
    Exception = 3,
    /// A call without reply.
    Oneway = 4,
}

/// One message of the server API: header of the compact protocol, then arguments or result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RpcMessage<T> {
    /// Call or reply.
    pub kind: RpcKind,
    /// Copied from the call into its reply.
    pub sequence: i32,
    /// Name of the method.
    pub method: String,
    /// Arguments or result.
    pub body: T,
}

impl<T: Fields> RpcMessage<T> {
    /// The message on the wire.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![PROTOCOL_ID, (self.kind as u8) << 5 | VERSION];
        // Sequence ids are plain, not zigzag.
        write_unsigned(&mut out, u64::from(self.sequence.cast_unsigned()));
        write_binary(&mut out, self.method.as_bytes());
        self.body.write_compact(&mut out);
        out
    }

    /// Reads a message. Bytes after it are ignored.
    ///
    /// # Errors
    /// [`DecodeError::UnknownType`] for another protocol, version or kind; otherwise as
    /// [`compact::decode`](crate::compact::decode).
    pub fn decode(input: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(input);
        match reader.byte()? {
            PROTOCOL_ID => {}
            other => return Err(DecodeError::UnknownType(other)),
        }
        let kind = match reader.byte()? {
            byte if byte & 0x1F != VERSION => return Err(DecodeError::UnknownType(byte)),
            byte => match byte >> 5 {
                1 => RpcKind::Call,
                2 => RpcKind::Reply,
                3 => RpcKind::Exception,
                4 => RpcKind::Oneway,
                _ => return Err(DecodeError::UnknownType(byte)),
            },
        };
        let sequence = u32::try_from(reader.unsigned()?)
            .map_err(|_| DecodeError::Varint)?
            .cast_signed();
        let method = std::str::from_utf8(reader.binary()?)
            .map_err(|_| DecodeError::Utf8)?
            .to_owned();
        let mut body = T::default();
        body.read_compact(&mut reader)?;
        Ok(Self {
            kind,
            sequence,
            method,
            body,
        })
    }
}

impl std::fmt::Debug for AuthBean {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuthBean")
            .field("username", &self.username)
            .field("password", &Redacted(&self.password))
            .field("domain", &self.domain)
            .finish()
    }
}
