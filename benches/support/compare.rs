//! The two reports: the real server against the floor, and the floor in each runtime shape.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result};
use tokio::runtime::Runtime;

use crate::load::Load;
use crate::process::{Server, pin};
use crate::questions::{Kind, Questions, SUBJECTS};
use crate::rounds::{Effort, Setting, interleave, ratio, spread};
use crate::shapes::{Shape, UNSTABLE};

/// Limits that nothing in the run meets: what is measured is a permit, every time.
const CONFIG: &str = r#"
server: { listen: "127.0.0.1:0", unix_socket: { path: "SOCKET" } }
admin: { listen: "127.0.0.1:0" }
policies:
  default:
    fair_play:
      stamina_max: 1000000
      min_response_interval: 0
      max_burst_responses: 64
      burst_window: 0.001
      max_interactions_per_minute: 10000
      rate_limit_max: 100000
      heat_per_cost: 0
"#;

/// A folder for sockets and files, its path short enough for a socket; removed when dropped.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Result<Self> {
        let folder = std::env::temp_dir().join(format!("safety-pact-bench-{}", std::process::id()));
        fs::create_dir_all(&folder)?;
        Ok(Self(folder))
    }

    fn path(&self, name: &str) -> Result<String> {
        self.0.join(name).into_os_string().into_string().ok().context("a temporary folder in UTF-8")
    }

    fn start_noop(&self, cores: &str, shape: Shape, workers: usize) -> Result<Server> {
        let program =
            std::env::current_exe()?.into_os_string().into_string().ok().context("a program in UTF-8")?;
        let socket = self.path(&format!("{shape}-{workers}"))?;
        let args = ["noop", &shape.to_string(), &workers.to_string(), &socket, &self.path("")?];
        Server::start(cores, &program, &args)
    }

    /// Starts the real server, and leaves an answer of each kind for the no-op servers to repeat.
    fn start_real(&self, cores: &str, questions: &[Arc<Questions>]) -> Result<Server> {
        let config = self.path("config.yaml")?;
        fs::write(&config, CONFIG.replace("SOCKET", &self.path("real")?))?;
        let server =
            Server::start(cores, env!("CARGO_BIN_EXE_safety-pact"), &["serve", "--config", &config])?;
        for questions in questions {
            let answer = runtime()?.block_on(async {
                let load = Load::connect(&server.tcp, 1).await?;
                // The second answer of a subject has every header that later ones have.
                load.ask(questions, questions.next(SUBJECTS + 1), 16).await
            })?;
            fs::write(self.path(&questions.kind.to_string())?, &answer)?;
        }
        Ok(server)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed is left to the system.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn runtime() -> Result<Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}

/// The real server against the floor.
pub fn run(quick: bool) -> Result<()> {
    pin("1")?;
    let scratch = Scratch::new()?;
    let all_questions = Kind::ALL.map(|kind| Arc::new(Questions::new(kind)));
    let real = scratch.start_real("0", &all_questions)?;
    let noop = scratch.start_noop("0", Shape::Dealt, 1)?;
    let effort =
        if quick { Effort { rounds: 4, requests: 1_000 } } else { Effort { rounds: 40, requests: 8_000 } };
    println!(
        "server CPU per request, 4 connections x 16 streams, {} rounds of {} requests; median (quartiles)",
        effort.rounds, effort.requests
    );
    println!(
        "| call | door | no-op, µs | safety-pact, µs | ratio | goal | bytes asked, no-op's answer, ours |"
    );
    println!("|---|---|---|---|---|---|---|");
    for (questions, goal) in all_questions.iter().zip([1.25, 1.5]) {
        for unix in [false, true] {
            let setting = Setting { unix, connections: 4, streams: 16 };
            let courses = runtime()?.block_on(interleave(&[&noop, &real], questions, setting, effort))?;
            let [floor, real] = &courses[..] else { unreachable!("two servers, two courses") };
            println!(
                "| {} | {} | {} | {} | {} | {goal} | {}, {}, {} |",
                questions.kind,
                if unix { "Unix" } else { "TCP" },
                spread(&floor.us),
                spread(&real.us),
                ratio(real, floor),
                questions.message_bytes(),
                floor.answer_bytes,
                real.answer_bytes
            );
        }
    }
    println!(
        "memory of the server after {SUBJECTS} subjects of each call: {} MiB",
        real.resident_bytes()? >> 20
    );
    Ok(())
}

/// The no-op server in each shape, all in one interleaved run, and how evenly connections fall.
pub fn run_shapes(quick: bool) -> Result<()> {
    let mut shapes = vec![Shape::Dealt, Shape::Reuseport, Shape::Stealing];
    if UNSTABLE {
        shapes.push(Shape::NoLifo);
    }
    let all_questions = Kind::ALL.map(|kind| Arc::new(Questions::new(kind)));
    let scratch = Scratch::new()?;
    drop(scratch.start_real("0", &all_questions)?);
    let [evaluate, _] = all_questions;
    for (workers, server_cores, client_cores) in [(1, "0", "1"), (2, "0,1", "0,1")] {
        pin(client_cores)?;
        let servers = shapes
            .iter()
            .map(|shape| scratch.start_noop(server_cores, *shape, workers))
            .collect::<Result<Vec<_>>>()?;
        println!(
            "\n{workers} worker(s) on cores {server_cores}, client on {client_cores}: µs of server CPU per request (quartiles), × dealt"
        );
        for unix in [false, true] {
            for (connections, streams) in [(4, 16), (1, 1), (64, 1), (1, 64)] {
                let setting = Setting { unix, connections, streams };
                // One at a time is slow: fewer requests say as much.
                let requests = if connections * streams == 1 { 400 } else { 5_000 };
                let effort = if quick {
                    Effort { rounds: 3, requests: 1000 }
                } else {
                    Effort { rounds: 48, requests }
                };
                let servers: Vec<&Server> = servers.iter().collect();
                let courses = runtime()?.block_on(interleave(&servers, &evaluate, setting, effort))?;
                print!("{} {connections:>2} x {streams:<2}", if unix { "unix" } else { "tcp " });
                for (shape, course) in shapes.iter().zip(&courses) {
                    let (us, times) = (spread(&course.us), ratio(course, &courses[0]));
                    print!(" | {shape} {us} {:.2}x", times.median);
                }
                println!();
            }
        }
        if workers > 1 {
            println!(
                "\nbusiest worker's share of the CPU with 4 connections (0.5 is even), over many sets of connections"
            );
            for (shape, server) in shapes.iter().zip(&servers) {
                for unix in [false, true] {
                    let shares =
                        runtime()?.block_on(balance(server, &evaluate, unix, if quick { 5 } else { 60 }))?;
                    let s = spread(&shares);
                    let alone = shares.iter().filter(|share| **share > 0.9).count();
                    println!(
                        "{shape} {}: {s}, all on one worker in {alone} of {}",
                        if unix { "unix" } else { "tcp" },
                        shares.len()
                    );
                }
            }
        }
    }
    Ok(())
}

/// Opens four connections afresh, asks on all, and says how much of the work the busiest worker did.
async fn balance(server: &Server, questions: &Arc<Questions>, unix: bool, sets: usize) -> Result<Vec<f64>> {
    let mut shares = Vec::new();
    for _ in 0..sets {
        let load = Load::connect(if unix { &server.unix } else { &server.tcp }, 4).await?;
        let before = server.threads_ns()?;
        load.ask(questions, questions.next(2_000), 8).await?;
        let after = server.threads_ns()?;
        let spent: Vec<u64> = before
            .iter()
            .zip(&after)
            .filter(|((name, _), _)| name == "worker")
            .map(|((_, before), (_, after))| after - before)
            .collect();
        let busiest = spent.iter().max().copied().unwrap_or_default();
        shares.push(busiest as f64 / spent.iter().sum::<u64>() as f64);
    }
    Ok(shares)
}
