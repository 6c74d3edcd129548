//! A safety-pact that hangs, dies and comes back: nothing passes meanwhile, and everything goes on afterwards.

use std::time::Duration;

use tokio::time::Instant;

use crate::envoy::{Gateway, UNHURRIED, chat};
use crate::support::envoy::{Deadline, example};
use crate::support::eventually;

async fn open() -> Gateway {
    let gateway = Gateway::open_with(UNHURRIED, Deadline::Shipped, &example()).await;
    is_served(&gateway).await;
    gateway
}

/// Under the shipped deadline a busy machine may lose an answer, so this asks until there is one.
async fn is_served(gateway: &Gateway) {
    eventually("a permit", async || (gateway.sends(chat("hello")).await.status == 200).then_some(())).await;
}

async fn is_refused(gateway: &Gateway) {
    for _ in 0..5 {
        is_refused_once(gateway).await;
    }
}

/// In the same shape as our own refusals, though nobody was there to write it.
async fn is_refused_once(gateway: &Gateway) {
    let answer = gateway.refuses(chat("hello"), 503, "SAFETY_UNAVAILABLE").await;
    assert_eq!(answer.header("retry-after"), Some("1"));
}

#[tokio::test]
async fn a_hung_safety_pact_lets_nothing_pass_and_holds_nobody_up() {
    let gateway = open().await;
    gateway.server.stop();
    let asked_at = Instant::now();
    is_refused(&gateway).await;
    // Five times the shipped 0.25 s, with room for a busy machine; without a deadline it would be for ever.
    assert!(asked_at.elapsed() < Duration::from_secs(10), "{:?}", asked_at.elapsed());
    // Once the health check has noticed, nobody waits for the deadline any more.
    eventually("a refusal in less than half the deadline", async || {
        let asked_at = Instant::now();
        is_refused_once(&gateway).await;
        (asked_at.elapsed() < Duration::from_millis(125)).then_some(())
    })
    .await;
    gateway.server.cont();
    is_served(&gateway).await;
}

#[tokio::test]
async fn a_dead_safety_pact_lets_nothing_pass_until_it_is_back() {
    let mut gateway = open().await;
    gateway.server.kill().await;
    is_refused(&gateway).await;
    gateway.server.restart().await;
    is_served(&gateway).await;
}

/// An operator may prefer to let requests pass unjudged. Then nothing may say that they were judged.
#[tokio::test]
async fn what_passes_unjudged_carries_no_pact() {
    let open = example().replace("failure_mode_allow: false", "failure_mode_allow: true");
    let mut gateway = Gateway::open_with(UNHURRIED, Deadline::Shipped, &open).await;
    gateway.server.kill().await;
    let forged =
        chat("hello").header("x-safety-pact-awaiting", "AWAITED").header("x-safety-pact-effect", "PERMIT");
    assert_eq!(gateway.sends(forged).await.status, 200);
    let seen = gateway.upstream.only();
    for name in seen.headers.keys() {
        assert!(!name.as_str().starts_with("x-safety-pact-"), "{name}");
    }
}

#[tokio::test]
async fn a_safety_pact_that_is_asked_to_end_drains_although_envoy_holds_its_connection() {
    let mut gateway = open().await;
    assert_eq!(gateway.server.terminate().await, 0);
    is_refused(&gateway).await;
    gateway.server.restart().await;
    is_served(&gateway).await;
}
