//! The last good document in a file, to start from when the directory is away.

use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::sync::Arc;

use prost::Message;

use crate::document::SignedDocument;
use crate::limits::MAX_MESSAGE_BYTES;
use crate::proto;

/// Reads the file; nothing if there is none. What it says is verified like what a directory says.
pub(super) async fn read(path: PathBuf) -> io::Result<Option<SignedDocument>> {
    blocking(move || {
        let file = match std::fs::File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut bytes = Vec::new();
        file.take(MAX_MESSAGE_BYTES as u64 + 1).read_to_end(&mut bytes)?;
        let invalid = |error: String| io::Error::new(io::ErrorKind::InvalidData, error);
        if bytes.len() > MAX_MESSAGE_BYTES {
            return Err(invalid("the file is longer than any document".to_owned()));
        }
        let message = proto::SignedDocument::decode(bytes.as_slice());
        let message = message.map_err(|error| invalid(error.to_string()))?;
        message.try_into().map(Some).map_err(|error| invalid(format!("{error}")))
    })
    .await
}

/// Replaces the file in one step: whoever reads it meets the old document or the new one.
pub(super) async fn write(path: PathBuf, signed: Arc<SignedDocument>) -> io::Result<()> {
    blocking(move || {
        let bytes = proto::SignedDocument::from(&*signed).encode_to_vec();
        let mut new = path.clone().into_os_string();
        new.push(".new");
        let mut file = std::fs::File::create(&new)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        std::fs::rename(&new, &path)
    })
    .await
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(io::Error::other(error)))
}
