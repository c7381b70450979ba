//! The file as the place where an authority keeps its state.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Store;
use crate::authority::snapshot::Snapshot;
use crate::authority::state::{Pending, StateError, StateStore};
use crate::authority::store::StoreError;
use crate::identity::IdentityPublic;

/// An open [`Store`], read and written on threads that may block.
#[derive(Clone, Debug)]
pub(in crate::authority) struct HeldStore {
    dir: PathBuf,
    store: Arc<Store>,
}

impl HeldStore {
    pub(in crate::authority) async fn open(dir: &Path) -> Result<Self, StateError> {
        let dir = dir.to_owned();
        blocking(move || {
            let store = Arc::new(Store::open(&dir)?);
            Ok(Self { dir, store })
        })
        .await
    }

    pub(in crate::authority) async fn write_public_key(
        &self,
        key: IdentityPublic,
    ) -> Result<(), StateError> {
        let store = self.store.clone();
        blocking(move || store.write_public_key(&key)).await
    }
}

impl StateStore for HeldStore {
    fn place(&self) -> String {
        format!("the state in {}", self.dir.display())
    }

    fn load(&self) -> Pending<'_, Option<Snapshot>> {
        let store = self.store.clone();
        Box::pin(blocking(move || store.load()))
    }

    fn save<'a>(&'a self, snapshot: &'a Snapshot) -> Pending<'a, ()> {
        let (store, snapshot) = (self.store.clone(), snapshot.clone());
        Box::pin(blocking(move || store.save(&snapshot)))
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StateError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(outcome) => Ok(outcome?),
        Err(error) => Err(StateError::Failed(error.to_string())),
    }
}
