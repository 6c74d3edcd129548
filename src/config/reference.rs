//! The reference page: every setting with its default, what may be written and what it does, out of the schema.

use std::fmt::Write as _;

use crate::config::schema::{self, Field, ROOT, Shape};

/// Every setting's dotted path; `<name>` stands for a policy, `<tier>` for a tier, `<CODE>` for a reason code.
#[must_use]
pub fn paths() -> Vec<String> {
    let mut paths = Vec::new();
    schema::walk("", ROOT, &mut |path, field| match field.shape {
        Shape::Value { .. } => paths.push(path.to_owned()),
        Shape::Tiers(fields) => {
            paths.extend(fields.iter().map(|field| format!("{path}.<tier>.fair_play.{}", field.name)));
        }
        Shape::Messages => paths.push(format!("{path}.<CODE>")),
        Shape::NotYet(_)
        | Shape::Section(_)
        | Shape::Switchable { .. }
        | Shape::Policies(_)
        | Shape::Rules(_) => {}
    });
    paths
}

/// The tables of docs/configuration.md.
#[must_use]
pub fn tables() -> String {
    let mut page = String::new();
    for field in ROOT {
        heading(&mut page, "##", field.name, field.about);
        section(&mut page, field.name, &field.shape);
    }
    page
}

fn heading(page: &mut String, level: &str, path: &str, about: &str) {
    // Writing into a text cannot fail.
    let _ = write!(page, "\n{level} `{path}`\n\n{about}\n");
}

fn section(page: &mut String, path: &str, shape: &Shape) {
    let (path, fields) = match shape {
        Shape::Section(fields) | Shape::Switchable { fields, .. } => (path.to_owned(), fields),
        Shape::Policies(fields) => (format!("{path}.<name>"), fields),
        Shape::Rules(fields) => (format!("{path}[]"), fields),
        Shape::Value { .. } | Shape::Tiers(_) | Shape::Messages | Shape::NotYet(_) => return,
    };
    let is_section = |field: &&Field| {
        matches!(
            field.shape,
            Shape::Section(_) | Shape::Switchable { .. } | Shape::Rules(_) | Shape::Policies(_)
        )
    };
    let rows: Vec<_> = fields.iter().filter(|field| !is_section(field)).collect();
    if !rows.is_empty() {
        page.push_str("\n| setting | default | allowed | what it does |\n|---|---|---|---|\n");
    }
    for field in rows {
        row(page, &path, field);
    }
    for field in fields.iter().filter(is_section) {
        let path = format!("{path}.{}", field.name);
        heading(page, "###", &path, field.about);
        section(page, &path, &field.shape);
    }
}

fn row(page: &mut String, path: &str, field: &Field) {
    let path = format!("{path}.{}", field.name);
    let (path, default, allowed) = match &field.shape {
        Shape::Value { kind, default } => {
            let default = match *default {
                "" if path.contains("[]") => "absent".to_owned(),
                "" => "empty".to_owned(),
                default => format!("`{default}`"),
            };
            (path, default, kind.allowed())
        }
        Shape::Tiers(_) => {
            (format!("{path}.<tier>.fair_play.*"), "none".to_owned(), "as in `fair_play`".to_owned())
        }
        Shape::Messages => {
            (format!("{path}.<CODE>"), "none".to_owned(), "text, 1 to 500 characters".to_owned())
        }
        _ => (path, "none".to_owned(), "nothing yet".to_owned()),
    };
    let _ = writeln!(page, "| `{path}` | {default} | {allowed} | {} |", field.about);
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEGIN: &str = "<!-- settings: begin; written by the test in src/config/reference.rs -->\n";
    const END: &str = "\n<!-- settings: end -->";

    /// `UPDATE_DOCS=1 cargo test --lib config::reference` writes the page anew.
    #[test]
    fn the_reference_page_shows_every_setting_as_it_is() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/configuration.md");
        let page = std::fs::read_to_string(file).expect("the page is there");
        let (before, rest) = page.split_once(BEGIN).expect("the begin mark");
        let (shown, after) = rest.split_once(END).expect("the end mark");
        let tables = tables();
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(file, [before, BEGIN, &tables, END, after].concat())
                .expect("the page can be written");
            return;
        }
        assert!(shown == tables, "docs/configuration.md is out of date; run with UPDATE_DOCS=1");
    }

    #[test]
    fn every_path_is_on_the_page() {
        let tables = tables();
        for path in paths() {
            let row = match path.split_once(".<tier>.fair_play.") {
                Some((tiers, _)) => format!("| `{tiers}.<tier>.fair_play.*` |"),
                None => format!("| `{path}` |"),
            };
            assert!(tables.contains(&row), "{path}");
        }
    }
}
