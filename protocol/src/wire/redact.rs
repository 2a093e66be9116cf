//! `Debug` of the structs that carry passwords or login tokens: the secret is replaced, so that a log line
//! cannot leak it.

use std::fmt;

use super::{TimAck, TimAuth, TimReq};
use crate::packet::PacketType;

/// `TimReq::rtype` of a password change (`wire-protocol 7.11`).
const MODIFY_PASSWORD: i32 = 21;

/// Shows whether a secret is there, but not what it is.
pub(crate) struct Redacted<'a>(pub(crate) &'a Option<String>);

impl fmt::Debug for Redacted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() {
            "Some(<hidden>)"
        } else {
            "None"
        })
    }
}

fn shown<'a>(value: &'a Option<String>, redacted: &'a Redacted<'a>, secret: bool) -> &'a dyn fmt::Debug {
    if secret { redacted } else { value }
}

impl fmt::Debug for TimAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimAuth")
            .field("name", &self.name)
            .field("pwd", &Redacted(&self.pwd))
            .field("domain", &self.domain)
            .field("resource", &self.resource)
            .field("termtyp", &self.termtyp)
            .field("token", &Redacted(&self.token))
            .field("extend", &self.extend)
            .finish()
    }
}

impl fmt::Debug for TimReq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let secret = self.rtype == Some(MODIFY_PASSWORD);
        f.debug_struct("TimReq")
            .field("rtype", &self.rtype)
            .field("node", &self.node)
            .field("node2", &self.node2)
            .field("req_int", &self.req_int)
            .field("req_int2", &self.req_int2)
            .field("req_str", shown(&self.req_str, &Redacted(&self.req_str), secret))
            .field(
                "req_str2",
                shown(&self.req_str2, &Redacted(&self.req_str2), secret),
            )
            .finish()
    }
}

impl fmt::Debug for TimAck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let secret = self.tim_type == PacketType::Token.as_i8();
        // A token travels as text in `n` and as a number in `t`.
        let t = if secret { None } else { self.t };
        f.debug_struct("TimAck")
            .field("ok", &self.ok)
            .field("tim_type", &self.tim_type)
            .field("error", &self.error)
            .field("t", &t)
            .field("n", shown(&self.n, &Redacted(&self.n), secret))
            .field("t2", &self.t2)
            .field("n2", &self.n2)
            .finish()
    }
}
