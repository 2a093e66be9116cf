//! Arbitrary wire structs.

use std::collections::BTreeMap;

use bytes::Bytes;
use proptest::collection::{btree_map, vec};
use proptest::option::of;
use proptest::prelude::*;
use tim_protocol::wire::*;

fn text() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), "[ -~]{1,20}", any::<String>()]
}

fn data() -> impl Strategy<Value = Bytes> {
    vec(any::<u8>(), 0..40).prop_map(Bytes::from)
}

fn texts() -> impl Strategy<Value = Vec<String>> {
    vec(text(), 0..20)
}

fn extend() -> impl Strategy<Value = BTreeMap<String, String>> {
    btree_map(text(), text(), 0..15)
}

fn extra() -> impl Strategy<Value = BTreeMap<String, Bytes>> {
    btree_map(text(), data(), 0..15)
}

/// An optional number or flag.
fn maybe<T: Arbitrary>() -> impl Strategy<Value = Option<T>> {
    any::<Option<T>>()
}

pub(crate) fn tid() -> impl Strategy<Value = Tid> {
    (text(), of(text()), of(text()), of(any::<i8>()), of(extend())).prop_map(
        |(node, domain, resource, termtyp, extend)| Tid {
            node,
            domain,
            resource,
            termtyp,
            extend,
        },
    )
}

pub(crate) fn ack() -> impl Strategy<Value = TimAck> {
    let error = (of(any::<i32>()), of(text())).prop_map(|(code, info)| TimError { code, info });
    (
        any::<bool>(),
        any::<i8>(),
        of(error),
        maybe::<i64>(),
        of(text()),
        maybe::<i64>(),
        of(text()),
    )
        .prop_map(|(ok, tim_type, error, t, n, t2, n2)| TimAck {
            ok,
            tim_type,
            error,
            t,
            n,
            t2,
            n2,
        })
}

pub(crate) fn request() -> impl Strategy<Value = TimReq> {
    (
        maybe::<i32>(),
        of(text()),
        of(text()),
        maybe::<i64>(),
        maybe::<i64>(),
        of(text()),
        of(text()),
    )
        .prop_map(
            |(rtype, node, node2, req_int, req_int2, req_str, req_str2)| TimReq {
                rtype,
                node,
                node2,
                req_int,
                req_int2,
                req_str,
                req_str2,
            },
        )
}

pub(crate) fn auth() -> impl Strategy<Value = TimAuth> {
    (
        of(text()),
        of(text()),
        of(text()),
        of(text()),
        maybe::<i8>(),
        of(text()),
        of(extend()),
    )
        .prop_map(|(name, pwd, domain, resource, termtyp, token, extend)| TimAuth {
            name,
            pwd,
            domain,
            resource,
            termtyp,
            token,
            extend,
        })
}

pub(crate) fn presence() -> impl Strategy<Value = TimPresence> {
    (
        (
            maybe::<i64>(),
            maybe::<bool>(),
            maybe::<i8>(),
            of(tid()),
            of(tid()),
        ),
        (of(texts()), maybe::<i16>(), of(text()), of(extend()), of(extra())),
    )
        .prop_map(
            |((id, offline, sub_status, from_tid, to_tid), (to_list, show, status, extend, extra))| {
                TimPresence {
                    id,
                    offline,
                    sub_status,
                    from_tid,
                    to_tid,
                    to_list,
                    show,
                    status,
                    extend,
                    extra,
                }
            },
        )
}

pub(crate) fn message() -> impl Strategy<Value = TimMessage> {
    (
        (
            any::<i8>(),
            any::<i8>(),
            maybe::<i64>(),
            maybe::<i64>(),
            maybe::<i32>(),
        ),
        (
            of(tid()),
            of(tid()),
            of(tid()),
            of(data()),
            of(text()),
            maybe::<bool>(),
        ),
        (
            maybe::<i64>(),
            maybe::<i16>(),
            maybe::<i16>(),
            of(extend()),
            of(extra()),
            of(texts()),
        ),
    )
        .prop_map(
            |(
                (ms_type, od_type, id, mid, bn_type),
                (from_tid, to_tid, room_tid, data_binary, data_string, is_offline),
                (timestamp, udtype, udshow, extend, extra, to_list),
            )| TimMessage {
                ms_type,
                od_type,
                id,
                mid,
                bn_type,
                from_tid,
                to_tid,
                room_tid,
                data_binary,
                data_string,
                is_offline,
                timestamp,
                udtype,
                udshow,
                extend,
                extra,
                to_list,
            },
        )
}

pub(crate) fn stream() -> impl Strategy<Value = TimStream> {
    (any::<i64>(), text(), maybe::<i8>(), of(data()), text()).prop_map(
        |(id, vnode, dtype, body, from_node)| TimStream {
            id,
            vnode,
            dtype,
            body,
            from_node,
        },
    )
}

fn user() -> impl Strategy<Value = TimUserBean> {
    (
        (of(text()), of(text()), of(text()), maybe::<i8>(), of(text())),
        (of(text()), maybe::<i64>(), of(texts()), of(extend()), of(extra())),
    )
        .prop_map(
            |(
                (name, nick_name, brithday, gender, cover),
                (area, createtime, photo_tid_album, extend, extra),
            )| TimUserBean {
                name,
                nick_name,
                brithday,
                gender,
                cover,
                area,
                createtime,
                photo_tid_album,
                extend,
                extra,
            },
        )
}

fn room() -> impl Strategy<Value = TimRoomBean> {
    (
        (of(text()), of(texts()), of(text()), of(text()), of(text())),
        (
            maybe::<i8>(),
            maybe::<i64>(),
            maybe::<i64>(),
            of(extend()),
            of(extra()),
        ),
    )
        .prop_map(
            |((founder, managers, cover, topic, label), (gtype, kind, createtime, extend, extra))| {
                TimRoomBean {
                    founder,
                    managers,
                    cover,
                    topic,
                    label,
                    gtype,
                    kind,
                    createtime,
                    extend,
                    extra,
                }
            },
        )
}

pub(crate) fn nodes() -> impl Strategy<Value = TimNodes> {
    (
        any::<i32>(),
        of(texts()),
        of(btree_map(text(), user(), 0..4)),
        of(btree_map(text(), room(), 0..4)),
        of(text()),
    )
        .prop_map(|(ntype, nodelist, usermap, roommap, node)| TimNodes {
            ntype,
            nodelist,
            usermap,
            roommap,
            node,
        })
}

pub(crate) fn message_list() -> impl Strategy<Value = TimMessageList> {
    (maybe::<i64>(), of(vec(message(), 0..5)))
        .prop_map(|(id, message_list)| TimMessageList { id, message_list })
}
