//! Error codes keep their numbers and texts (`wire-protocol 9`).

use tim_protocol::ErrorCode;

#[test]
fn codes_and_texts_are_the_published_ones() {
    let published = [
        (4101, "has exist"),
        (4102, "no pass"),
        (4103, "expire operate"),
        (4104, "parameter incorrect"),
        (4105, "permission denied"),
        (4106, "account incorrect"),
        (4107, "interface incorrect"),
        (4108, "must not be a cancle object"),
        (4109, "must not be a no exist object"),
        (4110, "blocked object"),
        (4111, "over entry"),
        (4112, "modify password failed"),
        (4113, "format error"),
        (4114, "big data error"),
        (4115, "error token"),
        (4116, "error ping count"),
        (4117, "error repetitive operation"),
        (5101, "undefined error"),
        (5102, "blocking operation"),
        (5103, "database error"),
        (5104, "heavy server load"),
        (5105, "freq out of limit"),
        (1101, "uuid reuse"),
        (1102, "overtime"),
        (1103, "connect error"),
    ];
    assert_eq!(ErrorCode::ALL.len(), published.len());
    for (code, info) in published {
        let error = ErrorCode::from_code(code).unwrap();
        assert_eq!((error.code(), error.info()), (code, info));
    }
    for code in [0, -1, 4100, 4118, 5106, 1100] {
        assert_eq!(ErrorCode::from_code(code), None);
    }
}
