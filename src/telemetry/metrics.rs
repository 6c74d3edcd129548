//! Every instrument, in one list. Labels come from closed sets only: never a user, an agent or text.
//!
//! A counter is looked up by position, not by hashing labels: this is on the path of every decision.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::pact::decision::Reason;

/// Who asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// `SafetyService`.
    Safety,
    /// Envoy's `Authorization`.
    ExtAuthz,
}

impl Service {
    const ALL: [Self; 2] = [Self::Safety, Self::ExtAuthz];

    const fn name(self) -> &'static str {
        match self {
            Self::Safety => "safety",
            Self::ExtAuthz => "ext_authz",
        }
    }
}

/// What a decision counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Judged and let through.
    Permitted,
    /// Let through unjudged.
    Bypassed,
    /// Refused; the primary reason.
    Refused(Reason),
}

impl Outcome {
    fn all() -> impl Iterator<Item = Self> {
        [Self::Permitted, Self::Bypassed].into_iter().chain(Reason::ALL.iter().copied().map(Self::Refused))
    }

    const fn position(self) -> usize {
        match self {
            Self::Permitted => 0,
            Self::Bypassed => 1,
            Self::Refused(reason) => 2 + reason as usize,
        }
    }

    const fn labels(self) -> (&'static str, &'static str) {
        match self {
            Self::Permitted => ("permit", ""),
            Self::Bypassed => ("bypass", ""),
            Self::Refused(reason) => ("deny", reason.code()),
        }
    }
}

type Labels = Vec<(&'static str, String)>;

/// The instruments.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    // By service, then policy, then outcome.
    decisions: Vec<Counter>,
    decision_seconds: [Histogram; 2],
    policies: usize,
    subjects: Gauge<u64, AtomicU64>,
    actions: Counter,
    repeated_actions: Counter,
}

impl Metrics {
    /// Instruments for these policies.
    #[must_use]
    pub fn new(policies: &[&str], config_digest: &str) -> Self {
        let mut registry = Registry::with_prefix("safety_pact");

        let family = Family::<Labels, Counter>::default();
        let outcomes = Outcome::all().count();
        let mut decisions = Vec::with_capacity(Service::ALL.len() * policies.len() * outcomes);
        for service in Service::ALL {
            for policy in policies {
                for outcome in Outcome::all() {
                    let (effect, reason) = outcome.labels();
                    let labels = [
                        ("service", service.name()),
                        ("policy", policy),
                        ("effect", effect),
                        ("reason", reason),
                    ];
                    let labels: Labels = labels.map(|(key, value)| (key, (*value).to_owned())).into();
                    decisions.push(family.get_or_create(&labels).clone());
                }
            }
        }
        registry.register("decisions", "Decisions by service, policy, effect and primary reason", family);

        let family = Family::<Labels, Histogram>::new_with_constructor(|| Histogram::new(DECISION_BUCKETS));
        let decision_seconds = Service::ALL
            .map(|service| family.get_or_create(&vec![("service", service.name().to_owned())]).clone());
        registry.register("decision_seconds", "Time to decide, without the door's translation", family);

        let subjects = Gauge::default();
        registry.register("subjects", "Subjects remembered", subjects.clone());
        let actions = Counter::default();
        registry.register(
            "cooperation_actions",
            "Actions counted in the cooperation ledger",
            actions.clone(),
        );
        let repeated_actions = Counter::default();
        registry.register(
            "cooperation_repeated_actions",
            "Actions not counted because their interaction id was known",
            repeated_actions.clone(),
        );
        let info = Family::<Labels, Gauge>::default();
        info.get_or_create(&vec![("digest", config_digest.to_owned())]).set(1);
        registry.register("config_info", "1 for the config in force", info);

        Self {
            registry,
            decisions,
            decision_seconds,
            policies: policies.len(),
            subjects,
            actions,
            repeated_actions,
        }
    }

    /// Counts a decision and how long it took, if the rules were asked.
    pub fn decided(&self, service: Service, policy: usize, outcome: Outcome, took: Option<Duration>) {
        let outcomes = 2 + Reason::ALL.len();
        let position = (service as usize * self.policies + policy) * outcomes + outcome.position();
        if let Some(counter) = self.decisions.get(position) {
            counter.inc();
        }
        if let Some(took) = took {
            self.decision_seconds[service as usize].observe(took.as_secs_f64());
        }
    }

    /// Counts an action that was logged.
    pub fn logged(&self, counted: bool) {
        if counted { &self.actions } else { &self.repeated_actions }.inc();
    }

    /// All instruments in the older Prometheus text format, for whoever does not ask for OpenMetrics: there a counter's
    /// description stands under the name of its samples.
    #[must_use]
    pub fn render_prometheus_text(&self, subjects: usize) -> String {
        let page = self.render(subjects);
        let counters: Vec<_> =
            page.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.strip_suffix(" counter")).collect();
        let mut text = String::with_capacity(page.len() + 64);
        for line in page.lines().filter(|line| *line != "# EOF") {
            let mut words = line.splitn(4, ' ');
            match (words.next(), words.next(), words.next(), words.next()) {
                (Some("#"), Some(kind), Some(name), Some(rest)) if counters.contains(&name) => {
                    text.extend(["# ", kind, " ", name, "_total ", rest]);
                }
                _ => text.push_str(line),
            }
            text.push('\n');
        }
        text
    }

    /// All instruments in OpenMetrics. `subjects` is how many are remembered now.
    #[must_use]
    pub fn render(&self, subjects: usize) -> String {
        self.subjects.set(subjects as u64);
        let mut text = String::new();
        // Writing to a String cannot fail; a half-written page would be cut at its last line.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

/// Upper bounds in seconds, from a rule step to a stall.
const DECISION_BUCKETS: [f64; 10] = [1e-6, 2e-6, 5e-6, 1e-5, 2.5e-5, 1e-4, 1e-3, 1e-2, 0.1, 1.0];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decision_is_counted_under_its_own_labels_only() {
        let metrics = Metrics::new(&["default", "kids"], "0123456789abcdef");
        let refused = Outcome::Refused(Reason::BurstLimit);
        metrics.decided(Service::ExtAuthz, 1, refused, Some(Duration::from_micros(3)));
        let page = metrics.render(7);
        let counted: Vec<_> = page
            .lines()
            .filter(|line| line.starts_with("safety_pact_decisions_total") && !line.ends_with(" 0"))
            .collect();
        assert_eq!(
            counted,
            [
                r#"safety_pact_decisions_total{service="ext_authz",policy="kids",effect="deny",reason="BURST_LIMIT"} 1"#
            ]
        );
        assert!(page.contains("safety_pact_subjects 7"));
        assert!(page.contains(r#"safety_pact_decision_seconds_count{service="ext_authz"} 1"#));
        assert!(page.contains(r#"safety_pact_config_info{digest="0123456789abcdef"} 1"#));
    }

    #[test]
    fn the_older_format_describes_a_counter_under_the_name_of_its_samples() {
        let metrics = Metrics::new(&["default"], "0123456789abcdef");
        let (page, text) = (metrics.render(7), metrics.render_prometheus_text(7));
        let samples = |page: &str| page.lines().filter(|line| !line.starts_with('#')).count();
        assert_eq!(samples(&text), samples(&page), "{text}");
        assert!(page.ends_with("# EOF\n") && !text.contains("# EOF"), "{text}");
        for name in ["decisions", "cooperation_actions", "cooperation_repeated_actions"] {
            assert!(page.contains(&format!("# TYPE safety_pact_{name} counter\n")), "{page}");
            assert!(text.contains(&format!("# TYPE safety_pact_{name}_total counter\n")), "{text}");
            assert!(text.contains(&format!("# HELP safety_pact_{name}_total ")), "{text}");
        }
        assert!(text.contains("# TYPE safety_pact_decision_seconds histogram\n"), "{text}");
    }
}
