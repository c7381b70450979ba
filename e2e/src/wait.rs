//! Waits for conditions, never for time.

use std::fmt::Debug;
use std::future::Future;
use std::time::Duration;

use kube::Api;
use kube::runtime::wait::await_condition;
use serde::de::DeserializeOwned;

/// How often is looked at what cannot be watched.
const LOOK: Duration = Duration::from_millis(250);

/// Waits until an object is as it should be, and returns it.
pub async fn until<K>(
    api: &Api<K>,
    name: &str,
    what: &str,
    within: Duration,
    is_so: impl Fn(&K) -> bool,
) -> K
where
    K: kube::Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + 'static,
{
    let is_so = |object: Option<&K>| object.is_some_and(&is_so);
    match tokio::time::timeout(within, await_condition(api.clone(), name, is_so)).await {
        Ok(Ok(Some(object))) => object,
        Ok(result) => panic!("{what}: {name} cannot be watched: {result:?}"),
        Err(_) => {
            let found = api.get_opt(name).await;
            panic!("{what}: not after {within:?}; {name} is {found:#?}");
        }
    }
}

/// Asks again and again until there is an answer.
pub async fn until_some<T, F>(what: &str, within: Duration, mut ask: impl FnMut() -> F) -> T
where
    F: Future<Output = Option<T>>,
{
    let asking = async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            tokio::time::sleep(LOOK).await;
        }
    };
    let answer = tokio::time::timeout(within, asking).await;
    answer.unwrap_or_else(|_| panic!("{what}: not after {within:?}"))
}
