//! How the collector is reached: its URL, and what OpenTelemetry's variables say of the way.
//!
//! [Source](https://opentelemetry.io/docs/specs/otel/protocol/exporter/): each variable has a form for
//! traces alone, which is looked at first.

use std::path::PathBuf;

use tonic::metadata::{MetadataKey, MetadataMap};

use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};

use crate::collector::EXPORT_LIMIT;
use crate::resource;

/// The way to a collector.
#[derive(Clone, Debug)]
pub(crate) struct Way {
    pub(crate) channel: Channel,
    /// Sent with each batch: a token, say.
    pub(crate) headers: MetadataMap,
    pub(crate) gzip: bool,
}

impl Way {
    /// The way to this URL, by these variables.
    ///
    /// # Errors
    /// What is wrong with the URL, or with which variable.
    pub(crate) fn new(
        url: &str,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, String> {
        let variables = Variables(&variable);
        let mut endpoint =
            Endpoint::from_shared(url.to_owned()).map_err(|error| error.to_string())?;
        match endpoint.uri().scheme_str() {
            Some("http") => {}
            Some("https") => {
                let tls = endpoint.tls_config(variables.tls()?);
                endpoint = tls.map_err(|error| format!("its TLS: {error}"))?;
            }
            _ => return Err("its scheme is neither http nor https".to_owned()),
        }
        let channel = endpoint.connect_timeout(EXPORT_LIMIT).connect_lazy();
        Ok(Self { channel, headers: variables.headers()?, gzip: variables.gzip()? })
    }
}

struct Variables<'a>(&'a dyn Fn(&str) -> Option<String>);

impl Variables<'_> {
    /// A variable's name and value, if it is there and not empty.
    fn of(&self, what: &str) -> Option<(String, String)> {
        let names =
            [format!("OTEL_EXPORTER_OTLP_TRACES_{what}"), format!("OTEL_EXPORTER_OTLP_{what}")];
        names.into_iter().find_map(|name| {
            let value = (self.0)(&name).filter(|value| !value.is_empty())?;
            Some((name, value))
        })
    }

    fn file(&self, what: &str) -> Result<Option<Vec<u8>>, String> {
        let Some((name, path)) = self.of(what) else { return Ok(None) };
        let read = std::fs::read(PathBuf::from(&path));
        read.map(Some).map_err(|error| format!("{name}: {path}: {error}"))
    }

    /// The authorities of the system, or that of a file; and who we are, if somebody asks.
    fn tls(&self) -> Result<ClientTlsConfig, String> {
        let mut tls = match self.file("CERTIFICATE")? {
            Some(authority) => {
                ClientTlsConfig::new().ca_certificate(Certificate::from_pem(authority))
            }
            None => ClientTlsConfig::new().with_native_roots(),
        };
        match (self.file("CLIENT_CERTIFICATE")?, self.file("CLIENT_KEY")?) {
            (Some(certificate), Some(key)) => {
                tls = tls.identity(Identity::from_pem(certificate, key));
            }
            (None, None) => {}
            _ => {
                let both =
                    "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and OTEL_EXPORTER_OTLP_CLIENT_KEY";
                return Err(format!("{both} need each other"));
            }
        }
        Ok(tls)
    }

    fn headers(&self) -> Result<MetadataMap, String> {
        let mut headers = MetadataMap::new();
        let Some((name, list)) = self.of("HEADERS") else { return Ok(headers) };
        let pairs = resource::pairs(&list).map_err(|fault| format!("{name}: {fault}"))?;
        for (key, value) in pairs {
            let no_header = || format!("{name}: {key:?} or its value cannot be in a header");
            let header = MetadataKey::from_bytes(key.to_ascii_lowercase().as_bytes());
            let value = value.parse().map_err(|_| no_header())?;
            headers.insert(header.map_err(|_| no_header())?, value);
        }
        Ok(headers)
    }

    fn gzip(&self) -> Result<bool, String> {
        match self.of("COMPRESSION") {
            None => Ok(false),
            Some((_, value)) if value == "none" => Ok(false),
            Some((_, value)) if value == "gzip" => Ok(true),
            Some((name, value)) => {
                Err(format!("{name}: {value:?} is not supported, gzip and none are"))
            }
        }
    }
}
