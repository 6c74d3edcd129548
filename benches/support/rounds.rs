//! Interleaved rounds and what they say: medians of neighbours' ratios, and the spread.

use std::fmt;
use std::sync::Arc;

use anyhow::Result;

use crate::load::{Door, Load};
use crate::process::Server;
use crate::questions::Questions;

/// How the questions are put.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    pub unix: bool,
    pub connections: usize,
    pub streams: usize,
}

/// How long to look.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    pub rounds: usize,
    /// Requests to each server in a round.
    pub requests: u64,
}

/// One server's rounds.
pub struct Course {
    /// Microseconds of server CPU per request, a value for each round.
    pub us: Vec<f64>,
    /// Bytes of one answer.
    pub answer_bytes: usize,
}

/// Asks the servers in turn, round by round. The first round of each warms it and is not counted.
pub async fn interleave(
    servers: &[&Server],
    questions: &Arc<Questions>,
    setting: Setting,
    effort: Effort,
) -> Result<Vec<Course>> {
    let mut loads = Vec::new();
    for server in servers {
        let door: &Door = if setting.unix { &server.unix } else { &server.tcp };
        loads.push(Load::connect(door, setting.connections).await?);
    }
    let mut courses: Vec<Course> =
        servers.iter().map(|_| Course { us: Vec::new(), answer_bytes: 0 }).collect();
    for round in 0..=effort.rounds {
        // The same to each server.
        let numbers = questions.next(effort.requests);
        for turn in 0..servers.len() {
            // Each goes first, and follows each other, equally often.
            let turn = (turn + round) % servers.len();
            let (server, load, course) = (servers[turn], &loads[turn], &mut courses[turn]);
            let before = server.cpu_ns()?;
            course.answer_bytes = load.ask(questions, numbers.clone(), setting.streams).await?.len();
            let spent = server.cpu_ns()? - before;
            if round > 0 {
                course.us.push(spent as f64 / effort.requests as f64 / 1000.0);
            }
        }
    }
    Ok(courses)
}

/// Middle, and the quarters on either side of it.
#[derive(Debug, Clone, Copy)]
pub struct Spread {
    pub median: f64,
    pub low: f64,
    pub high: f64,
}

impl fmt::Display for Spread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2} ({:.2}-{:.2})", self.median, self.low, self.high)
    }
}

pub fn spread(values: &[f64]) -> Spread {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = |quarter: usize| sorted[(sorted.len() - 1) * quarter / 4];
    Spread { median: at(2), low: at(1), high: at(3) }
}

/// Of each round, how many times the floor the course cost.
pub fn ratio(course: &Course, floor: &Course) -> Spread {
    spread(&course.us.iter().zip(&floor.us).map(|(us, floor)| us / floor).collect::<Vec<f64>>())
}
