//! The cooperation audit from outside: over the wire, and against the recorded streams where they are at hand.

use std::{
    error::Error,
    io::{BufRead, BufReader, Write, stderr},
    path::{Path, PathBuf},
    sync::Arc,
};

use flate2::read::GzDecoder;
use safety_pact::grpc::cooperation::Cooperation;
use safety_pact::grpc::proto::{
    Action as WireAction, AuditRequest, AuditStatus, LogActionRequest, LogActionsResponse,
    cooperation_service_client::CooperationServiceClient,
    cooperation_service_server::CooperationServiceServer,
};
use safety_pact::pact::cooperation::{
    action::{
        Action::{self, Cooperate, Defect},
        AgentAction,
    },
    audit::{Status, View, audit},
    ledger::{Ledger, LedgerLimits},
};
use safety_pact::pdp::auditor::Auditor;
use safety_pact::telemetry::metrics::Metrics;
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::oneshot};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Code, transport::Server};

const ROOMY: LedgerLimits = LedgerLimits { max_agents: 10_000, max_interaction_ids: 10_000 };

fn wire(agent: &str, action: WireAction, interaction: impl ToString) -> LogActionRequest {
    LogActionRequest {
        agent_id: agent.to_owned(),
        action: action.into(),
        interaction_id: interaction.to_string(),
        ..Default::default()
    }
}

#[tokio::test]
async fn a_collapse_is_logged_and_audited_over_the_wire() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let (stop, stopped) = oneshot::channel::<()>();
    let server = tokio::spawn(
        Server::builder()
            .add_service(CooperationServiceServer::new(Cooperation::new(
                Arc::new(Auditor::new(ROOMY)),
                Arc::new(Metrics::new(&["default"], "")),
            )))
            .serve_with_incoming_shutdown(TcpListenerStream::new(listener), async {
                stopped.await.ok();
            }),
    );
    let mut client = CooperationServiceClient::connect(format!("http://{address}")).await?;

    let cooperations = (0..10).flat_map(|round| ["A", "B"].map(|id| wire(id, WireAction::Cooperate, round)));
    let done = client.log_actions(tokio_stream::iter(cooperations)).await?.into_inner();
    assert_eq!(done, LogActionsResponse { counted: 20, repeated: 0 });
    let defections = (0..5).map(|round| wire("Mal_Bot", WireAction::Defect, round));
    client.log_actions(tokio_stream::iter(defections)).await?;
    let spiral =
        (10..20).flat_map(|round| ["A", "B", "Mal_Bot"].map(|id| wire(id, WireAction::Defect, round)));
    client.log_actions(tokio_stream::iter(spiral.clone())).await?;
    let again = client.log_actions(tokio_stream::iter(spiral)).await?.into_inner();
    assert_eq!(again, LogActionsResponse { counted: 0, repeated: 30 });

    let report = client.audit(AuditRequest::default()).await?.into_inner();
    assert_eq!((report.social_welfare, report.status()), (0.36, AuditStatus::SystemicCollapseRisk));
    assert_eq!(report.flagged_agents, ["Mal_Bot"]);

    let broken = [wire("A", WireAction::Defect, "last"), wire("A", WireAction::Unspecified, "none")];
    let status = client.log_actions(tokio_stream::iter(broken)).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert!(status.message().starts_with("action 1: `action`: "), "{status}");

    drop(client);
    stop.send(()).expect("the server runs until it is told to stop");
    server.await??;
    Ok(())
}

/// Streams too large for the repository; where they stand next to it, the seed's own reports have to come out.
#[test]
fn seed_exact_agrees_with_the_seed_on_every_recorded_stream() -> Result<(), Box<dyn Error>> {
    // Not `println!`, which the test harness would swallow: that nothing was compared must not pass in silence.
    let mut say = stderr();
    let Some(streams) = recorded_streams() else {
        writeln!(
            say,
            "ABSENT: no recorded cooperation streams next to the repository; nothing was compared"
        )?;
        return Ok(());
    };
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
    writeln!(say, "RAN: {reports} reports on {} recorded cooperation streams agree", expected.len())?;
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
