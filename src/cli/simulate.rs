//! `safety-pact simulate`: a timeline in, decisions out, on a virtual clock.
//!
//! The same rules as in the server, and nothing else: no store, no network, no time of day.

use std::collections::BTreeMap;
use std::io::{self, BufRead, Write};

use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::pact::decision::Reason;
use crate::pact::interaction::{Findings, Interaction, InteractionId, TrustTier};
use crate::pact::subject_state::SubjectState;
use crate::pact::time::Timestamp;

/// Why a timeline could not be run to its end.
#[derive(Debug, thiserror::Error)]
pub enum SimulateError {
    /// A line is not what it should be.
    #[error("line {line}: {problem}")]
    Line {
        /// Counted from 1.
        line: u64,
        /// What is wrong with it.
        problem: String,
    },
    /// There is no such policy.
    #[error("policy `{0}` is not in the config")]
    UnknownPolicy(String),
    /// The timeline cannot be read, or the decisions cannot be written.
    #[error("cannot read the timeline or write the decisions")]
    Io(#[from] io::Error),
}

/// One line of the timeline.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    at_ms: u64,
    user: String,
    tier: Option<String>,
    age: Option<u32>,
    text: Option<String>,
    chars: Option<u64>,
    #[serde(default)]
    detections: u32,
    id: Option<String>,
    pause_ms: Option<u64>,
    output: Option<String>,
}

/// One line of the decisions; meters as they are after the step.
#[derive(Debug, Serialize)]
struct Decided<'a> {
    at_ms: u64,
    user: &'a str,
    effect: &'static str,
    reasons: Vec<&'static str>,
    retry_after_ms: Option<u64>,
    stamina_up: i64,
    heat_up: i64,
    streak: u32,
    in_flow: bool,
    cooldown_until_ms: Option<u64>,
}

/// What a line asks for.
enum Step {
    Judge { chars: u64 },
    Pause { ms: u64 },
}

/// Runs the timeline in `input` under `policy` and writes a decision for each judged line. Each line is written whole or
/// not at all.
///
/// # Errors
/// `Line` names the first malformed line; the decisions before it have been written.
pub fn simulate(
    config: &Config,
    policy: &str,
    input: impl BufRead,
    mut output: impl Write,
) -> Result<(), SimulateError> {
    let unknown = || SimulateError::UnknownPolicy(policy.to_owned());
    let pact = &config.policies[config.policy_index(policy).ok_or_else(unknown)?].pact;
    let mut subjects: BTreeMap<String, SubjectState> = BTreeMap::new();

    for (number, line) in (1..).zip(input.split(b'\n')) {
        let bytes = line?;
        if bytes.trim_ascii().is_empty() {
            continue;
        }
        let at = |problem: String| SimulateError::Line { line: number, problem };
        let line: Line = serde_json::from_slice(&bytes).map_err(|error| at(problem(&error)))?;
        let tier = line.tier().map_err(at)?;
        let step = line.step().map_err(at)?;
        let now = Timestamp::from_ms(line.at_ms);
        let state = subjects.entry(line.user.clone()).or_insert_with(|| pact.newcomer(tier, now));
        let chars = match step {
            Step::Pause { ms } => {
                pact.pause(state, tier, ms, now);
                continue;
            }
            Step::Judge { chars } => chars,
        };
        let id = line.id.as_deref().filter(|id| !id.is_empty()).map(interaction_id);
        let findings = Findings { detections: line.detections };
        let decision = pact.evaluate(state, &Interaction { tier, chars, id }, &findings, now);
        let decided = Decided {
            at_ms: line.at_ms,
            user: &line.user,
            effect: decision.effect().name(),
            reasons: decision.reasons.iter().map(Reason::code).collect(),
            retry_after_ms: decision.retry_after_ms,
            stamina_up: decision.readings.stamina.micros(),
            heat_up: decision.readings.heat.micros(),
            streak: decision.readings.streak,
            in_flow: decision.readings.in_flow,
            cooldown_until_ms: decision.readings.cooldown_until.map(Timestamp::ms),
        };
        let mut line = serde_json::to_vec(&decided).map_err(io::Error::from)?;
        line.push(b'\n');
        output.write_all(&line)?;
    }
    output.flush()?;
    Ok(())
}

impl Line {
    fn tier(&self) -> Result<TrustTier, String> {
        let name = self.tier.as_deref().unwrap_or("user");
        TrustTier::from_name(name)
            .ok_or_else(|| "`tier`: not one of anonymous, user, verified, privileged".to_owned())
    }

    fn step(&self) -> Result<Step, String> {
        if self.user.is_empty() || self.user.len() > 256 {
            return Err("`user`: must have 1 to 256 bytes".to_owned());
        }
        if self.id.as_ref().is_some_and(|id| id.len() > 256) {
            return Err("`id`: must have at most 256 bytes".to_owned());
        }
        if self.age.is_some_and(|age| age > 150) {
            return Err("`age`: must be at most 150 years".to_owned());
        }
        match (self.pause_ms, &self.text, self.chars, &self.output) {
            (None, Some(text), None, None) => Ok(Step::Judge { chars: text.chars().count() as u64 }),
            (None, None, Some(chars), None) => Ok(Step::Judge { chars }),
            (Some(ms), None, None, None) => Ok(Step::Pause { ms }),
            (None, None, None, Some(_)) => Err("`output`: this version judges inputs only".to_owned()),
            _ => Err("needs exactly one of `text`, `chars`, `output` and `pause_ms`".to_owned()),
        }
    }
}

/// What serde says is wrong, without the position: a line is an object of its own.
fn problem(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line 1 column").next().unwrap_or(&text).to_owned()
}

/// A hash with a fixed key: a simulation has no adversary, and must not differ from run to run.
fn interaction_id(id: &str) -> InteractionId {
    use std::hash::Hasher;
    let mut hasher = siphasher::sip::SipHasher13::new();
    hasher.write(id.as_bytes());
    InteractionId(hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::load::Sources;

    fn defaults() -> Config {
        Config::load(&Sources::default()).expect("the defaults are valid").config
    }

    fn run(timeline: &str) -> (String, Result<(), SimulateError>) {
        let mut output = Vec::new();
        let result = simulate(&defaults(), "default", timeline.as_bytes(), &mut output);
        (String::from_utf8(output).expect("decisions are UTF-8"), result)
    }

    #[test]
    fn a_timeline_is_decided_line_by_line() {
        let (decisions, result) = run(concat!(
            r#"{"at_ms":1000,"user":"u:1@x","text":"héllo"}"#,
            "\n",
            r#"{"at_ms":1200,"user":"u:1@x","chars":400,"detections":2}"#,
            "\n",
            r#"{"at_ms":1200,"user":"other","tier":"anonymous","text":""}"#,
        ));
        result.expect("the timeline is well formed");
        let expected = concat!(
            r#"{"at_ms":1000,"user":"u:1@x","effect":"PERMIT","reasons":[],"retry_after_ms":null,"#,
            r#""stamina_up":99000000,"heat_up":100000,"streak":1,"in_flow":false,"cooldown_until_ms":null}"#,
            "\n",
            r#"{"at_ms":1200,"user":"u:1@x","effect":"DENY","reasons":["INTERVAL_TOO_SHORT"],"retry_after_ms":300,"#,
            r#""stamina_up":100000000,"heat_up":24000000,"streak":0,"in_flow":false,"cooldown_until_ms":null}"#,
            "\n",
            r#"{"at_ms":1200,"user":"other","effect":"PERMIT","reasons":[],"retry_after_ms":null,"#,
            r#""stamina_up":99000000,"heat_up":100000,"streak":1,"in_flow":false,"cooldown_until_ms":null}"#,
            "\n",
        );
        assert_eq!(decisions, expected);
    }

    #[test]
    fn a_pause_prints_nothing_and_holds() {
        let (decisions, result) = run(concat!(
            r#"{"at_ms":0,"user":"u","pause_ms":5000}"#,
            "\n",
            r#"{"at_ms":1000,"user":"u","text":"hello"}"#,
            "\n",
        ));
        result.expect("the timeline is well formed");
        assert_eq!(decisions.lines().count(), 1);
        assert!(decisions.contains(r#""reasons":["PAUSED"],"retry_after_ms":4000"#), "{decisions}");
    }

    #[test]
    fn a_malformed_line_stops_the_run_and_is_named() {
        let good = r#"{"at_ms":0,"user":"u","text":"a"}"#;
        for (bad, problem) in [
            ("{", "EOF while parsing"),
            (r#"{"at_ms":0,"text":"a"}"#, "missing field `user`"),
            (r#"{"at_ms":-1,"user":"u","text":"a"}"#, "invalid value: integer `-1`"),
            (r#"{"at_ms":0,"user":"u","txt":"a"}"#, "unknown field `txt`"),
            (r#"{"at_ms":0,"user":"u"}"#, "needs exactly one of"),
            (r#"{"at_ms":0,"user":"u","text":"a","chars":1}"#, "needs exactly one of"),
            (r#"{"at_ms":0,"user":"","text":"a"}"#, "`user`"),
            (r#"{"at_ms":0,"user":"u","text":"a","tier":"king"}"#, "`tier`"),
            (r#"{"at_ms":0,"user":"u","output":"a"}"#, "`output`"),
        ] {
            let (decisions, result) = run(&format!("{good}\n{bad}\n{good}\n"));
            let error = result.expect_err(bad).to_string();
            assert!(error.starts_with("line 2: ") && error.contains(problem), "{bad}: {error}");
            assert_eq!(decisions.lines().count(), 1, "{bad}");
        }
    }

    #[test]
    fn a_timeline_that_is_not_utf_8_is_malformed() {
        let mut output = Vec::new();
        let result = simulate(&defaults(), "", &b"{\"user\":\"\xff\"}"[..], &mut output);
        assert!(matches!(result, Err(SimulateError::Line { line: 1, .. })));
    }
}
