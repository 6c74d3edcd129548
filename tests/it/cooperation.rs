//! The cooperation audit from outside, over the wire.

use std::{error::Error, sync::Arc};

use safety_pact::grpc::cooperation::Cooperation;
use safety_pact::grpc::proto::{
    Action as WireAction, AuditRequest, AuditStatus, LogActionRequest, LogActionsResponse,
    cooperation_service_client::CooperationServiceClient,
    cooperation_service_server::CooperationServiceServer,
};
use safety_pact::pact::cooperation::ledger::LedgerLimits;
use safety_pact::pdp::auditor::Auditor;
use safety_pact::telemetry::metrics::Metrics;
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
