//! A JSON object changed in its text: what does not change is copied, and never read into a tree.

use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{MapAccess, Visitor},
    ser::SerializeMap,
};
use serde_json::{Value, value::RawValue};

/// An object whose members are left as they are written. Nothing in their names is escaped, as they are our own.
#[derive(Default)]
pub(crate) struct Members<'a>(Vec<(&'a str, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::with_capacity(32);
                while let Some(member) = object.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

/// An object with some members that are not what they were. Those that it lacked come last.
pub(crate) struct Changed<'a, const N: usize> {
    pub(crate) members: Members<'a>,
    pub(crate) changes: [(&'static str, Value); N],
}

impl<const N: usize> Serialize for Changed<'_, N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { members: Members(members), changes } = self;
        let change = |name: &str| changes.iter().find(|(changed, _)| *changed == name);
        let mut object = serializer.serialize_map(None)?;
        for (name, value) in members {
            match change(name) {
                Some((name, value)) => object.serialize_entry(name, value)?,
                None => object.serialize_entry(name, value)?,
            }
        }
        let is_new = |name: &str| members.iter().all(|(known, _)| *known != name);
        for (name, value) in changes.iter().filter(|(name, _)| is_new(name)) {
            object.serialize_entry(name, value)?;
        }
        object.end()
    }
}
