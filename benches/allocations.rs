//! How often a step of the rules asks for memory: never, or this program fails.
#![expect(clippy::print_stdout, reason = "a report is printed")]
#![expect(unreachable_pub, reason = "a bench is one program: nothing leaves it")]

use std::hint::black_box;

use anyhow::{Result, ensure};

#[path = "support/stories.rs"]
mod stories;

fn main() -> Result<()> {
    let pact = stories::pact();
    println!("| rule step | allocations |\n|---|---|");
    for story in stories::STORIES {
        let mut subject = (story.begin)(&pact);
        let mut refused = 0;
        let counted = allocation_counter::measure(|| {
            refused = (0..story.steps).map(|_| u32::from(black_box(subject.step(&pact, story)))).sum();
        });
        ensure!(refused == story.refusals(), "{}: {refused} refused", story.name);
        println!("| {} | {} in {} steps |", story.name, counted.count_total, story.steps);
        ensure!(counted.count_total == 0, "{}: a rule step allocated", story.name);
    }
    Ok(())
}
