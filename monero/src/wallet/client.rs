//! The client itself.

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::transfer::{Made, MadeList};
use super::{Balance, Destination, Output, PreparedTransfer, Priority, WalletError};
use crate::rpc::Endpoint;

/// A sweep of two hundred outputs takes many seconds, and so does the first refresh.
const WALLET_TIMEOUT: Duration = Duration::from_secs(120);

/// A monero-wallet-rpc with one wallet open at a time. Cheap to clone; clones share it.
///
/// A wallet has accounts, whose money is kept apart; this speaks of one of them, the first unless
/// [`Wallet::in_account`] said otherwise.
#[derive(Clone, Debug)]
pub struct Wallet {
    endpoint: Endpoint,
    account: u32,
}

#[derive(Deserialize)]
struct Address {
    address: String,
}

#[derive(Deserialize)]
struct Refreshed {
    #[serde(default)]
    blocks_fetched: u64,
}

#[derive(Deserialize)]
struct Transfers {
    #[serde(default)]
    transfers: Vec<Output>,
}

#[derive(Deserialize)]
struct Key {
    key: String,
}

/// monero-wallet-rpc answers many requests with an empty object.
#[derive(Deserialize)]
struct Nothing {}

#[derive(Serialize)]
struct Transfer<'a> {
    account_index: u32,
    destinations: &'a [Destination],
    priority: u8,
    do_not_relay: bool,
    get_tx_hex: bool,
}

impl Wallet {
    /// The monero-wallet-rpc at `base_url`, `http://HOST:PORT` or `HOST:PORT`. Connects on first
    /// use.
    pub fn new(base_url: &str) -> Result<Self, WalletError> {
        Ok(Self { endpoint: Endpoint::new(base_url)?.with_timeout(WALLET_TIMEOUT), account: 0 })
    }

    /// The same wallet with another bound on the time of one request (default: two minutes).
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.endpoint = self.endpoint.with_timeout(timeout);
        self
    }

    /// The same wallet, speaking of another account.
    #[must_use]
    pub fn in_account(&self, account: u32) -> Self {
        Self { account, ..self.clone() }
    }

    /// The wallet program's address, as `http://HOST:PORT`.
    #[must_use]
    pub fn url(&self) -> &str {
        self.endpoint.url()
    }

    /// The wallet program's version, as one number. Needs no open wallet.
    pub async fn version(&self) -> Result<u64, WalletError> {
        #[derive(Deserialize)]
        struct Version {
            version: u64,
        }
        let answer: Version = self.call("get_version", json!({}), "").await?;
        Ok(answer.version)
    }

    /// Creates and opens a new wallet named `name`. Its daemon must be reachable: otherwise the
    /// wallet starts to look for its money at the height that the main network has now.
    pub async fn create(&self, name: &str) -> Result<(), WalletError> {
        let params = json!({ "filename": name, "language": "English" });
        let Nothing {} = self.call("create_wallet", params, name).await?;
        Ok(())
    }

    /// Creates a wallet from its 25 words, looks at every block, and opens it.
    pub async fn restore(&self, name: &str, seed: &str) -> Result<(), WalletError> {
        let params = json!({ "filename": name, "seed": seed, "password": "", "restore_height": 0 });
        let _: Value = self.call("restore_deterministic_wallet", params, name).await?;
        Ok(())
    }

    /// Opens a wallet that is there already.
    pub async fn open(&self, name: &str) -> Result<(), WalletError> {
        let Nothing {} = self.call("open_wallet", json!({ "filename": name }), name).await?;
        Ok(())
    }

    /// Saves and closes the open wallet.
    pub async fn close(&self) -> Result<(), WalletError> {
        let Nothing {} = self.call("close_wallet", json!({}), "").await?;
        Ok(())
    }

    /// The 25 words from which the open wallet can be restored. Whoever has them has the money.
    pub async fn seed(&self) -> Result<String, WalletError> {
        let answer: Key = self.call("query_key", json!({ "key_type": "mnemonic" }), "").await?;
        Ok(answer.key)
    }

    /// The endpoint below, for methods that have no typed call here.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Makes a further account and returns its number.
    pub async fn create_account(&self) -> Result<u32, WalletError> {
        #[derive(Deserialize)]
        struct Account {
            account_index: u32,
        }
        let answer: Account = self.call("create_account", json!({}), "").await?;
        Ok(answer.account_index)
    }

    /// Makes a further address of the account. Money to it can be spent with the account's other
    /// money, but the wallet prefers not to mix the two.
    pub async fn create_address(&self) -> Result<String, WalletError> {
        let params = json!({ "account_index": self.account });
        let answer: Address = self.call("create_address", params, "").await?;
        Ok(answer.address)
    }

    /// The account's primary address.
    pub async fn address(&self) -> Result<String, WalletError> {
        let answer: Address =
            self.call("get_address", json!({ "account_index": self.account }), "").await?;
        Ok(answer.address)
    }

    /// Takes in what happened on the chain; returns how many blocks were new.
    pub async fn refresh(&self) -> Result<u64, WalletError> {
        let answer: Refreshed = self.call("refresh", json!({}), "").await?;
        Ok(answer.blocks_fetched)
    }

    /// The account's money, as of the last refresh.
    pub async fn balance(&self) -> Result<Balance, WalletError> {
        self.call("get_balance", json!({ "account_index": self.account }), "").await
    }

    /// The account's unspent outputs, as of the last refresh.
    pub async fn outputs(&self) -> Result<Vec<Output>, WalletError> {
        let params = json!({ "transfer_type": "available", "account_index": self.account });
        let answer: Transfers = self.call("incoming_transfers", params, "").await?;
        Ok(answer.transfers)
    }

    /// Makes a transaction and, with `do_not_relay`, tells nobody of it.
    ///
    /// The wallet does not remember what an unrelayed transaction spends: the next one may spend
    /// the same. [`Wallet::freeze`] its key images to prevent that.
    pub async fn transfer(
        &self,
        destinations: &[Destination],
        priority: Priority,
        do_not_relay: bool,
    ) -> Result<PreparedTransfer, WalletError> {
        let priority = priority.level();
        let params = Transfer {
            account_index: self.account,
            destinations,
            priority,
            do_not_relay,
            get_tx_hex: true,
        };
        let subject = destinations.first().map_or("", |to| to.address.as_str());
        self.call::<Made>("transfer", params, subject).await?.into_prepared()
    }

    /// Makes transactions that send everything that can be spent to `address`, as few as possible,
    /// and tells nobody of them.
    pub async fn sweep_all(
        &self,
        address: &str,
        priority: Priority,
    ) -> Result<Vec<PreparedTransfer>, WalletError> {
        let params = json!({
            "account_index": self.account,
            "address": address,
            "priority": priority.level(),
            "do_not_relay": true,
            "get_tx_hex": true,
        });
        self.call::<MadeList>("sweep_all", params, address).await?.into_prepared()
    }

    /// Makes one transaction that sends one output to `address`, and tells nobody of it.
    pub async fn sweep_single(
        &self,
        key_image: &str,
        address: &str,
    ) -> Result<PreparedTransfer, WalletError> {
        let params = json!({
            "address": address,
            "key_image": key_image,
            "do_not_relay": true,
            "get_tx_hex": true,
        });
        self.call::<Made>("sweep_single", params, address).await?.into_prepared()
    }

    /// Tells the wallet not to spend an output until it is thawed.
    pub async fn freeze(&self, key_image: &str) -> Result<(), WalletError> {
        let Nothing {} = self.call("freeze", json!({ "key_image": key_image }), "").await?;
        Ok(())
    }

    /// Lets the wallet spend a frozen output again.
    pub async fn thaw(&self, key_image: &str) -> Result<(), WalletError> {
        let Nothing {} = self.call("thaw", json!({ "key_image": key_image }), "").await?;
        Ok(())
    }

    async fn call<T: DeserializeOwned>(
        &self,
        method: &str,
        params: impl Serialize + Sync,
        subject: &str,
    ) -> Result<T, WalletError> {
        let answer = self.endpoint.call(method, params).await;
        answer.map_err(|error| WalletError::from_rpc(error, subject))
    }
}
