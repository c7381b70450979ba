//! A finished span as it is kept in memory and printed.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use opentelemetry_sdk::trace::SpanData;
use serde::{Deserialize, Serialize};

use crate::hop::HopRecord;
use crate::names::Attribute;
use crate::value::Value;

/// A finished span.
///
/// As JSON: ids are hexadecimal, times are whole microseconds since 1970 (a record that went
/// through JSON has lost its nanoseconds).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SpanRecord {
    /// The span's name, such as `hop gateway-0`.
    pub name: String,
    /// Role of the service that recorded it.
    pub role: String,
    /// Name of the node, client or directory that recorded it.
    pub node: String,
    /// W3C trace id.
    #[serde(with = "hex::serde")]
    pub trace_id: [u8; 16],
    /// The span's id.
    #[serde(with = "hex::serde")]
    pub span_id: [u8; 8],
    /// The parent span's id; `None` for a root.
    #[serde(with = "optional_id", default)]
    pub parent: Option<[u8; 8]>,
    /// When it began.
    #[serde(with = "unix_us", rename = "start_us")]
    pub start: SystemTime,
    /// When it ended.
    #[serde(with = "unix_us", rename = "end_us")]
    pub end: SystemTime,
    /// What it says about itself. Durations are in microseconds.
    pub attributes: BTreeMap<String, Value>,
    /// What happened within it, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<EventRecord>,
    /// How it ended.
    pub status: Status,
}

/// Something that happened within a span.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EventRecord {
    /// What happened.
    pub name: String,
    /// When.
    #[serde(with = "unix_us", rename = "at_us")]
    pub at: SystemTime,
    /// What there is to say about it.
    pub attributes: BTreeMap<String, Value>,
}

/// How a span ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Nobody said.
    Unset,
    /// Well.
    Ok,
    /// Badly, for this reason.
    Error(String),
}

impl SpanRecord {
    pub(crate) fn new(role: &str, node: &str, span: SpanData) -> Self {
        let parent = span.parent_span_id.to_bytes();
        let events = span.events.iter().map(|event| EventRecord {
            name: event.name.clone().into_owned(),
            at: event.timestamp,
            attributes: collect(&event.attributes),
        });
        Self {
            role: role.to_owned(),
            node: node.to_owned(),
            trace_id: span.span_context.trace_id().to_bytes(),
            span_id: span.span_context.span_id().to_bytes(),
            parent: (parent != [0; 8]).then_some(parent),
            start: span.start_time,
            end: span.end_time,
            attributes: collect(&span.attributes),
            events: events.collect(),
            status: match span.status {
                opentelemetry::trace::Status::Unset => Status::Unset,
                opentelemetry::trace::Status::Ok => Status::Ok,
                opentelemetry::trace::Status::Error { description } => {
                    Status::Error(description.into_owned())
                }
            },
            name: span.name.into_owned(),
        }
    }

    /// An attribute's value.
    #[must_use]
    pub fn attribute(&self, key: impl Into<Attribute>) -> Option<&Value> {
        self.attributes.get(key.into().key())
    }

    /// The parts of a hop; `None` if the span is not one.
    #[must_use]
    pub fn hop(&self) -> Option<HopRecord> {
        HopRecord::read(self)
    }

    /// How long it took; zero if the wall clock was set back meanwhile.
    #[must_use]
    pub fn duration(&self) -> Duration {
        self.end.duration_since(self.start).unwrap_or_default()
    }

    /// Why it failed, if it did.
    #[must_use]
    pub fn error(&self) -> Option<&str> {
        match &self.status {
            Status::Error(reason) => Some(reason),
            Status::Unset | Status::Ok => None,
        }
    }
}

fn collect(attributes: &[opentelemetry::KeyValue]) -> BTreeMap<String, Value> {
    attributes.iter().map(|kv| (kv.key.as_str().to_owned(), Value::from(&kv.value))).collect()
}

/// Times as whole microseconds since 1970.
mod unix_us {
    use std::time::{Duration, SystemTime};

    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(at: &SystemTime, out: S) -> Result<S::Ok, S::Error> {
        let since = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        out.serialize_u64(u64::try_from(since.as_micros()).unwrap_or(u64::MAX))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(input: D) -> Result<SystemTime, D::Error> {
        let since = Duration::from_micros(u64::deserialize(input)?);
        SystemTime::UNIX_EPOCH
            .checked_add(since)
            .ok_or_else(|| D::Error::custom("a time beyond what this machine's clock can express"))
    }
}

/// `[u8; 8]` as hexadecimal, or null.
mod optional_id {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

    #[expect(clippy::ref_option, reason = "the shape that serde asks for")]
    pub(super) fn serialize<S: Serializer>(
        id: &Option<[u8; 8]>,
        out: S,
    ) -> Result<S::Ok, S::Error> {
        id.map(hex::encode).serialize(out)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        input: D,
    ) -> Result<Option<[u8; 8]>, D::Error> {
        let Some(text) = Option::<String>::deserialize(input)? else { return Ok(None) };
        let mut id = [0; 8];
        hex::decode_to_slice(&text, &mut id).map_err(D::Error::custom)?;
        Ok(Some(id))
    }
}
