//! What the surroundings of a process say of it, such as the pod that it runs in.

use opentelemetry::KeyValue;

/// OpenTelemetry's standard variable: `key=value,key2=value2`, percent-encoded.
pub(crate) const VARIABLE: &str = "OTEL_RESOURCE_ATTRIBUTES";

/// What each service says of itself, whatever the surroundings say.
const OWN: [&str; 3] = ["service.name", "service.instance.id", "service.version"];

/// More than anybody's surroundings have to say: it is sent with each batch of spans.
const MOST: usize = 64;

/// A list of attributes that cannot be read.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum Fault {
    #[error("`{0}` is not key=value; several are separated by commas")]
    NoPair(String),
    #[error("`{0}` has a % that is not followed by two hexadecimal digits, or is not UTF-8")]
    Encoding(String),
    #[error("there are more than {MOST}")]
    TooMany,
}

/// The attributes of a list as the variable has it, less those that a service says itself. One key
/// given twice has its last value.
///
/// [Source](https://opentelemetry.io/docs/specs/otel/resource/sdk/): keys and values as in W3C
/// baggage, `,` and `=` and all beyond ASCII percent-encoded; with a fault in it the whole list
/// means nothing.
pub(crate) fn parse(list: &str) -> Result<Vec<KeyValue>, Fault> {
    let mut attributes = pairs(list)?;
    attributes.retain(|(key, _)| !OWN.contains(&key.as_str()));
    Ok(attributes.into_iter().map(|(key, value)| KeyValue::new(key, value)).collect())
}

/// The pairs of a list, decoded; of a key that is there twice the last.
pub(crate) fn pairs(list: &str) -> Result<Vec<(String, String)>, Fault> {
    let mut attributes: Vec<(String, String)> = Vec::new();
    for pair in list.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
        let no_pair = || Fault::NoPair(pair.chars().take(64).collect());
        let (key, value) = pair.split_once('=').ok_or_else(no_pair)?;
        let (key, value) = (decode(key.trim())?, decode(value.trim())?);
        if key.is_empty() {
            return Err(no_pair());
        }
        attributes.retain(|(earlier, _)| *earlier != key);
        attributes.push((key, value));
        if attributes.len() > MOST {
            return Err(Fault::TooMany);
        }
    }
    Ok(attributes)
}

fn decode(text: &str) -> Result<String, Fault> {
    let bad = || Fault::Encoding(text.chars().take(64).collect());
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = [rest.next().ok_or_else(bad)?, rest.next().ok_or_else(bad)?];
        let mut decoded = [0];
        hex::decode_to_slice(digits, &mut decoded).map_err(|_| bad())?;
        bytes.extend(decoded);
    }
    String::from_utf8(bytes).map_err(|_| bad())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(list: &str) -> Vec<(String, String)> {
        let attributes = parse(list).expect("a good list");
        attributes.iter().map(|kv| (kv.key.to_string(), kv.value.to_string())).collect()
    }

    #[test]
    fn a_list_is_read_and_decoded() {
        let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        assert_eq!(pairs(""), []);
        assert_eq!(
            pairs("k8s.pod.name=net-mix-1-0,k8s.namespace.name=demo"),
            [pair("k8s.pod.name", "net-mix-1-0"), pair("k8s.namespace.name", "demo")]
        );
        assert_eq!(
            pairs(" a = x%2Cy%3d%C3%a4 , b=,c=1=2,,a=last,"),
            [pair("b", ""), pair("c", "1=2"), pair("a", "last")]
        );
        assert_eq!(
            pairs("service.name=x,service.instance.id=y,service.version=z,service.namespace=n"),
            [pair("service.namespace", "n")]
        );
    }

    #[test]
    fn a_faulty_list_says_why() {
        for (list, fault) in [
            ("a=1,b", Fault::NoPair("b".to_owned())),
            ("=1", Fault::NoPair("=1".to_owned())),
            ("a=%", Fault::Encoding("%".to_owned())),
            ("a=%2", Fault::Encoding("%2".to_owned())),
            ("a=%zz", Fault::Encoding("%zz".to_owned())),
            ("a=%ff", Fault::Encoding("%ff".to_owned())),
        ] {
            assert_eq!(parse(list), Err(fault), "{list}");
        }
        let many: Vec<String> = (0..=MOST).map(|number| format!("k{number}=v")).collect();
        assert_eq!(parse(&many.join(",")), Err(Fault::TooMany));
    }
}
