//! How much new text a request carries, if we can know it.
//!
//! Text that was not shown whole is never taken for no text: a cut body is too large, and one that was not shown or
//! cannot be read is unseen.

use crate::config::RoutesConfig;
use crate::grpc::ext_authz::request::Asked;
use crate::pact::decision::Reason;
use crate::payload::{Dialect, PayloadError, dialect_of_content_type, extract};

/// The new text of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Text {
    /// All of it was read.
    Seen {
        /// Characters from those who are charged.
        chars: u64,
    },
    /// There is or may be text that we cannot read.
    Unseen,
}

/// How much new text there is. `dialect` is the route's own, if it has one.
pub(super) fn read(
    asked: &Asked<'_>,
    dialect: Option<Dialect>,
    routes: &RoutesConfig,
) -> Result<Text, Reason> {
    let body = asked.body;
    if asked.is_body_shown() {
        // Envoy's word alone is not enough: it says `false` when a read ended exactly on the limit.
        let cut = asked.is_cut()
            || body.len() >= routes.max_request_bytes
            || asked.has_length(body.len()) == Some(false);
        if cut {
            return Err(Reason::BodyTooLarge);
        }
    } else if asked.announces_body() || asked.may_hide_body() {
        return Ok(Text::Unseen);
    }
    if asked.is_tunnel() || !body.is_empty() && is_encoded(asked) {
        return Ok(Text::Unseen);
    }
    // A route's dialect holds whatever the content type says: upstreams often do not look at it, so a client could
    // choose with it how much of its text is seen. What does not parse is refused, so nothing slips by.
    if let Some(dialect) = dialect {
        return chars(dialect, body, routes).map_err(malformed);
    }
    match asked.headers.get("content-type") {
        // Two content types are one too many: who reads which?
        Some(content_type) if content_type.contains(',') => Ok(Text::Unseen),
        Some(content_type) => match dialect_of_content_type(&content_type) {
            Some(dialect) => chars(dialect, body, routes).map_err(malformed),
            None => Ok(Text::Unseen),
        },
        None if body.is_empty() => Ok(Text::Seen { chars: 0 }),
        // Clients that forget the content type mostly send JSON. Anything else could mean anything.
        None => Ok(chars(Dialect::Auto, body, routes).unwrap_or(Text::Unseen)),
    }
}

fn is_encoded(asked: &Asked<'_>) -> bool {
    asked.headers.get("content-encoding").is_some_and(|coding| {
        let coding = coding.trim();
        !coding.is_empty() && !coding.eq_ignore_ascii_case("identity")
    })
}

fn chars(dialect: Dialect, body: &[u8], routes: &RoutesConfig) -> Result<Text, PayloadError> {
    Ok(Text::Seen { chars: extract(dialect, body)?.chars(&routes.charged_roles) })
}

fn malformed(error: PayloadError) -> Reason {
    // Names the field, never what is in it.
    tracing::debug!(%error, "a request was refused: its body cannot be read");
    Reason::MalformedInput
}
