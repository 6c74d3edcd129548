//! The top level and every section but fair play.

use super::{FAIR_PLAY, Field, Kind, Low, Shape, Unit};
use crate::pact::interaction::TrustTier;
use crate::payload::Dialect;

const fn value(name: &'static str, default: &'static str, kind: Kind, about: &'static str) -> Field {
    Field { name, about, shape: Shape::Value { kind, default } }
}

const fn section(name: &'static str, fields: &'static [Field], about: &'static str) -> Field {
    Field { name, about, shape: Shape::Section(fields) }
}

const MEBIBYTE: i64 = 1 << 20;
const NAME: Kind = Kind::Text { min: 1, max: 256 };
const NAME_OR_NONE: Kind = Kind::Text { min: 0, max: 256 };
const UNSEEN: Kind = Kind::Choice(|| vec!["refuse", "judge"]);

pub(super) const ROOT: &[Field] = &[
    section("server", SERVER, "The gRPC listeners and their limits."),
    section("admin", ADMIN, "The admin HTTP listener: probes and metrics."),
    section("state", STATE, "What is remembered, and how much of it."),
    section("identity", IDENTITY, "Where a gateway's requests say who asks."),
    section(
        "routes",
        ROUTES,
        "Which requests are judged, and how their bodies are read. The default is to judge.",
    ),
    Field {
        name: "policies",
        about: "Policies by name: 1 to 64 of a-z, 0-9, `_` and `-`. `default` always exists and judges whatever \
                names no policy. Every policy takes the built-in defaults for what it does not say, never the \
                values of `default`.",
        shape: Shape::Policies(POLICY),
    },
    section("cooperation", COOPERATION, "The cooperation ledger."),
    section("monitor", &[], "Alerts. This version has none yet: the mapping must be empty."),
    section("telemetry", TELEMETRY, "Logs."),
];

const SERVER: &[Field] = &[
    value(
        "listen",
        "127.0.0.1:50051",
        Kind::Address,
        "The gRPC address. `off` leaves the Unix socket alone; one of the two must be there. Use 0.0.0.0 only \
         inside a trusted network.",
    ),
    Field {
        name: "unix_socket",
        about: "A Unix socket beside or instead of the address: the natural door for a sidecar. Off unless its \
                `path` is set.",
        shape: Shape::Switchable { fields: UNIX_SOCKET, on: false },
    },
    value(
        "worker_threads",
        "0",
        Kind::Whole { low: 0, high: 256, unit: "threads" },
        "How many threads serve connections; 0 is one per available core.",
    ),
    value(
        "max_message_bytes",
        "4194304",
        Kind::Whole { low: 131_072, high: 256 * MEBIBYTE, unit: "bytes" },
        "The largest gRPC message taken. At least 64 KiB more than `routes.max_request_bytes`.",
    ),
    value(
        "max_text_bytes",
        "1048576",
        Kind::Whole { low: 1, high: 256 * MEBIBYTE, unit: "bytes" },
        "The longest text judged; a longer one is refused, never cut.",
    ),
    value(
        "max_concurrent_streams",
        "1024",
        Kind::Whole { low: 1, high: 1_000_000, unit: "requests" },
        "The most requests in progress on one connection. Lower it to keep one gateway from taking all.",
    ),
    value(
        "max_connections",
        "10000",
        Kind::Whole { low: 1, high: 1_000_000, unit: "connections" },
        "The most connections at once; the next one waits. Keep it below the limit of open files.",
    ),
    value(
        "drain_timeout",
        "10",
        Kind::Decimal { unit: Unit::Seconds, low: Low::AtLeast(0), high: 3_600_000 },
        "How long requests in progress may take to end after SIGTERM. Keep it below the pod's grace period.",
    ),
];

const UNIX_SOCKET: &[Field] = &[
    value("path", "", Kind::SocketPath, "Where the socket is made; needed to turn it on."),
    value(
        "mode",
        "0660",
        Kind::FileMode,
        "Its permission bits, read as octal with or without a leading 0. 0666 lets every local user ask.",
    ),
];

const ADMIN: &[Field] = &[value(
    "listen",
    "127.0.0.1:8081",
    Kind::Address,
    "The address of probes and metrics. `off` turns them off.",
)];

const STATE: &[Field] = &[
    value(
        "max_subjects",
        "1000000",
        Kind::Whole { low: 1, high: 100_000_000, unit: "subjects" },
        "The most subjects remembered at once, over all policies. At the cap a new subject is refused with \
         `CAPACITY_EXHAUSTED`, because forgetting somebody would forgive. Plan about 400 bytes for each.",
    ),
    Field {
        name: "redis",
        about: "State shared between replicas. Not in this version.",
        shape: Shape::NotYet("this version keeps state in memory only: each replica counts on its own"),
    },
    Field {
        name: "journal",
        about: "State that survives a restart. Not in this version.",
        shape: Shape::NotYet("this version keeps state in memory only: a restart forgets it"),
    },
];

const IDENTITY: &[Field] = &[
    Field {
        name: "jwt",
        about: "Claims of a token that the gateway verified. Asked first; `off` turns it off.",
        shape: Shape::Switchable { fields: JWT, on: true },
    },
    value("mtls", "true", Kind::Switch, "The principal of the client's certificate. Asked second."),
    value(
        "context_extension",
        "user",
        NAME_OR_NONE,
        "The key in the route's `context_extensions` that names the user; empty turns it off. Asked third.",
    ),
    section(
        "headers",
        HEADERS,
        "Headers that the gateway strips from clients and sets itself; asked last. A header that clients can \
         send is a forged identity.",
    ),
    value(
        "default_tier",
        "user",
        Kind::Choice(|| TrustTier::ALL.iter().map(|tier| tier.name()).collect()),
        "The tier of a user whose source states none.",
    ),
];

const JWT: &[Field] = &[
    value(
        "metadata_namespace",
        "envoy.filters.http.jwt_authn",
        NAME,
        "The filter metadata's namespace. Change it for another filter than Envoy's jwt_authn.",
    ),
    value(
        "payload_key",
        "",
        NAME_OR_NONE,
        "The key of the payload in it (Envoy's `payload_in_metadata`); empty takes the namespace's only struct.",
    ),
    value("user_claim", "sub", NAME, "The claim that names the user."),
    value("age_claim", "", NAME_OR_NONE, "The claim with the age in years; empty for none."),
    value("tier_claim", "", NAME_OR_NONE, "The claim with the tier's name; empty for none."),
];

const HEADERS: &[Field] = &[
    value("user", "", Kind::Header, "The header that names the user."),
    value("age", "", Kind::Header, "The header with the age in years."),
    value("tier", "", Kind::Header, "The header with the tier's name."),
];

const ROUTES: &[Field] = &[
    value(
        "bypass_paths",
        "[/healthz, /livez, /readyz, /health]",
        Kind::List { of: &Kind::RequestPath { begins_with_slash: true }, may_be_empty: true },
        "Paths let through unjudged. They match exactly, as written on the wire before `?`.",
    ),
    value(
        "bypass_methods",
        "[GET, HEAD, OPTIONS]",
        Kind::List { of: &Kind::Method, may_be_empty: true },
        "Methods let through unjudged when the request has no body.",
    ),
    value(
        "max_request_bytes",
        "65536",
        Kind::Whole { low: 1, high: 255 * MEBIBYTE, unit: "bytes" },
        "The gateway's own `max_request_bytes`, the same number: a body that reaches it may have been cut and \
         is refused. Above 1 MiB raise Envoy's connection buffer too.",
    ),
    value(
        "unseen_text",
        "refuse",
        UNSEEN,
        "What becomes of a judged request whose text was not shown. `judge` takes it as an input without text.",
    ),
    value(
        "charged_roles",
        "[user]",
        Kind::List { of: &Kind::Choice(|| vec!["user", "assistant", "system", "tool"]), may_be_empty: false },
        "Whose words are charged. Add tool where tool results come from the user.",
    ),
    Field {
        name: "rules",
        about: "Routes with settings of their own, asked in order; each setting comes from the first matching rule \
                that states it. The built-in rules for OpenAI, Anthropic and Gemini paths come last, so a rule about \
                the policy alone keeps their payloads.",
        shape: Shape::Rules(RULE),
    },
];

const RULE: &[Field] = &[
    value(
        "path",
        "",
        Kind::RequestPath { begins_with_slash: true },
        "This path, exactly as written on the wire before `?`. Each rule has one of the three.",
    ),
    value("path_prefix", "", Kind::RequestPath { begins_with_slash: true }, "Every path that begins so."),
    value("path_suffix", "", Kind::RequestPath { begins_with_slash: false }, "Every path that ends so."),
    value(
        "payload",
        "",
        Kind::Choice(|| Dialect::ALL.iter().map(|dialect| dialect.name()).collect()),
        "The shape of its bodies; absent leaves it to the next rule, in the end to the content type.",
    ),
    value(
        "policy",
        "",
        Kind::Text { min: 1, max: 64 },
        "The policy that judges it; absent leaves it to the request.",
    ),
    value("unseen_text", "", UNSEEN, "As `routes.unseen_text`, for this route."),
];

const POLICY: &[Field] = &[
    section(
        "fair_play",
        FAIR_PLAY,
        "Stamina, heat, flow and pacing. Points have six decimals, seconds, rates and factors three.",
    ),
    Field {
        name: "tiers",
        about: "`tiers.<tier>.fair_play`: any of the fields of `fair_play` that differ for anonymous, user, \
                verified or privileged subjects.",
        shape: Shape::Tiers(FAIR_PLAY),
    },
    section("developmental", DEVELOPMENTAL, "Developmental safety. Not judged by this version."),
    section("content", &[], "Content rules. This version has none yet: the mapping must be empty."),
    section("refusal", REFUSAL, "How a refusal is worded."),
];

const DEVELOPMENTAL: &[Field] = &[value(
    "developmental_safety_mode",
    "false",
    Kind::Switch,
    "The seed's switch. This version has no developmental rules yet and warns when it is on.",
)];

const REFUSAL: &[Field] = &[Field {
    name: "messages",
    about: "Words by reason code (`RATE_LIMITED: \"Slow down.\"`) in place of the built-in ones; 1 to 500 \
            characters without control characters.",
    shape: Shape::Messages,
}];

const COOPERATION: &[Field] = &[
    value(
        "max_agents",
        "100000",
        Kind::Whole { low: 1, high: 10_000_000, unit: "agents" },
        "The most agents in the ledger.",
    ),
    value(
        "max_interaction_ids",
        "1000000",
        Kind::Whole { low: 1, high: 100_000_000, unit: "ids" },
        "How many interaction ids are remembered, so that a repeat is not counted twice.",
    ),
];

const TELEMETRY: &[Field] = &[
    value(
        "log_filter",
        "info",
        Kind::Text { min: 1, max: 500 },
        "The filter of the log in the syntax of `tracing`: `info`, `safety_pact=debug`.",
    ),
    value(
        "log_format",
        "auto",
        Kind::Choice(|| vec!["auto", "pretty", "json"]),
        "The shape of a log line. `auto` is json when `environment` is production or prod, else pretty.",
    ),
    value(
        "environment",
        "",
        Kind::Text { min: 0, max: 64 },
        "The name of the environment (`SAFETY_ENV`, `GRID_ENV`); shown at the start.",
    ),
];
