//! The error codes of the protocol with their texts (`wire-protocol 9`). Clients act on the number and show the
//! text, so both are fixed.

macro_rules! error_codes {
    ($( $(#[$meta:meta])* $name:ident = $code:literal, $info:literal; )+) => {
        /// Why a request was refused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(i32)]
        pub enum ErrorCode { $( $(#[$meta])* $name = $code ),+ }

        impl ErrorCode {
            /// Every code, in the order of the specification.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// The text that belongs to the code, verbatim as clients show it.
            pub const fn info(self) -> &'static str {
                match self { $( Self::$name => $info ),+ }
            }

            /// The error with that number.
            pub const fn from_code(code: i32) -> Option<Self> {
                match code { $( $code => Some(Self::$name), )+ _ => None }
            }
        }
    };
}

error_codes! {
    /// The account exists, or the user is a member already.
    HasExist = 4101, "has exist";
    /// Wrong name or password (token request, administration).
    NoPass = 4102, "no pass";
    /// The join request is no longer pending.
    ExpireOp = 4103, "expire operate";
    /// A parameter is missing or invalid, or the operation is unknown.
    Params = 4104, "parameter incorrect";
    /// Not allowed, or the login was refused.
    PermDenied = 4105, "permission denied";
    /// The user or room is malformed or unknown.
    Account = 4106, "account incorrect";
    /// The operation is not available with this store.
    Interface = 4107, "interface incorrect";
    /// The room was dissolved.
    Cancel = 4108, "must not be a cancle object";
    /// The object does not exist.
    NoExist = 4109, "must not be a no exist object";
    /// Blocked by the other side.
    Block = 4110, "blocked object";
    /// Too many devices.
    OverEntry = 4111, "over entry";
    /// The password was not changed.
    ModifyAuth = 4112, "modify password failed";
    /// The packet cannot be decoded.
    Format = 4113, "format error";
    /// The length of big data is wrong.
    BigData = 4114, "big data error";
    /// The login token is not valid.
    Token = 4115, "error token";
    /// The session timed out. Never sent.
    Ping = 4116, "error ping count";
    /// Already friends.
    Repeat = 4117, "error repetitive operation";
    /// A subscription failed, or an internal inconsistency.
    Undefined = 5101, "undefined error";
    /// Reserved.
    BlockHandle = 5102, "blocking operation";
    /// The store failed or cannot do this.
    Database = 5103, "database error";
    /// Too much load.
    Overload = 5104, "heavy server load";
    /// Too many requests of one connection.
    OverHz = 5105, "freq out of limit";
    /// Between servers only.
    UuidReuse = 1101, "uuid reuse";
    /// Not acknowledged in time. Never sent.
    Overtime = 1102, "overtime";
    /// Between servers only.
    Connect = 1103, "connect error";
}

impl ErrorCode {
    /// The number of the error.
    pub const fn code(self) -> i32 {
        self as i32
    }
}

impl std::fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.info(), self.code())
    }
}

impl std::error::Error for ErrorCode {}
