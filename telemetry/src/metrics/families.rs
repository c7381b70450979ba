//! The families that hold each metric's values, one for each set of labels.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prometheus_client::encoding::{EncodeMetric, MetricEncoder};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::{Registry, Unit};

use super::catalogue::{self, Declaration, Kind};
use super::{Age, Counter, Exported, Gauge, Histogram, Seconds};

type Labels = Vec<(&'static str, String)>;

/// One metric's values. Unlike the library's family it forgets a node that starts anew, and is
/// printed in the same order each time.
#[derive(Clone, Debug)]
struct Family<M> {
    kind: MetricType,
    values: Arc<Mutex<BTreeMap<Labels, M>>>,
}

impl<M: Clone + Default> Family<M> {
    fn values(&self) -> MutexGuard<'_, BTreeMap<Labels, M>> {
        self.values.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn get(&self, labels: Labels) -> M {
        self.values().entry(labels).or_default().clone()
    }

    fn forget(&self, labels: &[(&'static str, String)]) {
        self.values().retain(|have, _| !labels.iter().all(|label| have.contains(label)));
    }
}

impl<M> EncodeMetric for Family<M>
where
    M: EncodeMetric + Clone + Default,
{
    fn encode(&self, mut encoder: MetricEncoder) -> fmt::Result {
        for (labels, value) in self.values().iter() {
            value.encode(encoder.encode_family(labels)?)?;
        }
        Ok(())
    }

    fn metric_type(&self) -> MetricType {
        self.kind
    }

    fn is_empty(&self) -> bool {
        self.values().is_empty()
    }
}

/// All families of the catalogue. Each is registered once for the whole process, with the node as
/// a label: a registry for each node would print each family's header once a node, which readers
/// of the format refuse.
#[derive(Debug)]
pub(crate) struct Families {
    counters: BTreeMap<&'static str, Family<Counter>>,
    gauges: BTreeMap<&'static str, Family<Gauge>>,
    seconds: BTreeMap<&'static str, Family<Seconds>>,
    ages: BTreeMap<&'static str, Family<Age>>,
    histograms: BTreeMap<&'static str, Family<Histogram>>,
}

impl Families {
    pub(crate) fn register(registry: &mut Registry) -> Self {
        let mut families = Self {
            counters: BTreeMap::new(),
            gauges: BTreeMap::new(),
            seconds: BTreeMap::new(),
            ages: BTreeMap::new(),
            histograms: BTreeMap::new(),
        };
        for metric in catalogue::ALL {
            match metric.kind {
                Kind::Counter => add(&mut families.counters, metric, MetricType::Counter, registry),
                Kind::Gauge => add(&mut families.gauges, metric, MetricType::Gauge, registry),
                Kind::Seconds => add(&mut families.seconds, metric, MetricType::Gauge, registry),
                Kind::Age => add(&mut families.ages, metric, MetricType::Gauge, registry),
                Kind::Histogram => {
                    add(&mut families.histograms, metric, MetricType::Histogram, registry);
                }
            }
        }
        families
    }

    /// Where one node's values are; what it may have counted before under this name is forgotten,
    /// so that its accounting starts from zero.
    pub(crate) fn owner(
        &self,
        labels: &[(&'static str, &str)],
        metrics: &[&Declaration],
    ) -> Owner<'_> {
        let labels: Labels =
            labels.iter().map(|(key, value)| (*key, (*value).to_owned())).collect();
        for metric in metrics {
            match metric.kind {
                Kind::Counter => self.counters[metric.name].forget(&labels),
                Kind::Gauge => self.gauges[metric.name].forget(&labels),
                Kind::Seconds => self.seconds[metric.name].forget(&labels),
                Kind::Age => self.ages[metric.name].forget(&labels),
                Kind::Histogram => self.histograms[metric.name].forget(&labels),
            }
        }
        Owner { families: self, labels }
    }

    pub(crate) fn exported(&self) -> Exported {
        Exported::new(&Owner { families: self, labels: Labels::new() })
    }
}

fn add<M>(
    families: &mut BTreeMap<&'static str, Family<M>>,
    metric: &Declaration,
    kind: MetricType,
    registry: &mut Registry,
) where
    M: EncodeMetric + Clone + Default + Send + Sync + fmt::Debug + 'static,
{
    let family = Family::<M> { kind, values: Arc::default() };
    // The library appends the unit itself.
    match metric.name.strip_suffix("_seconds") {
        Some(name) => registry.register_with_unit(name, metric.help, Unit::Seconds, family.clone()),
        None => registry.register(metric.name, metric.help, family.clone()),
    }
    families.insert(metric.name, family);
}

/// Hands out the values of one node.
pub(crate) struct Owner<'a> {
    families: &'a Families,
    labels: Labels,
}

impl Owner<'_> {
    pub(crate) fn counter(&self, metric: &Declaration, more: &[&str]) -> Counter {
        self.families.counters[metric.name].get(self.complete(metric, more))
    }

    pub(crate) fn gauge(&self, metric: &Declaration, more: &[&str]) -> Gauge {
        self.families.gauges[metric.name].get(self.complete(metric, more))
    }

    pub(crate) fn seconds(&self, metric: &Declaration) -> Seconds {
        self.families.seconds[metric.name].get(self.complete(metric, &[]))
    }

    pub(crate) fn age(&self, metric: &Declaration) -> Age {
        self.families.ages[metric.name].get(self.complete(metric, &[]))
    }

    pub(crate) fn histogram(&self, metric: &Declaration, more: &[&str]) -> Histogram {
        self.families.histograms[metric.name].get(self.complete(metric, more))
    }

    /// The owner's labels and, in their declared order, the values of the others.
    fn complete(&self, metric: &Declaration, more: &[&str]) -> Labels {
        let own =
            self.labels.iter().map(|(key, _)| *key).zip(self.labels.iter().map(|l| l.1.clone()));
        let rest = metric.labels.iter().skip(self.labels.len()).copied();
        own.chain(rest.zip(more.iter().map(|value| (*value).to_owned()))).collect()
    }
}
