//! `make eval`: the rules against recorded data that is too large for the repository. It fails where the data is not
//! beside it, so it is no part of `make test`.

use std::error::Error;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use safety_pact::pact::cooperation::action::Action::{self, Cooperate, Defect};
use safety_pact::pact::cooperation::action::AgentAction;
use safety_pact::pact::cooperation::audit::{Status, View, audit};
use safety_pact::pact::cooperation::ledger::{Ledger, LedgerLimits};
use serde_json::{Value, json};

const ROOMY: LedgerLimits = LedgerLimits { max_agents: 10_000, max_interaction_ids: 10_000 };

/// The seed's own reports have to come out, at ten checkpoints of each stream.
#[test]
fn seed_exact_agrees_with_the_seed_on_every_recorded_stream() -> Result<(), Box<dyn Error>> {
    let streams = recorded_streams().ok_or("no `shared/data/cooperation/dev` beside the repository")?;
    let expected: Value = serde_json::from_slice(&std::fs::read(streams.join("expected_seed_rule.json"))?)?;
    let expected = expected.as_object().ok_or("not an object")?;
    let mut reports = 0;
    for (name, checkpoints) in expected {
        let checkpoints = checkpoints.as_array().ok_or("not a list")?;
        assert!(!checkpoints.is_empty(), "{name}");
        let seen = replay(&streams.join(format!("{name}.coop.gz")), checkpoints)?;
        assert_eq!(&seen, checkpoints, "{name}");
        reports += seen.len();
    }
    println!("{reports} reports on {} recorded cooperation streams agree", expected.len());
    Ok(())
}

/// In `shared/`, beside the repository or beside the directory of its worktrees.
fn recorded_streams() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().skip(1).take(2);
    beside.map(|dir| dir.join("shared/data/cooperation/dev")).find(|dir| dir.is_dir())
}

/// The report at each checkpoint, in the form of the expected ones.
fn replay(path: &Path, checkpoints: &[Value]) -> Result<Vec<Value>, Box<dyn Error>> {
    let mut lines = BufReader::new(GzDecoder::new(std::fs::File::open(path)?)).lines();
    let (mut agents, mut pairs) = (Vec::<String>::new(), Vec::<(usize, usize)>::new());
    for line in lines.by_ref() {
        let line = line?;
        match line.split(' ').collect::<Vec<_>>()[..] {
            ["E"] => break,
            ["A", _, id, ..] => agents.push(id.to_owned()),
            ["P", _, one, other] => pairs.push((one.parse()?, other.parse()?)),
            _ => {} // the two header lines
        }
    }
    let mut ledger = Ledger::new(ROOMY);
    let mut reports = Vec::new();
    for (line, interactions) in lines.zip(1_u64..) {
        let line = line?;
        let (pair, code) = line.split_once(' ').ok_or("not an interaction")?;
        let (one, other) = pairs[pair.parse::<usize>()?];
        let (one_acts, other_acts) = moves(code)?;
        ledger.log(&AgentAction::new(&*agents[one], one_acts)?)?;
        ledger.log(&AgentAction::new(&*agents[other], other_acts)?)?;
        if checkpoints.iter().any(|checkpoint| checkpoint["after_interactions"] == interactions) {
            reports.push(seed_report(&ledger, interactions));
        }
    }
    Ok(reports)
}

fn moves(code: &str) -> Result<(Action, Action), Box<dyn Error>> {
    match code {
        "0" => Ok((Cooperate, Cooperate)),
        "1" => Ok((Cooperate, Defect)),
        "2" => Ok((Defect, Cooperate)),
        "3" => Ok((Defect, Defect)),
        _ => Err(format!("`{code}` is not a code of moves").into()),
    }
}

fn seed_report(ledger: &Ledger, after_interactions: u64) -> Value {
    let report = audit(ledger, View::SeedExact);
    json!({
        "after_interactions": after_interactions,
        "flagged_agents": report.flagged_agents.iter().map(|id| id.as_str()).collect::<Vec<_>>(),
        "social_welfare": report.social_welfare,
        "status": match report.status {
            Status::Stable => "STABLE",
            Status::PredatoryBehaviorDetected => "PREDATORY_BEHAVIOR_DETECTED",
            Status::SystemicCollapseRisk => "SYSTEMIC_COLLAPSE_RISK",
        },
    })
}
