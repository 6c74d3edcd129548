//! What the rules and the store cost by themselves: nanoseconds a step, nanoseconds an update among a million
//! subjects, bytes a subject.
//!
//! Each number is the median over many short batches, so a compile next door moves it little.
//! `benches/allocations.rs` counts allocations: that needs another allocator than the one we ship.
#![expect(clippy::print_stdout, reason = "a report is printed")]
#![expect(unreachable_pub, reason = "a bench is one program: nothing leaves it")]

use std::fs;
use std::hint::black_box;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use safety_pact::clock::Stopwatch;
use safety_pact::pact::interaction::TrustTier;
use safety_pact::store::memory::MemoryStore;
use safety_pact::store::{Store, SubjectKey};

#[path = "support/stories.rs"]
mod stories;

use stories::{START, STORIES, Story, pact};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let [command, ids, subjects, batches] = &args[..]
        && command == "store"
    {
        return store(subjects.parse()?, ids.parse()?, batches.parse()?);
    }
    let quick = args.iter().any(|arg| arg == "--quick");
    println!("| rule step | ns, median (quartiles) |\n|---|---|");
    for story in STORIES {
        println!("| {} | {} |", story.name, rule_step(story, if quick { 20 } else { 1_000 })?);
    }
    let subjects = if quick { 20_000 } else { 1_000_000 };
    println!(
        "\n| store with {subjects} subjects | ns an update, median (quartiles) | bytes a subject |\n|---|---|---|"
    );
    for ids in ["0", "4", "8"] {
        // In a process of its own: memory that an earlier store gave back would hide what this one takes.
        let filled = Command::new(std::env::current_exe()?)
            .args(["store", ids, &subjects.to_string(), if quick { "5" } else { "200" }])
            .status()?;
        ensure!(filled.success(), "the store with {ids} interaction ids: {filled}");
    }
    Ok(())
}

/// Nanoseconds of one step of `story`.
fn rule_step(story: &Story, batches: usize) -> Result<Quartiles> {
    let pact = pact();
    let mut ns = Vec::with_capacity(batches);
    for _ in 0..batches {
        let mut subject = (story.begin)(&pact);
        let watch = Stopwatch::start();
        let mut refused = 0_u32;
        for _ in 0..story.steps {
            refused += u32::from(black_box(subject.step(&pact, story)));
        }
        ns.push(watch.elapsed().as_nanos() as f64 / f64::from(story.steps));
        ensure!(refused == story.refusals(), "{}: {refused} refused", story.name);
    }
    Ok(quartiles(ns))
}

/// Fills a store until each subject has `ids` interaction ids remembered, then updates subjects of it at random.
fn store(subjects: u32, ids: u32, batches: u32) -> Result<()> {
    const BATCH: u32 = 5_000;
    let pact = pact();
    let before = resident_bytes()?;
    let store = Store::Memory(MemoryStore::new(subjects as usize, vec![pact.clone()]));
    let mut now = START;
    let mut serial = 0_u64;
    let update = |subject: u64, serial: &mut u64, now| {
        *serial += 1;
        let interaction = stories::interaction(10, (ids > 0).then_some(*serial));
        store.update(
            // The real key is a hash: spread over all its bits.
            SubjectKey(u128::from(subject + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)),
            0,
            now,
            || pact.newcomer(TrustTier::User, now),
            |state| stories::refused(&pact.evaluate(state, &interaction, &stories::NOTHING_FOUND, now)),
        )
    };
    // Seven seconds apart: users in the middle of a conversation.
    for _ in 0..ids.max(4) {
        for subject in 0..u64::from(subjects) {
            ensure!(!update(subject, &mut serial, now)?, "refused while filling");
        }
        now = now.plus_ms(7_000);
    }
    let bytes = (resident_bytes()? - before) as f64 / f64::from(subjects);
    let mut ns = Vec::new();
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    for _ in 0..batches {
        let watch = Stopwatch::start();
        for _ in 0..BATCH {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            black_box(update(random % u64::from(subjects), &mut serial, now)?);
        }
        ns.push(watch.elapsed().as_nanos() as f64 / f64::from(BATCH));
        now = now.plus_ms(100);
    }
    println!("| {ids} interaction ids remembered of each | {} | {bytes:.0} |", quartiles(ns));
    Ok(())
}

fn resident_bytes() -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1024)
}

/// The middle of many values, and the quarters on either side of it.
struct Quartiles([f64; 3]);

impl std::fmt::Display for Quartiles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [low, median, high] = self.0;
        write!(f, "{median:.0} ({low:.0}-{high:.0})")
    }
}

fn quartiles(mut values: Vec<f64>) -> Quartiles {
    values.sort_by(f64::total_cmp);
    Quartiles([1, 2, 3].map(|quarter| values[(values.len() - 1) * quarter / 4]))
}
