//! The client as what connects.

use std::time::Duration;

use mixbed_client::Client;
use tokio::io::DuplexStream;

use super::dial::{Dial, Refused};
use super::protocol::{Isolation, Refusal, Target};

impl Dial for Client {
    type Stream = DuplexStream;

    async fn dial(
        &self,
        _target: &Target,
        _isolation: Option<&Isolation>,
        _deadline: Duration,
    ) -> Result<Self::Stream, Refused> {
        Err(Refused { code: Refusal::General, why: "the client has no streams yet".to_owned() })
    }

    fn reset(_stream: Self::Stream, _why: &str) {}
}
