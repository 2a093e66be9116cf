//! The macro that turns one table per struct into the Rust struct and both codecs, so that the two encodings
//! cannot drift apart.

/// Declares wire structs.
///
/// A field reads `id => required|optional rust_name: Type = "wireName"`. Ids ascend.
macro_rules! wire_structs {
    ($(
        $(#[$meta:meta])*
        pub struct $name:ident {
            $(
                $(#[$field_meta:meta])*
                $id:literal => $presence:ident $field:ident : $ty:ty = $wire:literal
            ),+ $(,)?
        }
    )+) => {$(
        $(#[$meta])*
        pub struct $name {
            $( $(#[$field_meta])* pub $field: wire_structs!(@type $presence $ty), )+
        }

        impl $crate::codec::WireStruct for $name {
            const NAME: &'static str = stringify!($name);
        }

        impl $crate::codec::sealed::Fields for $name {
            #[inline]
            fn write_compact(&self, out: &mut Vec<u8>) {
                let mut last = 0_i16;
                $( wire_structs!(@write $presence self.$field, $id, last, out); )+
                let _last = last;
                out.push($crate::codec::compact::STOP);
            }

            #[inline]
            fn read_compact(
                &mut self,
                reader: &mut $crate::codec::compact::Reader<'_>,
            ) -> Result<(), $crate::codec::DecodeError> {
                let mut last = 0_i16;
                while let Some(header) = reader.field(&mut last)? {
                    match header.id {
                        $(
                            $id if <$ty as $crate::codec::Value>::accepts(header.type_code) => {
                                if let Some(value) =
                                    <$ty as $crate::codec::Value>::read_field(header.type_code, reader)?
                                {
                                    self.$field = wire_structs!(@present $presence value);
                                }
                            }
                        )+
                        _ => reader.skip_field(header.type_code)?,
                    }
                }
                Ok(())
            }

            fn write_json(&self, out: &mut Vec<u8>) {
                let mut separator = b'{';
                $( wire_structs!(@json $presence self.$field, $wire, separator, out); )+
                $crate::codec::json::write_object_end(out, separator);
            }

            fn member(name: &[u8]) -> Option<u8> {
                $( if name.eq_ignore_ascii_case($wire.as_bytes()) { return Some($id); } )+
                None
            }

            fn read_member<'de, A: serde::de::MapAccess<'de>>(
                &mut self,
                member: u8,
                members: &mut $crate::codec::json::Members<'_, A>,
            ) -> Result<(), A::Error> {
                match member {
                    $( $id => {
                        self.$field = wire_structs!(@nullable $presence members.value::<$ty>()?);
                    } )+
                    _ => {}
                }
                Ok(())
            }
        }

        impl $crate::codec::Value for $name {
            const TYPE: u8 = $crate::codec::compact::STRUCT;

            #[inline]
            fn write_element(&self, out: &mut Vec<u8>) {
                $crate::codec::sealed::Fields::write_compact(self, out);
            }
            #[inline]
            fn read_element(
                reader: &mut $crate::codec::compact::Reader<'_>,
            ) -> Result<Option<Self>, $crate::codec::DecodeError> {
                let mut value = Self::default();
                $crate::codec::sealed::Fields::read_compact(&mut value, reader)?;
                Ok(Some(value))
            }
            fn write_json(&self, out: &mut Vec<u8>) {
                $crate::codec::sealed::Fields::write_json(self, out);
            }
            fn read_json<'de, D: serde::Deserializer<'de>>(
                source: D,
                budget: &$crate::codec::json::Budget,
            ) -> Result<Self, D::Error> {
                $crate::codec::json::read_struct(source, budget)
            }
        }
    )+};

    (@type required $ty:ty) => { $ty };
    (@type optional $ty:ty) => { Option<$ty> };

    (@write required $value:expr, $id:literal, $last:ident, $out:ident) => {
        $crate::codec::Value::write_field(&$value, $id, &mut $last, $out)
    };
    (@write optional $value:expr, $id:literal, $last:ident, $out:ident) => {
        if let Some(value) = &$value {
            $crate::codec::Value::write_field(value, $id, &mut $last, $out);
        }
    };

    (@present required $value:ident) => { $value };
    (@present optional $value:ident) => { Some($value) };

    (@nullable required $value:expr) => { $value.unwrap_or_default() };
    (@nullable optional $value:expr) => { $value };

    (@json required $value:expr, $wire:literal, $separator:ident, $out:ident) => {
        $crate::codec::json::write_member_name($out, &mut $separator, $wire);
        $crate::codec::Value::write_json(&$value, $out);
    };
    (@json optional $value:expr, $wire:literal, $separator:ident, $out:ident) => {
        if let Some(value) = &$value
            && !$crate::codec::Value::omitted(value)
        {
            $crate::codec::json::write_member_name($out, &mut $separator, $wire);
            $crate::codec::Value::write_json(value, $out);
        }
    };
}
