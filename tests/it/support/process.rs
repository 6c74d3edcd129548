//! A program that a story starts: its output is kept, signals go to it by pid, and it never outlives the test process.

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::support::eventually;

/// A running program.
#[derive(Debug)]
pub(crate) struct Process {
    name: String,
    child: Child,
    /// Kills the child once our end of its standard input is gone: a test run that is killed drops nothing.
    watchdog: Child,
    output: Output,
}

/// What a program has said so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Output {
    pub(crate) stdout: Lines,
    pub(crate) stderr: Lines,
}

/// Lines, in the order in which they came.
#[derive(Debug, Clone, Default)]
pub(crate) struct Lines(Arc<Mutex<Vec<String>>>);

impl Lines {
    pub(crate) fn all(&self) -> Vec<String> {
        self.0.lock().expect("no reader panics").clone()
    }

    pub(crate) fn text(&self) -> String {
        self.all().join("\n")
    }

    /// The first line for which `pick` has an answer, now.
    pub(crate) fn find<T>(&self, pick: impl Fn(&str) -> Option<T>) -> Option<T> {
        self.0.lock().expect("no reader panics").iter().find_map(|line| pick(line))
    }

    fn follow(&self, pipe: impl Read + Send + 'static) {
        let lines = self.clone();
        thread::spawn(move || {
            let mut pipe = BufReader::new(pipe);
            let mut line = Vec::new();
            while pipe.read_until(b'\n', &mut line).is_ok_and(|bytes| bytes > 0) {
                let text = String::from_utf8_lossy(&line).trim_end().to_owned();
                lines.0.lock().expect("no reader panics").push(text);
                line.clear();
            }
        });
    }
}

impl Process {
    /// Starts `command` in a process group of its own, so that a Ctrl-C does not reach it before its story ends.
    pub(crate) fn start(name: &str, mut command: Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        let mut child = command.spawn().unwrap_or_else(|e| panic!("{name} does not start: {e}"));
        let output = Output::default();
        output.stdout.follow(child.stdout.take().expect("it is piped"));
        output.stderr.follow(child.stderr.take().expect("it is piped"));
        let watchdog = Command::new("sh")
            .args([
                "-c",
                "cat >/dev/null; kill -KILL \"$1\" 2>/dev/null",
                "watchdog",
                &child.id().to_string(),
            ])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .expect("every Unix has a shell");
        Self { name: name.to_owned(), child, watchdog, output }
    }

    pub(crate) fn output(&self) -> &Output {
        &self.output
    }

    /// Asks `probe` until it has an answer; fails at once, showing what the program said, if it has ended.
    pub(crate) async fn until<T>(&mut self, what: &str, mut probe: impl AsyncFnMut() -> Option<T>) -> T {
        let name = self.name.clone();
        let output = self.output.clone();
        let child = &mut self.child;
        eventually(&format!("{name}: {what}"), async || {
            let answer = probe().await;
            if answer.is_none()
                && let Some(status) = child.try_wait().expect("it is our child")
            {
                panic!("{name} ended ({status}) before {what}; it said:\n{}", output.stderr.text());
            }
            answer
        })
        .await
    }

    /// Sends `signal`, for example `STOP`.
    pub(crate) fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("sh").args(["-c", "kill -\"$1\" \"$2\"", "signal", signal, &pid]).status();
        assert!(sent.expect("every Unix has a shell").success(), "{} is gone before SIG{signal}", self.name);
    }

    /// Waits for its end: the exit code, or 128 and the signal as a shell says it.
    pub(crate) async fn ended(&mut self) -> i32 {
        let child = &mut self.child;
        let what = format!("{}: end", self.name);
        let status = eventually(&what, async || child.try_wait().expect("it is our child")).await;
        status
            .code()
            .or_else(|| status.signal().map(|signal| 128 + signal))
            .expect("it ended in one of two ways")
    }
}

impl Drop for Process {
    #[expect(clippy::print_stderr, reason = "what the program said belongs to the failed test's output")]
    fn drop(&mut self) {
        // The watchdog first: while the child is not reaped, its pid belongs to nobody else.
        let _ = self.watchdog.kill();
        let _ = self.watchdog.wait();
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            let (out, err) = (self.output.stdout.text(), self.output.stderr.text());
            eprintln!("=== {} said on stdout:\n{out}\n=== and on stderr:\n{err}", self.name);
        }
    }
}
