//! The whole app in this process, on ports that the system picks and with a clock that stands until it is set.

use safety_pact::app::App;
use safety_pact::clock::Clock;
use safety_pact::config::Config;
use safety_pact::config::load::{ConfigFile, Sources};
use safety_pact::grpc::proto;
use safety_pact::grpc::proto::evaluate_request::Phase;
use safety_pact::grpc::proto::safety_service_client::SafetyServiceClient;
use safety_pact::pact::time::Timestamp;
use tonic::transport::Channel;

pub(crate) const START_MS: u64 = 1_800_000_000_000;

pub(crate) struct House {
    pub(crate) app: App,
    clock: Clock,
}

impl House {
    /// Opens with `yaml` on top of listeners that nobody else has.
    pub(crate) async fn open(yaml: &str) -> Self {
        let text = format!(
            "admin: {{listen: \"127.0.0.1:0\"}}\n{}{yaml}",
            if yaml.contains("server:") { "" } else { "server: {listen: \"127.0.0.1:0\"}\n" }
        );
        let file = Some(ConfigFile { name: "test".to_owned(), text });
        let config =
            Config::load(&Sources { file, ..Sources::default() }).expect("the test's config is valid").config;
        let clock = Clock::manual(Timestamp::from_ms(START_MS));
        let app = App::start(&config, clock.clone()).await.expect("the app starts");
        Self { app, clock }
    }

    pub(crate) fn is_at_ms(&self, ms: u64) {
        self.clock.set(Timestamp::from_ms(START_MS + ms));
    }

    pub(crate) async fn channel(&self) -> Channel {
        let address = self.app.grpc_address.expect("it listens on TCP");
        Channel::from_shared(format!("http://{address}"))
            .expect("an address")
            .connect()
            .await
            .expect("it accepts")
    }

    pub(crate) async fn client(&self) -> SafetyServiceClient<Channel> {
        SafetyServiceClient::new(self.channel().await)
    }
}

/// `user` says `text`.
pub(crate) fn says(user: &str, text: &str) -> proto::EvaluateRequest {
    proto::EvaluateRequest {
        user_id: user.to_owned(),
        phase: Some(Phase::Input(proto::Input { text: text.to_owned() })),
        ..proto::EvaluateRequest::default()
    }
}
