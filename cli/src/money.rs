//! A regtest monerod and a wallet with money, as children.

use std::path::Path;

use mixbed_monero::{
    FundedWallet, Monerod, MonerodOptions, RegtestError, WalletRpc, WalletRpcOptions,
};

use crate::failure::Failure;
use crate::progress::Progress;

/// The wallet's name in monero-wallet-rpc.
const WALLET: &str = "mixbed";

/// The children. Dropping them kills them.
#[derive(Debug)]
pub(crate) struct Money {
    monerod: Monerod,
    wallet: Option<(WalletRpc, FundedWallet)>,
}

impl Money {
    /// Monerod alone.
    pub(crate) fn only(monerod: Monerod) -> Self {
        Self { monerod, wallet: None }
    }

    /// Starts a wallet against a monerod, and mines to it until it has money. The wallet is kept
    /// in `dir`, if there is one.
    pub(crate) async fn fund(
        monerod: Monerod,
        dir: Option<&Path>,
        progress: Progress,
    ) -> Result<Self, Failure> {
        let step = progress.step("funding a wallet: mining blocks to it");
        let options =
            WalletRpcOptions { wallet_dir: dir.map(Path::to_owned), ..WalletRpcOptions::default() };
        let rpc = WalletRpc::start(monerod.daemon(), options).await.map_err(refused)?;
        let show = |mined, of| step.at(mined, of);
        let funded = FundedWallet::new(monerod.daemon(), rpc.wallet(), WALLET, show)
            .await
            .map_err(Failure::failed)?;
        step.done("wallet with money, made with monero-wallet-rpc");
        Ok(Self { monerod, wallet: Some((rpc, funded)) })
    }

    pub(crate) fn monerod(&self) -> &Monerod {
        &self.monerod
    }

    pub(crate) fn funded(&self) -> Option<&FundedWallet> {
        self.wallet.as_ref().map(|(_, funded)| funded)
    }

    /// The wallet's RPC.
    pub(crate) fn wallet_url(&self) -> Option<String> {
        self.wallet.as_ref().map(|(rpc, _)| format!("{}/json_rpc", rpc.wallet().url()))
    }

    /// The wallet's address.
    pub(crate) fn address(&self) -> Option<String> {
        self.funded().map(|funded| funded.address().to_owned())
    }

    /// Stops the children in good order.
    pub(crate) async fn stop(mut self) {
        if let Some((mut rpc, _)) = self.wallet
            && let Err(error) = rpc.stop().await
        {
            tracing::warn!(%error, "monero-wallet-rpc did not stop properly");
        }
        if let Err(error) = self.monerod.stop().await {
            tracing::warn!(%error, "monerod did not stop properly");
        }
    }
}

/// Starts monerod; its chain is kept in `dir`, if there is one.
pub(crate) async fn monerod(dir: Option<&Path>) -> Result<Monerod, Failure> {
    let options = MonerodOptions {
        data_dir: dir.map(Path::to_owned),
        restricted: true,
        ..MonerodOptions::default()
    };
    Monerod::start(options).await.map_err(refused)
}

/// Why there are no children.
pub(crate) fn refused(error: RegtestError) -> Failure {
    match error {
        RegtestError::NotInstalled { .. } => Failure::failed(format!(
            "{error}; `mixbed up --monerod none` runs a network without it"
        )),
        error => Failure::failed(error),
    }
}
