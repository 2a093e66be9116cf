//! Type bytes, send ids and delivery acknowledgements (`wire-protocol 3` and `4`).

use tim_protocol::Encoding;
use tim_protocol::packet::{self, ClientPacket, PacketType, ServerPacket};
use tim_protocol::wire::{TimAck, TimReq};

#[test]
fn an_empty_message_is_no_packet() {
    assert_eq!(ClientPacket::parse(&[]), None);
    assert_eq!(ServerPacket::parse(&[]), None);
    assert_eq!(packet::parse_delivery_ack(&[]), None);
}

#[test]
fn packet_types_keep_their_numbers() {
    for &packet_type in PacketType::ALL {
        assert_eq!(PacketType::from_u8(packet_type.as_u8()), Some(packet_type));
        assert_eq!(u8::try_from(packet_type.as_i8()), Ok(packet_type.as_u8()));
    }
    assert_eq!(PacketType::ALL.len(), 21);
    for unknown in [0, 11, 23, 40, 43, 89, 98, 127, 128, 140, 255] {
        assert_eq!(PacketType::from_u8(unknown), None);
    }
}

#[test]
fn bit_seven_means_json_from_clients_and_synchronous_from_the_server() {
    let request = TimReq {
        rtype: Some(1),
        ..TimReq::default()
    };
    for encoding in [Encoding::Compact, Encoding::Json] {
        let bytes = packet::client_packet(PacketType::Business, encoding, &request);
        let read = ClientPacket::parse(&bytes).unwrap();
        assert_eq!(
            (read.packet_type(), read.encoding),
            (Some(PacketType::Business), encoding)
        );
        assert_eq!(read.decode::<TimReq>().unwrap(), request);

        let ack = TimAck::success(PacketType::Business);
        let bytes = packet::server_packet(PacketType::Ack, encoding, &ack);
        let read = ServerPacket::parse(&bytes).unwrap();
        assert_eq!((read.packet_type(), read.send_id), (Some(PacketType::Ack), None));
        assert_eq!(read.decode::<TimAck>(encoding).unwrap(), ack);
    }
}

#[test]
fn unknown_types_are_reported_with_their_number() {
    let read = ClientPacket::parse(&[0xFF, 1]).unwrap();
    assert_eq!(
        (read.packet_type(), read.tim_type(), read.encoding),
        (None, 127, Encoding::Json)
    );
}

#[test]
fn send_ids_of_all_signs_come_back_in_the_acknowledgement() {
    for send_id in [0, 1, -1, i32::MAX, i32::MIN] {
        let bytes = packet::synchronous_packet(PacketType::Message, send_id, b"payload");
        let read = ServerPacket::parse(&bytes).unwrap();
        assert_eq!((read.send_id, read.payload), (Some(send_id), &b"payload"[..]));
        for encoding in [Encoding::Compact, Encoding::Json] {
            let ack = packet::delivery_ack(send_id, encoding);
            assert_eq!(ack[1..], bytes[1..5]);
            assert_eq!(packet::parse_delivery_ack(&ack), Some(send_id));
        }
    }
}

#[test]
fn short_headers_are_refused() {
    for length in 1..5 {
        assert_eq!(ServerPacket::parse(&[0xDA, 0, 0, 0, 1][..length]), None);
        assert_eq!(packet::parse_delivery_ack(&[0x0C, 0, 0, 0, 1][..length]), None);
    }
    assert!(ServerPacket::parse(&[0xDA, 0, 0, 0, 1]).is_some_and(|packet| packet.payload.is_empty()));
    assert_eq!(packet::parse_delivery_ack(&[0x0D, 0, 0, 0, 1]), None);
    assert_eq!(packet::parse_delivery_ack(&[0x0C, 0, 0, 0, 1, 0, 0]), Some(1));
}
