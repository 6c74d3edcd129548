//! The README, word for word: each console block is typed in as it stands, and must print what stands under it.
//!
//! `$ ` begins a command; the lines up to the next one are what it prints, where `...` stands for anything (alone on a
//! line: for any lines). The documented ports become the ports of this story's own server and gateway, and back again
//! in what is printed; `target/release/safety-pact` becomes the binary under test. `cargo run --release` starts that
//! binary, and a command that ends in `&` goes on in the background once it has printed what it should. `make test` is
//! in no block: it is what runs this.

use std::fs;
use std::net::SocketAddr;
use std::process::Command;

use crate::support::process::Process;
use crate::support::repository;
use crate::support::server::Server;

#[derive(Debug, PartialEq, Eq)]
struct Step {
    command: String,
    expected: Vec<String>,
}

/// The commands of all console blocks, in order.
fn steps(text: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        if line.starts_with("```") {
            inside = line == "```console";
        } else if let Some(command) = line.strip_prefix("$ ").filter(|_| inside) {
            steps.push(Step { command: command.to_owned(), expected: Vec::new() });
        } else if inside {
            steps.last_mut().expect("a block begins with a command").expected.push(line.to_owned());
        }
    }
    steps
}

/// Is `printed` what was `expected`, where `...` stands for anything?
fn matches(expected: &[String], printed: &[String]) -> bool {
    match expected.split_first() {
        None => printed.is_empty(),
        Some((first, rest)) if first == "..." => (0..=printed.len()).any(|n| matches(rest, &printed[n..])),
        Some((first, rest)) => printed
            .split_first()
            .is_some_and(|(line, others)| line_matches(first, line) && matches(rest, others)),
    }
}

fn line_matches(expected: &str, printed: &str) -> bool {
    match expected.split_once("...") {
        None => expected == printed,
        Some((before, after)) => printed.strip_prefix(before).is_some_and(|rest| {
            (0..=rest.len()).any(|n| rest.is_char_boundary(n) && line_matches(after, &rest[n..]))
        }),
    }
}

/// Documented places and what they are in this story.
struct Places(Vec<(&'static str, String)>);

impl Places {
    fn here(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (documented, here)| text.replace(documented, here))
    }

    fn documented(&self, line: &str) -> String {
        self.0.iter().fold(line.to_owned(), |line, (documented, here)| line.replace(here, documented))
    }
}

/// A shell at the repository's root, with the tools on its path and none of this shell's settings.
#[expect(clippy::disallowed_methods, reason = "the commands find bash's tools where this shell does")]
fn shell(command: &str, pdp: SocketAddr) -> Command {
    let path = std::env::var("PATH").expect("there is a PATH");
    let home = std::env::var("HOME").unwrap_or_default();
    let mut shell = Command::new("bash");
    shell
        .args(["-c", command])
        .current_dir(repository("."))
        .env_clear()
        .env("PATH", format!("{}:{path}", repository(".tools/bin").display()))
        .env("HOME", home)
        .env("PDP_PORT", pdp.port().to_string())
        // What `evaluate` asks when it is not told.
        .env("SAFETY_PACT_ADDRESS", pdp.to_string())
        .env("GATEWAY_PORT", "0");
    shell
}

#[tokio::test]
async fn every_block_of_the_readme_prints_what_it_says() {
    let readme = fs::read_to_string(repository("README.md")).expect("there is a README");
    let mut steps = steps(&readme).into_iter();

    let start = steps.next().expect("the README has blocks");
    assert_eq!(start.command, "cargo run --release", "the first block starts the server");
    let mut server = Server::start("").await;
    let mut places = Places(vec![
        ("127.0.0.1:50051", server.grpc().to_string()),
        ("127.0.0.1:8081", server.admin().to_string()),
        ("target/release/safety-pact", env!("CARGO_BIN_EXE_safety-pact").to_owned()),
    ]);
    let banner: Vec<_> = server.output().stderr.all().iter().map(|line| places.documented(line)).collect();
    assert!(matches(&start.expected, &banner), "expected {:#?}, printed {banner:#?}", start.expected);

    let mut in_background = Vec::new();
    let mut done = 0;
    for Step { command, expected } in steps {
        done += 1;
        let mut shell = shell(places.here(&command).trim_end_matches(" &"), server.grpc());
        if command.ends_with(" &") {
            let mut process = Process::start(&command, shell);
            let stdout = process.output().stdout.clone();
            let address = process
                .until("the gateway is ready", async || {
                    stdout.find(|line| line.strip_prefix("gateway ready on ").map(str::to_owned))
                })
                .await;
            places.0.push(("127.0.0.1:10000", address));
            let printed: Vec<_> = stdout.all().iter().map(|line| places.documented(line)).collect();
            assert!(matches(&expected, &printed), "{command}\nexpected {expected:#?}\nprinted {printed:#?}");
            in_background.push(process);
            continue;
        }
        let output = shell.output().expect("there is a shell");
        let text = String::from_utf8_lossy(&output.stdout).replace('\r', "");
        let printed: Vec<_> = text.lines().map(|line| places.documented(line)).collect();
        assert!(
            matches(&expected, &printed),
            "$ {command}\nexpected {expected:#?}\nprinted {printed:#?}\nand said {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    assert!(done > 10, "the blocks were run");
    // It is asked to end, so that it ends what it started.
    for mut process in in_background {
        process.signal("TERM");
        assert_eq!(process.ended().await, 0);
    }
    assert_eq!(server.terminate().await, 0, "the server outlived its readers and drains");
}

#[test]
fn dots_stand_for_anything_and_nothing_else_does() {
    let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    for (expected, printed, same) in [
        ("a\nb", "a\nb", true),
        ("a", "a\nb", false),
        ("a\nb", "a", false),
        ("a...c", "abc", true),
        ("a...c", "abd", false),
        ("a...b...c", "a1b2c", true),
        ("a\n...\nd", "a\nb\nc\nd", true),
        ("a\n...\nd", "a\nd", true),
        ("a\n...\nd", "a\nb\nc", false),
        ("a\n...", "a", true),
        ("{", "}", false),
    ] {
        assert_eq!(matches(&lines(expected), &lines(printed)), same, "{expected:?} against {printed:?}");
    }
}

#[test]
fn only_console_blocks_hold_commands() {
    let text = "$ no\n```sh\n$ neither\n```\n```console\n$ yes\nout\n$ more\n```\n";
    let step = |command: &str, expected: &[&str]| Step {
        command: command.to_owned(),
        expected: expected.iter().map(|line| (*line).to_owned()).collect(),
    };
    assert_eq!(steps(text), [step("yes", &["out"]), step("more", &[])]);
}
