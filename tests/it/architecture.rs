//! The house keeps itself: module order, which crate may be named where, file headers, file sizes, lints with reasons.

use std::fs;
use std::path::{Path, PathBuf};

/// The modules in dependency order; each names only those before it, and `grpc` and `http` do not name each other.
const ORDER: [&str; 12] =
    ["pact", "clock", "payload", "config", "telemetry", "store", "pdp", "pep", "grpc", "http", "app", "cli"];

/// Which module may name which crate. What is not listed (std, thiserror, tracing) is free outside the rules.
const CRATES: [(&str, &[&str]); 26] = [
    ("anyhow", &["cli"]),
    ("axum", &["http", "app"]),
    ("clap", &["cli"]),
    ("clap_complete", &["cli"]),
    ("dashmap", &["store"]),
    ("envoy_types", &["grpc"]),
    ("hyper_util", &["grpc"]),
    ("mimalloc", &["main"]),
    ("prometheus_client", &["telemetry"]),
    ("prost", &["grpc"]),
    ("prost_types", &["grpc", "cli"]),
    ("serde", &["payload", "config", "pep", "cli"]),
    ("serde_json", &["payload", "config", "pep", "cli"]),
    ("serde_saphyr", &["config"]),
    ("sha2", &["config"]),
    ("siphasher", &["pdp", "cli"]),
    ("strsim", &["config"]),
    ("tokio", &["grpc", "app", "cli"]),
    ("tokio_stream", &["grpc"]),
    ("tonic", &["grpc"]),
    ("tonic_health", &["grpc"]),
    ("tonic_prost", &["grpc"]),
    ("tonic_reflection", &["grpc"]),
    ("tower", &["grpc"]),
    ("tracing", &["pdp", "grpc", "http", "app", "cli"]),
    ("tracing_subscriber", &["telemetry"]),
];

/// What the rules may name besides the standard library.
const RULES_MAY_NAME: [&str; 4] = ["regex", "aho_corasick", "thiserror", "proptest"];

struct SourceFile {
    path: PathBuf,
    /// The module under `src/` that it belongs to.
    module: String,
    text: String,
}

fn sources() -> Vec<SourceFile> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("src/ can be listed") {
            let path = entry.expect("src/ can be listed").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let inside = path.strip_prefix(&root).expect("it is under src/");
                let first = inside.components().next().expect("it has a name").as_os_str().to_string_lossy();
                let module = first.trim_end_matches(".rs").to_owned();
                let text = fs::read_to_string(&path).expect("sources are UTF-8");
                files.push(SourceFile { path: inside.to_owned(), module, text });
            }
        }
    }
    assert!(files.len() > 30, "the walk found the sources");
    files
}

/// The code without comments and without string literals.
fn code(text: &str) -> String {
    text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

fn names_crate(code: &str, name: &str) -> bool {
    let pattern = format!("{name}::");
    code.match_indices(&pattern).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':')
    })
}

#[test]
fn lib_rs_lists_the_modules_in_dependency_order() {
    let lib = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).expect("lib.rs");
    let listed: Vec<_> =
        lib.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    assert_eq!(listed, ORDER);
}

#[test]
fn a_module_names_only_those_before_it() {
    let mut broken = Vec::new();
    for file in sources() {
        let Some(place) = ORDER.iter().position(|module| *module == file.module) else { continue };
        let code = code(&file.text);
        // One `use crate::module::…` a module, which is what the next lines look for.
        if code.contains("crate::{") {
            broken.push(format!("{} names modules in a bundle", file.path.display()));
        }
        for (other, name) in ORDER.iter().enumerate() {
            let named =
                code.contains(&format!("crate::{name}::")) || code.contains(&format!("crate::{name};"));
            let siblings = file.module == "http" && *name == "grpc";
            if named && (other > place || siblings) {
                broken.push(format!("{} names crate::{name}", file.path.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn crates_stay_in_their_modules() {
    let mut broken = Vec::new();
    for file in sources() {
        let code = code(&file.text);
        for (name, modules) in CRATES {
            if names_crate(&code, name) && !modules.contains(&file.module.as_str()) {
                broken.push(format!("{} names {name}", file.path.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn the_rules_know_no_crate_clock_or_randomness() {
    for file in sources().iter().filter(|file| file.module == "pact") {
        let code = code(&file.text);
        for (name, _) in CRATES {
            assert!(
                RULES_MAY_NAME.contains(&name) || !names_crate(&code, name),
                "{} names {name}",
                file.path.display()
            );
        }
        for banned in ["tracing::", "std::time", "std::env", "std::fs", "std::net", "RandomState", "async fn"]
        {
            // The ledger's tables are hashed with random keys; no order and no hash of theirs shows in a report.
            let excused = banned == "RandomState" && file.path.ends_with("cooperation/tables.rs");
            assert!(excused || !code.contains(banned), "{} names {banned}", file.path.display());
        }
    }
}

#[test]
fn fair_play_computes_without_floating_point() {
    for file in sources().iter().filter(|file| file.path.starts_with("pact/fair_play")) {
        let code = code(&file.text);
        assert!(!code.contains("f64") && !code.contains("f32"), "{}", file.path.display());
    }
}

#[test]
fn every_file_begins_with_what_it_is() {
    for file in sources() {
        assert!(file.text.starts_with("//! "), "{} has no header", file.path.display());
        assert!(!file.text.contains("placeholder"), "{} is a placeholder", file.path.display());
    }
}

#[test]
fn no_file_outgrows_a_head() {
    for file in sources() {
        let lines = file.text.lines().count();
        assert!(lines <= 450 || file.path.ends_with("tests.rs"), "{}: {lines} lines", file.path.display());
    }
}

#[test]
fn main_rs_stays_small() {
    let main =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/main.rs")).expect("main.rs");
    assert!(main.lines().count() < 60);
}

#[test]
fn the_crate_table_names_every_dependency_that_must_stay_put() {
    let manifest =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")).expect("manifest");
    let section = manifest.split("[dependencies]").nth(1).expect("dependencies");
    let section = section.split("\n[").next().expect("a section ends");
    for line in section.lines().filter(|line| line.contains(" = ")) {
        let name = line.split(" = ").next().expect("a name").replace('-', "_");
        let listed = CRATES.iter().any(|(listed, _)| *listed == name);
        // Errors are everywhere.
        assert!(listed || name == "thiserror", "`{name}` is in no row of the table");
    }
}
