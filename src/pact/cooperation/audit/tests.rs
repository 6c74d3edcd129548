//! The audit against the seed's scenarios, a recorded stream, and a second implementation that scans history.

use proptest::prelude::*;

use super::*;
use crate::pact::cooperation::{
    action::{
        Action::{self, Cooperate, Defect},
        AgentAction,
    },
    ledger::LedgerLimits,
};

type Move = (&'static str, Action);

fn logged<'a>(history: impl IntoIterator<Item = &'a Move>) -> Ledger {
    let mut ledger = Ledger::new(LedgerLimits { max_agents: 100, max_interaction_ids: 0 });
    for (agent, action) in history {
        ledger.log(&AgentAction::new(*agent, *action).unwrap()).unwrap();
    }
    ledger
}

/// The three fields of the seed's report.
fn verdict<'a>(history: impl IntoIterator<Item = &'a Move>, view: View) -> (f64, Status, Vec<String>) {
    let report = audit(&logged(history), view);
    let flagged = report.flagged_agents.into_iter().map(String::from).collect();
    (report.social_welfare, report.status, flagged)
}

fn times(n: usize, agent: &'static str, action: Action) -> Vec<Move> {
    vec![(agent, action); n]
}

/// What happens in each of the seed's scenarios, one after the other; each agent's moves are a block.
fn seed_scenarios() -> [Vec<Move>; 3] {
    [
        [times(5, "A", Cooperate), times(5, "B", Cooperate)].concat(),
        [times(5, "A", Cooperate), times(5, "B", Cooperate), times(5, "Mal_Bot", Defect)].concat(),
        [times(10, "A", Defect), times(10, "B", Defect), times(10, "Mal_Bot", Defect)].concat(),
    ]
}

fn seed_verdicts() -> [(f64, Status, Vec<String>); 3] {
    [
        (1.0, Status::Stable, vec![]),
        (0.8, Status::PredatoryBehaviorDetected, vec!["Mal_Bot".to_owned()]),
        (0.36, Status::SystemicCollapseRisk, vec!["Mal_Bot".to_owned()]),
    ]
}

fn round_robin(blocks: &[Move]) -> Vec<Move> {
    let of = |agent| blocks.iter().filter(move |(who, _)| *who == agent).collect::<Vec<_>>();
    let queues = [of("A"), of("B"), of("Mal_Bot")];
    (0..10).flat_map(|turn| queues.iter().filter_map(move |queue| queue.get(turn))).map(|m| **m).collect()
}

fn assert_scenarios(scenarios: &[Vec<Move>; 3]) {
    let verdicts = [1, 2, 3].map(|n| verdict(scenarios[..n].iter().flatten(), View::Default));
    assert_eq!(verdicts, seed_verdicts(), "{scenarios:?}");
}

#[test]
fn the_seeds_scenarios_come_out_and_the_third_is_a_collapse() {
    let blockwise = seed_scenarios();
    assert_scenarios(&blockwise);
    assert_scenarios(&blockwise.clone().map(|blocks| round_robin(&blocks)));
    assert_scenarios(&blockwise.map(|blocks| blocks.into_iter().rev().collect()));
}

#[test]
fn the_seeds_own_rule_sees_no_collapse_in_the_third_scenario() {
    let (welfare, status, flagged) = verdict(seed_scenarios().iter().flatten(), View::SeedExact);
    assert_eq!((welfare, status), (0.36, Status::PredatoryBehaviorDetected));
    assert_eq!(flagged, ["Mal_Bot"]);
}

/// 9 of 14 are exactly 1.5 times 9 of 21, but not in doubles: there the share of defections decides, rounded once.
#[test]
fn a_tie_with_the_seeds_bound_falls_as_its_doubles_do() {
    let history = [times(9, "A", Defect), times(5, "A", Cooperate), times(7, "B", Cooperate)].concat();
    assert_eq!(verdict(&history, View::SeedExact).2, ["A"]);
    let history = [times(7, "A", Defect), times(1, "A", Cooperate), times(4, "B", Cooperate)].concat();
    assert_eq!(verdict(&history, View::SeedExact).2, [""; 0], "7 of 8 against 7 of 12");
}

#[test]
fn an_agent_is_compared_with_the_others_and_not_with_itself() {
    let history = [times(2, "A", Cooperate), times(8, "predator", Defect)].concat();
    assert_eq!(verdict(&history, View::Default).2, ["predator"], "although 8 of 10 defect");
}

#[test]
fn an_empty_ledger_is_stable_in_both_views() {
    for view in [View::Default, View::SeedExact] {
        let expected = Report {
            social_welfare: 1.0,
            status: Status::Stable,
            flagged_agents: vec![],
            totals: Counts::default(),
            agents: 0,
            recent_welfare: None,
            evidence: Evidence::ActionOnly,
        };
        assert_eq!(audit(&logged(&[]), view), expected);
    }
}

#[test]
fn recent_welfare_is_told_in_the_default_view_only() {
    let ledger = logged(&times(3, "A", Cooperate));
    assert_eq!(audit(&ledger, View::Default).recent_welfare, Some(1.0));
    assert_eq!(audit(&ledger, View::SeedExact).recent_welfare, None);
}

#[test]
fn one_act_flags_a_newcomer_under_the_seeds_rule_only() {
    let history = [times(20, "A", Cooperate), times(1, "newcomer", Defect)].concat();
    assert_eq!(verdict(&history, View::SeedExact).2, ["newcomer"]);
    assert_eq!(verdict(&history, View::Default).2, [""; 0]);
    let history = [times(20, "A", Cooperate), times(2, "newcomer", Defect)].concat();
    assert_eq!(verdict(&history, View::Default).2, ["newcomer"], "2 of 2: at least .42");
}

#[test]
fn a_predator_is_named_even_if_most_defect() {
    let spiral = [times(8, "A", Cooperate), times(12, "A", Defect), times(40, "predator", Defect)].concat();
    assert_eq!(verdict(&spiral, View::SeedExact).2, [""; 0]);
    assert_eq!(verdict(&spiral, View::Default).2, ["predator"]);
}

#[test]
fn the_only_agent_has_no_peers_to_be_compared_with() {
    assert_eq!(verdict(&times(9, "A", Defect), View::Default), (0.0, Status::Stable, vec![]));
    assert_eq!(verdict(&times(10, "A", Defect), View::Default), (0.0, Status::SystemicCollapseRisk, vec![]));
}

#[test]
fn flagged_agents_stand_in_byte_order() {
    let predators = ["é", "b", "B", "ab", "a", "\u{1}"];
    let mut history = times(60, "A", Cooperate);
    history.extend(predators.iter().flat_map(|id| times(4, id, Defect)));
    for view in [View::Default, View::SeedExact] {
        assert_eq!(verdict(&history, view).2, ["\u{1}", "B", "a", "ab", "b", "é"]);
    }
}

#[test]
fn shares_round_as_in_python() {
    // Exact ties go to even, 0.285 and 0.575 lie below their decimal in binary and 0.005 above.
    for (x, rounded) in [
        (0.125, 0.12),
        (0.375, 0.38),
        (0.625, 0.62),
        (0.875, 0.88),
        (1.0 / 200.0, 0.01),
        (3.0 / 200.0, 0.01),
        (57.0 / 200.0, 0.28),
        (115.0 / 200.0, 0.57),
        (199.0 / 200.0, 0.99),
        (2.0 / 3.0, 0.67),
        (0.0, 0.0),
        (1.0, 1.0),
    ] {
        assert_eq!(rounded_to_cents(x).to_bits(), f64::to_bits(rounded), "{x}");
    }
}

/// Recorded from a Python transcript of the seed's rule. A letter is an agent's move: `A` cooperates, `a` defects.
const RECORDED: &str = "CCADBABACDBDmAmAAmABBdccbamabdAammbBBdmAddBdbamdmmmmcmmmmmmm\
                        accAcmbmbdcBbcmacmBccccmaccbbbbDbDABCDABCDAB";

#[test]
fn a_recorded_stream_comes_out_as_it_did_in_python() {
    use Status::{PredatoryBehaviorDetected as Predatory, Stable, SystemicCollapseRisk as Collapse};
    let agents = ["a", "b", "c", "d", "m"];
    let history: Vec<Move> = RECORDED
        .chars()
        .map(|letter| {
            let id = letter.to_ascii_lowercase().to_string();
            let agent = *agents.iter().find(|agent| **agent == id).unwrap();
            (agent, if letter.is_ascii_uppercase() { Cooperate } else { Defect })
        })
        .collect();
    for (after, welfare, status, flagged) in [
        (0, 1.0, Stable, ""),
        (12, 1.0, Stable, ""),
        (16, 0.88, Predatory, "m"),
        (30, 0.6, Predatory, "m"),
        (60, 0.38, Predatory, "m"),
        // 28 of 94 round to .3 and are less: the status looks at the share before it is rounded.
        (94, 0.3, Collapse, ""),
        (95, 0.31, Stable, ""),
        (104, 0.37, Predatory, "m"),
    ] {
        let (seen_welfare, seen_status, seen_flagged) = verdict(&history[..after], View::SeedExact);
        assert_eq!(seen_welfare.to_bits(), f64::to_bits(welfare), "after {after}");
        assert_eq!((seen_status, seen_flagged.concat().as_str()), (status, flagged), "after {after}");
    }
}

/// The seed's rule as the seed computes it: by scanning all history for every agent.
fn by_scanning(history: &[Move]) -> (f64, Status, Vec<String>) {
    if history.is_empty() {
        return (1.0, Status::Stable, vec![]);
    }
    let rate_of = |moves: &[&Move]| {
        moves.iter().filter(|(_, action)| *action == Defect).count() as f64 / moves.len() as f64
    };
    let everything: Vec<&Move> = history.iter().collect();
    let global = rate_of(&everything);
    let mut agents: Vec<&str> = history.iter().map(|(agent, _)| *agent).collect();
    agents.sort_by_key(|id| id.as_bytes());
    agents.dedup();
    let rate = |id: &str| rate_of(&history.iter().filter(|(agent, _)| *agent == id).collect::<Vec<_>>());
    agents.retain(|id| rate(id) > 0.5 && rate(id) > 1.5 * global);
    let cooperations = history.iter().filter(|(_, action)| *action == Cooperate).count();
    let welfare = cooperations as f64 / history.len() as f64;
    let status = if welfare < 0.3 {
        Status::SystemicCollapseRisk
    } else if agents.is_empty() {
        Status::Stable
    } else {
        Status::PredatoryBehaviorDetected
    };
    (cents_by_exact_integers(welfare), status, agents.into_iter().map(str::to_owned).collect())
}

/// A double is m * 2^-e, so 100 of it are an exact fraction: round that, ties to even.
fn cents_by_exact_integers(x: f64) -> f64 {
    if x < 2.0_f64.powi(-20) {
        return 0.0;
    }
    let (fraction, exponent) = (x.to_bits() & ((1 << 52) - 1), x.to_bits() >> 52);
    let (numerator, denominator) = (100 * u128::from(fraction | 1 << 52), 1_u128 << (1075 - exponent));
    let (floor, rest) = (numerator / denominator, numerator % denominator);
    let up = 2 * rest > denominator || (2 * rest == denominator && floor % 2 == 1);
    (floor + u128::from(up)) as f64 / 100.0
}

fn history(agents: usize, longest: usize) -> impl Strategy<Value = Vec<Move>> {
    // Each agent has its own inclination, so that predators, saints and exact ties all occur.
    let inclinations = prop::collection::vec(0..=8_u8, agents);
    let throws = prop::collection::vec((0..agents, 0..8_u8), 0..longest);
    (inclinations, throws).prop_map(|(inclinations, throws)| {
        throws
            .into_iter()
            .map(|(agent, throw)| {
                let action = if throw < inclinations[agent] { Defect } else { Cooperate };
                (["ann", "Bob", "c:3", "d@4", "🦀", "e", "E"][agent], action)
            })
            .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn seed_exact_is_the_scanning_rule_bit_for_bit(history in history(7, 60)) {
        let (welfare, status, flagged) = verdict(&history, View::SeedExact);
        let (scanned_welfare, scanned_status, scanned_flagged) = by_scanning(&history);
        prop_assert_eq!(welfare.to_bits(), scanned_welfare.to_bits());
        prop_assert_eq!((status, flagged), (scanned_status, scanned_flagged));
    }

    #[test]
    fn seed_exact_does_not_depend_on_the_order_of_actions(
        (sorted, shuffled) in history(7, 40).prop_flat_map(|h| (Just(h.clone()), Just(h).prop_shuffle())),
    ) {
        let report = |history: &[Move]| audit(&logged(history), View::SeedExact);
        prop_assert_eq!(report(&sorted), report(&shuffled));
    }

    #[test]
    fn the_seeds_scenarios_come_out_in_any_order_within_each(
        (one, two, three) in {
            let [one, two, three] = seed_scenarios().map(|moves| Just(moves).prop_shuffle());
            (one, two, three)
        },
    ) {
        assert_scenarios(&[one, two, three]);
    }

    #[test]
    fn the_lower_bound_stays_below_the_share_and_grows_with_the_evidence(some in 0..500_u64, more in 1..500_u64) {
        let all = some + more;
        let (once, tenfold) = (wilson_lower_bound(some, all), wilson_lower_bound(10 * some, 10 * all));
        prop_assert!(-1e-12 < once && once <= tenfold + 1e-12 && tenfold <= share(some, all) + 1e-12);
    }
}
