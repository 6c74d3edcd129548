//! The cooperation door: actions in, reports out.
//!
//! Wire to domain on top, the three calls in between, domain to wire at the bottom. A malformed question is an error
//! status that names the field. A full ledger is one too, for the action was not counted and the client must know.

use std::sync::Arc;

use tokio_stream::{Stream, StreamExt};
use tonic::{Request, Response, Status, Streaming};

use crate::grpc::proto;
use crate::grpc::status::promising;
use crate::pact::cooperation::{
    action::{Action, ActionError, AgentAction},
    audit::{self, Report, View},
    ledger::{LedgerFull, Logged},
};
use crate::pdp::auditor::Auditor;
use crate::telemetry::metrics::Metrics;

/// Answers `safety_pact.v1.CooperationService`.
#[derive(Debug, Clone)]
pub struct Cooperation {
    auditor: Arc<Auditor>,
    metrics: Arc<Metrics>,
}

/// Why a question cannot be answered.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error(transparent)]
    Malformed(#[from] ActionError),
    #[error("`{field}`: `{number}` is not an action, 1 (ACTION_COOPERATE) or 2 (ACTION_DEFECT)")]
    UnknownAction { field: &'static str, number: i32 },
    #[error("`view`: `{number}` is not a view, 0 to 3")]
    UnknownView { number: i32 },
    #[error("`view`: AUDIT_VIEW_FULL is not built in this version, ask for AUDIT_VIEW_DEFAULT")]
    FullView,
    #[error("`window`: not built in this version, leave it unset to look at all of the past")]
    Window,
    #[error(transparent)]
    Full(#[from] LedgerFull),
}

// === wire to domain ===

fn agent_action(wire: proto::LogActionRequest) -> Result<AgentAction, Refused> {
    let unstated = Refused::UnknownAction { field: "action", number: wire.action };
    let mut action = AgentAction::new(wire.agent_id, known_action("action", wire.action)?.ok_or(unstated)?)?
        .towards(wire.counterparty_id)?
        .in_interaction(wire.interaction_id)?;
    if let Some(number) = wire.counterparty_action
        && let Some(answer) = known_action("counterparty_action", number)?
    {
        action = action.answered_by(answer)?;
    }
    if let Some(payoff) = wire.payoff {
        action = action.gaining(payoff)?;
    }
    if let Some(stake) = wire.stake {
        action = action.staking(stake)?;
    }
    Ok(action)
}

fn view(wire: proto::AuditRequest) -> Result<View, Refused> {
    let view = match proto::AuditView::try_from(wire.view) {
        Ok(proto::AuditView::Unspecified | proto::AuditView::Default) => View::Default,
        Ok(proto::AuditView::SeedExact) => View::SeedExact,
        Ok(proto::AuditView::Full) => return Err(Refused::FullView),
        Err(_) => return Err(Refused::UnknownView { number: wire.view }),
    };
    if wire.window.is_some() { Err(Refused::Window) } else { Ok(view) }
}

/// Unspecified is nothing; what that means depends on the field.
fn known_action(field: &'static str, number: i32) -> Result<Option<Action>, Refused> {
    match proto::Action::try_from(number) {
        Ok(proto::Action::Unspecified) => Ok(None),
        Ok(proto::Action::Cooperate) => Ok(Some(Action::Cooperate)),
        Ok(proto::Action::Defect) => Ok(Some(Action::Defect)),
        Err(_) => Err(Refused::UnknownAction { field, number }),
    }
}

// === impl Cooperation ===

impl Cooperation {
    /// A door to this auditor.
    #[must_use]
    pub const fn new(auditor: Arc<Auditor>, metrics: Arc<Metrics>) -> Self {
        Self { auditor, metrics }
    }

    fn log(&self, wire: proto::LogActionRequest) -> Result<Logged, Refused> {
        let logged = self.auditor.log(&agent_action(wire)?)?;
        self.metrics.logged(logged == Logged::Counted);
        Ok(logged)
    }

    async fn log_all(
        &self,
        mut wires: impl Stream<Item = Result<proto::LogActionRequest, Status>> + Unpin,
    ) -> Result<proto::LogActionsResponse, Status> {
        let mut done = proto::LogActionsResponse::default();
        while let Some(wire) = wires.next().await {
            // Whoever shares this thread gets a turn, however much of the stream is here already.
            tokio::task::coop::consume_budget().await;
            match wire.and_then(|wire| Ok(self.log(wire)?)) {
                Ok(Logged::Counted) => done.counted += 1,
                Ok(Logged::Repeated) => done.repeated += 1,
                Err(status) => return Err(at(done, &status)),
            }
        }
        Ok(done)
    }
}

#[tonic::async_trait]
impl proto::cooperation_service_server::CooperationService for Cooperation {
    async fn log_action(
        &self,
        request: Request<proto::LogActionRequest>,
    ) -> Result<Response<proto::LogActionResponse>, Status> {
        let counted = self.log(request.into_inner())? == Logged::Counted;
        Ok(Response::new(proto::LogActionResponse { counted }))
    }

    async fn log_actions(
        &self,
        request: Request<Streaming<proto::LogActionRequest>>,
    ) -> Result<Response<proto::LogActionsResponse>, Status> {
        self.log_all(request.into_inner()).await.map(Response::new)
    }

    async fn audit(
        &self,
        request: Request<proto::AuditRequest>,
    ) -> Result<Response<proto::AuditResponse>, Status> {
        let view = view(request.into_inner())?;
        Ok(Response::new(self.auditor.audit(view).into()))
    }
}

// === domain to wire ===

impl From<Report> for proto::AuditResponse {
    fn from(report: Report) -> Self {
        Self {
            social_welfare: report.social_welfare,
            status: proto::AuditStatus::from(report.status).into(),
            actions: report.totals.actions(),
            cooperations: report.totals.cooperations,
            agents: report.agents as u64,
            recent_welfare: report.recent_welfare,
            evidence: report.evidence.as_str().to_owned(),
            flagged_agents: report.flagged_agents.into_iter().map(String::from).collect(),
        }
    }
}

impl From<audit::Status> for proto::AuditStatus {
    fn from(status: audit::Status) -> Self {
        match status {
            audit::Status::Stable => Self::Stable,
            audit::Status::PredatoryBehaviorDetected => Self::PredatoryBehaviorDetected,
            audit::Status::SystemicCollapseRisk => Self::SystemicCollapseRisk,
        }
    }
}

impl From<Refused> for Status {
    fn from(refused: Refused) -> Self {
        let message = refused.to_string();
        promising(match refused {
            Refused::Malformed(_) | Refused::UnknownAction { .. } | Refused::UnknownView { .. } => {
                Self::invalid_argument(message)
            }
            Refused::FullView | Refused::Window => Self::unimplemented(message),
            Refused::Full(_) => Self::resource_exhausted(message),
        })
    }
}

/// Tells the client of a stream where it ended, so that it can go on behind what was counted.
fn at(done: proto::LogActionsResponse, status: &Status) -> Status {
    let proto::LogActionsResponse { counted, repeated } = done;
    let position = counted + repeated;
    let message = status.message();
    promising(Status::new(
        status.code(),
        format!(
            "action {position}: {message}; before it, {counted} were counted and {repeated} were repeats"
        ),
    ))
}

#[cfg(test)]
mod tests {
    use tonic::Code;

    use super::*;
    use crate::pact::cooperation::ledger::LedgerLimits;
    use proto::cooperation_service_server::CooperationService;

    fn door(max_agents: usize) -> Cooperation {
        let limits = LedgerLimits { max_agents, max_interaction_ids: 100 };
        Cooperation::new(Arc::new(Auditor::new(limits)), Arc::new(Metrics::new(&["default"], "")))
    }

    fn defects(agent: &str) -> proto::LogActionRequest {
        proto::LogActionRequest {
            agent_id: agent.to_owned(),
            action: proto::Action::Defect.into(),
            ..Default::default()
        }
    }

    async fn audited(door: &Cooperation, view: proto::AuditView) -> proto::AuditResponse {
        let request = proto::AuditRequest { view: view.into(), window: None };
        door.audit(Request::new(request)).await.unwrap().into_inner()
    }

    #[tokio::test]
    async fn a_malformed_action_is_told_its_field_and_bound() {
        let long = "x".repeat(257);
        type Spoil<'a> = &'a dyn Fn(&mut proto::LogActionRequest);
        let table: [(Spoil<'_>, &str); 14] = [
            (&|wire| wire.agent_id.clear(), "`agent_id`: required, 1 to 256 bytes"),
            (&|wire| wire.agent_id = long.clone(), "`agent_id`: required, 1 to 256 bytes"),
            (&|wire| wire.action = 0, "`action`: `0` is not an action, "),
            (&|wire| wire.action = 3, "`action`: `3` is not an action, "),
            (&|wire| wire.action = -1, "`action`: `-1` is not an action, "),
            (&|wire| wire.counterparty_id = long.clone(), "`counterparty_id`: 0 to 256 bytes"),
            (
                &|wire| wire.counterparty_id = "ann".to_owned(),
                "`counterparty_id`: not the same as `agent_id`",
            ),
            (&|wire| wire.interaction_id = long.clone(), "`interaction_id`: 0 to 256 bytes"),
            (&|wire| wire.counterparty_action = Some(1), "`counterparty_action`: needs `counterparty_id`"),
            (&|wire| wire.counterparty_action = Some(9), "`counterparty_action`: `9` is not an action, "),
            (&|wire| wire.payoff = Some(f64::NAN), "`payoff`: a finite number"),
            (&|wire| wire.payoff = Some(f64::INFINITY), "`payoff`: a finite number"),
            (&|wire| wire.stake = Some(f64::INFINITY), "`stake`: a finite number, at least 0"),
            (&|wire| wire.stake = Some(-0.5), "`stake`: a finite number, at least 0"),
        ];
        let door = door(10);
        for (spoil, message) in table {
            let mut wire = defects("ann");
            spoil(&mut wire);
            let status = door.log_action(Request::new(wire)).await.unwrap_err();
            assert_eq!(status.code(), Code::InvalidArgument, "{status}");
            assert!(status.message().starts_with(message), "{status} instead of {message}");
        }
        assert_eq!(audited(&door, proto::AuditView::Default).await.actions, 0);
    }

    #[tokio::test]
    async fn a_full_action_is_counted_once_whatever_its_ids_are_made_of() {
        let door = door(10);
        for id in ["a:b@c", "🦀", "\u{0}\n", "{tag}", &"é".repeat(128)] {
            let wire = proto::LogActionRequest {
                counterparty_id: "🦀:b@c".to_owned(),
                interaction_id: id.to_owned(),
                counterparty_action: Some(proto::Action::Unspecified.into()),
                payoff: Some(-1.5),
                stake: Some(0.0),
                ..defects(id)
            };
            for counted in [true, false] {
                let response = door.log_action(Request::new(wire.clone())).await.unwrap().into_inner();
                assert_eq!(response.counted, counted, "{id:?}");
            }
        }
        assert_eq!(audited(&door, proto::AuditView::Default).await.agents, 5);
    }

    #[tokio::test]
    async fn a_full_ledger_is_resource_exhausted_and_names_the_setting() {
        let door = door(1);
        door.log_action(Request::new(defects("ann"))).await.unwrap();
        let status = door.log_action(Request::new(defects("bob"))).await.unwrap_err();
        assert_eq!(status.code(), Code::ResourceExhausted);
        assert!(status.message().contains("`cooperation.max_agents`"), "{status}");
    }

    #[tokio::test]
    async fn a_stream_ends_at_the_first_malformed_action_and_says_where() {
        let door = door(2);
        let named =
            |agent, id: &str| proto::LogActionRequest { interaction_id: id.to_owned(), ..defects(agent) };
        let sends = |wires: Vec<_>| tokio_stream::iter(wires.into_iter().map(Ok));
        let good = vec![named("ann", "1"), named("ann", "1"), named("bob", "1")];

        let done = door.log_all(sends(good.clone())).await.unwrap();
        assert_eq!(done, proto::LogActionsResponse { counted: 2, repeated: 1 });

        let status = door
            .log_all(sends([good.clone(), vec![defects("ann"), defects(""), defects("ann")]].concat()))
            .await;
        let status = status.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        let expected =
            "action 4: `agent_id`: required, 1 to 256 bytes; before it, 1 were counted and 3 were repeats";
        assert_eq!(status.message(), expected);
        assert_eq!(
            audited(&door, proto::AuditView::Default).await.actions,
            3,
            "what came before stays counted"
        );

        let status = door.log_all(sends(vec![defects("ann"), defects("carl")])).await.unwrap_err();
        assert_eq!(status.code(), Code::ResourceExhausted);
        assert!(status.message().starts_with("action 1: `cooperation.max_agents`: 2 agents"), "{status}");
    }

    #[tokio::test]
    async fn an_audit_answers_the_two_built_views_and_no_other() {
        let door = door(10);
        for agent in ["ann", "bob"] {
            let cooperates =
                proto::LogActionRequest { action: proto::Action::Cooperate.into(), ..defects(agent) };
            door.log_action(Request::new(cooperates)).await.unwrap();
        }
        for _ in 0..8 {
            door.log_action(Request::new(defects("Mal_Bot"))).await.unwrap();
        }
        let default = audited(&door, proto::AuditView::Unspecified).await;
        assert_eq!(default, audited(&door, proto::AuditView::Default).await);
        assert_eq!(default.status(), proto::AuditStatus::SystemicCollapseRisk);
        assert_eq!(default.flagged_agents, ["Mal_Bot"]);
        assert_eq!((default.actions, default.cooperations, default.agents), (10, 2, 3));
        assert_eq!((default.social_welfare, default.evidence.as_str()), (0.2, "ACTION_ONLY"));
        let seed = audited(&door, proto::AuditView::SeedExact).await;
        assert!(default.recent_welfare.is_some_and(|welfare| welfare < 0.2) && seed.recent_welfare.is_none());
        // 8 of 8 are less than 1.5 times 8 of 10: the seed flags nobody.
        assert_eq!((seed.status(), seed.flagged_agents.len()), (proto::AuditStatus::SystemicCollapseRisk, 0));

        let window = Some(prost_types::Duration { seconds: 60, nanos: 0 });
        for (view, window, code, field) in [
            (3, None, Code::Unimplemented, "`view`: AUDIT_VIEW_FULL"),
            (0, window, Code::Unimplemented, "`window`: "),
            (2, window, Code::Unimplemented, "`window`: "),
            (4, None, Code::InvalidArgument, "`view`: `4`"),
            (-1, window, Code::InvalidArgument, "`view`: `-1`"),
        ] {
            let request = proto::AuditRequest { view, window };
            let status = door.audit(Request::new(request)).await.unwrap_err();
            assert_eq!(status.code(), code, "{status}");
            assert!(status.message().starts_with(field), "{status}");
        }
    }
}
